"""Free SQL over the lake, as of now or as of any moment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from assay.lake import readonly, reads
from assay.pipelines import steps
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb
    import polars as pl


def query(
    workspace: Workspace, sql: str, *, as_of: datetime | None = None, available_at: datetime | None = None
) -> pl.DataFrame:
    """Return the rows of one SELECT.

    Parameters
    ----------
    workspace : Workspace
    sql : str
        Tables are named ``silver.crypto_prices_cleaned`` and so on.
    as_of : datetime, optional
        Answer as it was known at that moment; indicators are computed over the bars of that moment.
    available_at : datetime, optional
        Answer with what a system that ran at that moment would have had; both may be given.

    Raises
    ------
    BadInputError
        If `sql` is not one SELECT, or cannot be answered.
    NoDataError
        If nothing was ever built.
    """
    lake = workspace.settings.lake
    opened = readonly.open_for_queries(
        workspace.home,
        as_of=as_of,
        available_at=available_at,
        threads=lake.threads,
        memory_limit=lake.memory_limit,
    )
    with opened as connection:
        readonly.check_select(connection, sql)
        if (as_of or available_at) and "technical_indicators" in sql.lower():
            _add_indicators(workspace, connection)
        readonly.lock_down(connection, workspace.home)
        return readonly.result_of(connection, sql)


def _add_indicators(workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> None:
    """Make ``silver.technical_indicators`` what the Steps give over the bars of that moment."""
    import polars  # noqa: PLC0415  # heavy, and rarely needed here

    key = ["venue", "market", "symbol", "interval"]
    klines = connection.execute(
        f"select * from memory.{reads.CLEANED} where is_closed order by {', '.join(key)}, open_time"
    ).pl()
    parts = [
        steps.technical_indicators(workspace, part).with_columns(
            [polars.lit(value).alias(name) for name, value in zip(key, series, strict=True)]
        )
        for series, part in klines.partition_by(*key, as_dict=True, maintain_order=True).items()
    ]
    if parts:
        connection.register("computed_indicators", polars.concat(parts))
        connection.execute("create table memory.silver.technical_indicators as select * from computed_indicators")
        connection.unregister("computed_indicators")
