"""What tests of the sandbox read from it: moments and returns."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues.sandbox.bars import COLUMNS, Bars
from assay.venues.sandbox.market import Market

BTC, ETH, DOGE, DASH = (Symbol.parse(f"{base}-USDT") for base in ("BTC", "ETH", "DOGE", "DASH"))
HOUR, MINUTE, DAY = (Interval.parse(code) for code in ("1h", "1m", "1d"))


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def hourly_returns(market: Market, symbol: Symbol, start: datetime, end: datetime) -> NDArray[np.float64]:
    close = market.klines(symbol, HOUR, start=start, end=end).close
    return np.diff(np.log(close.astype(np.float64)))


def same(one: Bars, other: Bars) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)


def z_of_share(hits: NDArray[np.bool_], share: float) -> float:
    """How many standard errors the share of true values lies from the one expected."""
    return float((hits.mean() - share) / np.sqrt(share * (1.0 - share) / hits.size))
