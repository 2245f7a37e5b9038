"""Which asset a ticker meant from when to when: bars on the two sides of such an edge are not one series.

What is stated is in ``silver.asset_identities``, and the same as of any moment; a ticker that is not there is taken to
mean one asset at all times.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from assay.domain.interval import EPOCH
from assay.lake import definitions

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

_FOR_EVER = 9999
_SEGMENTS = "select ticker, asset_id, valid_from, valid_to, formerly, source"


@dataclass(frozen=True, slots=True)
class AssetSpan:
    """Rows that follow one another and are of one asset; or a row alone that an edge lies in, which is of two."""

    rows: slice
    is_of_one: bool


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

    `relation` is a table of identities; without one it is what this program states.
    """
    rows = lake.execute(
        f"{_SEGMENTS} from {relation or f'({definitions.asset_identities()})'} where ticker = ? order by valid_from",
        [ticker],
    ).fetchall()
    return tuple(AssetSegment(*row) for row in rows)


def stated_segments(ticker: str) -> tuple[AssetSegment, ...]:
    """Return what this program states that a ticker meant when, in order of time; no lake is asked."""
    return _all_stated().get(ticker, ())


@functools.cache
def _all_stated() -> Mapping[str, tuple[AssetSegment, ...]]:
    import duckdb  # noqa: PLC0415

    with duckdb.connect() as connection:
        rows = connection.execute(f"{_SEGMENTS} from ({definitions.asset_identities()}) order by valid_from").fetchall()
    found: dict[str, tuple[AssetSegment, ...]] = {}
    for segment in (AssetSegment(*row) for row in rows):
        found[segment.ticker] = (*found.get(segment.ticker, ()), segment)
    return found


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


def asset_spans(
    open_time: NDArray[np.int64], close_time: NDArray[np.int64], segments: Sequence[AssetSegment]
) -> list[AssetSpan]:
    """Return the rows of a series asset by asset: each row in one span, in order.

    Parameters
    ----------
    open_time, close_time : ndarray of int64, shape (n,)
        Microseconds, in order of time; at least one.
    segments : sequence of AssetSegment
        Of the ticker, in order of time; none are taken for one asset at all times.
    """
    import numpy as np  # noqa: PLC0415

    edges = [(one.valid_from - EPOCH) // timedelta(microseconds=1) for one in segments[1:]]
    # Edges that are past at the open, and at the close: the same number unless one lies in the bar.
    side = np.searchsorted(edges, open_time, "right") + np.searchsorted(edges, close_time, "left")
    starts = [0, *(np.flatnonzero(np.diff(side)) + 1).tolist()]
    ends = [*starts[1:], len(side)]
    return [AssetSpan(slice(*pair), not side[pair[0]] % 2) for pair in zip(starts, ends, strict=True)]


def spans_of_bars(klines: pl.DataFrame, segments: Sequence[AssetSegment]) -> list[AssetSpan]:
    """Return the rows of a frame with open_time and close_time asset by asset, as :func:`asset_spans` does."""
    if len(segments) < 2 or klines.is_empty():  # one asset: nearly every ticker
        return [AssetSpan(slice(0, klines.height), is_of_one=True)]
    opened, closed = (klines[name].dt.epoch("us").to_numpy() for name in ("open_time", "close_time"))
    return asset_spans(opened, closed, segments)


def parts_of_one_asset(klines: pl.DataFrame, segments: Sequence[AssetSegment]) -> list[pl.DataFrame]:
    """Return the bars of a series in parts, of each of which the ticker meant one asset.

    A bar that an edge lies in is of two assets and in no part. Of a ticker that meant one asset there is one part.
    """
    return [klines[one.rows] for one in spans_of_bars(klines, segments) if one.is_of_one] or [klines]
