"""Reads, as of now or as of any moment.

``as_of`` asks what was known at a moment and filters on ``known_at`` alone; ``available_at`` asks what a live system
would have had and filters on that. Both go back to the observations in ``silver.kline_revisions`` and apply the
definitions of today, never to catalogue snapshots, which expire.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId
from assay.lake import definitions
from assay.lake.catalog import CATALOG
from assay.lake.manifest import has_table

if TYPE_CHECKING:
    import polars as pl

STEP_COLUMNS = (
    "open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume",
    "num_trades",
)  # fmt: skip
"""What Steps read of a bar."""
CLEANED = "silver.crypto_prices_cleaned"


@dataclass(frozen=True, slots=True)
class Span:
    """Which part of a series to read, and from whose point of view.

    Attributes
    ----------
    start, end : datetime, optional
        Open times ``[start, end)``.
    as_of : datetime, optional
        Only what Assay had received by then.
    available_at : datetime, optional
        Only what a live system would have had by then.
    only_closed : bool
        Leave bars out that nothing shows to be finished.
    """

    start: datetime | None = None
    end: datetime | None = None
    as_of: datetime | None = None
    available_at: datetime | None = None
    only_closed: bool = True


EVERYTHING = Span()


def list_series(
    connection: duckdb.DuckDBPyConnection, *, as_of: datetime | None = None, available_at: datetime | None = None
) -> list[SeriesId]:
    """Return the series that the lake holds, sorted; as of a moment, those that had a bar by then."""
    if not has_table(connection, CLEANED):
        return []
    rows = connection.execute(
        "select distinct one.venue, one.market, one.symbol, one.interval "
        f"from {CATALOG}.bronze.batch_ranges as one join {CATALOG}.bronze.batches as batch using (batch_id) "
        "where (?::timestamptz is null or batch.known_at <= ?) "
        "and (?::timestamptz is null or one.first_open_time < ?) order by all",
        [as_of, as_of, available_at, available_at],
    ).fetchall()
    return [SeriesId.of(*row) for row in rows]


def known_until(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """Return when the newest batch of bars in the lake was received: as of then, the lake is what it is now."""
    if not has_table(connection, CLEANED):
        return None
    newest: datetime | None = connection.execute(
        f"select max(known_at) from {CATALOG}.bronze.batches "
        f"where batch_id in (select batch_id from {CATALOG}.bronze.batch_ranges)"
    ).fetchall()[0][0]
    return newest


def read_klines(
    connection: duckdb.DuckDBPyConnection, series: SeriesId, span: Span = EVERYTHING, columns: Sequence[str] = ("*",)
) -> pl.DataFrame:
    """Return the bars of one series in order of time, with the columns of ``silver.crypto_prices_cleaned``.

    Raises
    ------
    BadInputError
        If the span ends before it starts.
    NoDataError
        If the lake has no bar that answers.
    """
    if span.start and span.end and span.start >= span.end:
        raise BadInputError("the range is empty", value=f"{span.start} to {span.end}", todo="end it after its start")
    conditions, values = _conditions(series, span)
    relation = f"{CATALOG}.{CLEANED}"
    if span.as_of or span.available_at:
        relation = f"({_seen_from(connection, series, span)})"
    picked = ", ".join(columns)
    frame = connection.execute(f"select {picked} from {relation} where {conditions} order by open_time", values).pl()
    if frame.is_empty():
        todo = "import or build first, or ask for another range"
        raise NoDataError("the lake has no bars for this", value=series, todo=todo)
    return frame


def count_klines(connection: duckdb.DuckDBPyConnection, series: SeriesId, span: Span = EVERYTHING) -> int:
    """Return how many bars of one series the lake holds now that open in a range; as of no other moment."""
    conditions, values = _conditions(series, span)
    query = f"select count(*) from {CATALOG}.{CLEANED} where {conditions}"
    return int(connection.execute(query, values).fetchall()[0][0])


def _conditions(series: SeriesId, span: Span) -> tuple[str, list[object]]:
    conditions = ["venue = ?", "market = ?", "symbol = ?", "interval = ?"]
    values: list[object] = list(series.key)
    if span.start:
        conditions.append("open_time >= ?")
        values.append(span.start)
    if span.end:
        conditions.append("open_time < ?")
        values.append(span.end)
    if span.only_closed:
        conditions.append("is_closed")
    return " and ".join(conditions), values


def _seen_from(connection: duckdb.DuckDBPyConnection, series: SeriesId, span: Span) -> str:
    """Make the observations of that point of view a temporary table, and return the SQL of the cleaned bars."""
    conditions = "venue = ? and market = ? and symbol = ? and interval = ?"
    values: list[object] = list(series.key)
    for column, moment in (("known_at", span.as_of), ("available_at", span.available_at)):
        if moment:
            conditions += f" and {column} <= ?"
            values.append(moment)
    connection.execute(
        f"create or replace temporary table seen as select * from {CATALOG}.silver.kline_revisions where {conditions}",
        values,
    )
    return cleaned_sql("seen")


def cleaned_sql(observations: str) -> str:
    """Return the SQL of ``silver.crypto_prices_cleaned`` over a relation of observations."""
    klines = definitions.current_klines(observations)
    return f"with current_bars as ({klines}) {definitions.cleaned_klines('current_bars')}"
