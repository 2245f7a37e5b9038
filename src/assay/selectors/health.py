"""What each series of the lake holds: its bars, and what is to be known of them, counted in one read.

`assay status` counts with it as well as the pages, so it needs nothing that is slow to import.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_COUNTED = """
select
    venue, market, symbol, interval, count(*), min(open_time), max(open_time),
    sum(missing_bars_before)::bigint, count(*) filter (where is_gap_before),
    count(*) filter (where not is_closed), count(*) filter (where coalesce(volume, quote_volume) = 0),
    count(*) filter (where is_outlier), count(*) filter (where revision > 1)
from {bars}
group by all order by all
"""


@dataclass(frozen=True, slots=True)
class SeriesHealth:
    """One series; the counts after `missing_bars` are None as of a moment.

    Attributes
    ----------
    venue, market, symbol, interval : str
    bars : int
        That are stored.
    first_open_time, last_open_time : datetime
        Of the first and the last of them.
    missing_bars : int
        Between those two.
    holes, provisional_bars, zero_volume_bars, outliers, restated_bars : int or None
        Runs of missing bars; bars that may still change, that nothing was traded in, that moved more than usual, that
        have changed since they were first received.
    """

    venue: str
    market: str
    symbol: str
    interval: str
    bars: int
    first_open_time: datetime
    last_open_time: datetime
    missing_bars: int
    holes: int | None = None
    provisional_bars: int | None = None
    zero_volume_bars: int | None = None
    outliers: int | None = None
    restated_bars: int | None = None

    @property
    def series(self) -> str:
        """``venue:market:SYMBOL``."""
        return f"{self.venue}:{self.market}:{self.symbol}"

    @property
    def coverage(self) -> float:
        """Bars over bars expected between the first and the last; a fraction."""
        return self.bars / (self.bars + self.missing_bars)


def count_series(connection: duckdb.DuckDBPyConnection, bars: str) -> tuple[SeriesHealth, ...]:
    """Return what the series hold now, sorted.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    bars : str
        SQL for ``silver.crypto_prices_cleaned``, to stand after FROM.
    """
    return tuple(SeriesHealth(*row) for row in connection.execute(_COUNTED.format(bars=bars)).fetchall())
