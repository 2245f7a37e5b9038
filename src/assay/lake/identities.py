"""Which asset a ticker meant from when to when: bars on the two sides of such an edge are not one series.

What is stated is in ``silver.asset_identities``, and the same as of any moment; a ticker that is not there is taken to
mean one asset at all times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from assay.lake import definitions

if TYPE_CHECKING:
    import duckdb
    import polars as pl

_FOR_EVER = 9999


@dataclass(frozen=True, slots=True)
class AssetSegment:
    """From when to when a ticker meant one asset; bars on the two sides of an edge are not one series."""

    ticker: str
    asset_id: str
    valid_from: datetime
    valid_to: datetime
    formerly: str | None
    source: str

    def to_dict(self) -> dict[str, str | None]:
        """Return it as plain values for JSON."""
        moments = {"valid_from": self.valid_from.isoformat(), "valid_to": self.valid_to.isoformat()}
        return asdict(self) | moments


def read_segments(lake: duckdb.DuckDBPyConnection, ticker: str, *, relation: str = "") -> tuple[AssetSegment, ...]:
    """Return what a ticker meant when, in order of time.

    `relation` is a table of identities; without one it is what this program states, which a lake knows that never saw a
    list of instruments too.
    """
    rows = lake.execute(
        "select ticker, asset_id, valid_from, valid_to, formerly, source "
        f"from {relation or f'({definitions.asset_identities()})'} where ticker = ? order by valid_from",
        [ticker],
    ).fetchall()
    return tuple(AssetSegment(*row) for row in rows)


def met_between(segments: Sequence[AssetSegment], start: datetime, end: datetime) -> tuple[AssetSegment, ...]:
    """Return those of the segments that ``[start, end)`` meets, if it meets more than one; else nothing."""
    met = tuple(one for one in segments if one.valid_from < end and one.valid_to > start)
    return met if len(met) > 1 else ()


def in_words(segments: Sequence[AssetSegment]) -> str:
    """Return what a ticker meant, one asset after the other; it must have meant one.

    >>> from datetime import UTC
    >>> edge, end = datetime(2022, 5, 28, 6, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    >>> first = AssetSegment("LUNA", "terra-luna", datetime(1970, 1, 1, tzinfo=UTC), edge, None, "")
    >>> in_words([first, AssetSegment("LUNA", "terra-luna-2", edge, end, None, "")])
    'LUNA meant terra-luna until 2022-05-28 06:00 UTC, then terra-luna-2'
    """
    met = (
        one.asset_id if one.valid_to.year == _FOR_EVER else f"{one.asset_id} until {one.valid_to:%Y-%m-%d %H:%M} UTC"
        for one in segments
    )
    return f"{segments[0].ticker} meant {', then '.join(met)}"


def parts_of_one_asset(klines: pl.DataFrame, segments: Sequence[AssetSegment]) -> list[pl.DataFrame]:
    """Return the bars of a series in parts, of each of which the ticker meant one asset.

    A bar that an edge lies in is of two assets and in no part. Of a ticker that meant one asset there is one part.
    """
    import polars as pl  # noqa: PLC0415

    edges = [one.valid_from for one in segments[1:]]
    if not edges:
        return [klines]
    opened, closed = pl.col("open_time"), pl.col("close_time")
    parts = []
    for since, until in zip([None, *edges], [*edges, None], strict=True):
        is_of = [] if since is None else [opened >= since]
        is_of += [] if until is None else [closed <= until]
        part = klines.filter(*is_of)
        if part.height:
            parts.append(part)
    return parts or [klines]
