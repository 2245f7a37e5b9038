"""Several series as one market: one account trades them all, on a grid of the times at which any of them has a bar.

Which series is what a person named: a universe chosen today among those that are still there flatters what it earns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from assay.backtest.account import Schedule
from assay.backtest.layout import Floats, Ints
from assay.backtest.market import Market
from assay.domain.errors import BadInputError
from assay.domain.instrument import Resolution, SeriesId
from assay.lake.reads import Span
from assay.lake.sealed import identity
from assay.measures.trading_costs import Costs
from assay.pipelines.backtest_market import LakeMarket, Terms, read_market
from assay.pipelines.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class SeveralMarkets:
    """What is traded, where it is more than one series; the names that :class:`LakeMarket` has mean the same here.

    Attributes
    ----------
    parts : tuple of LakeMarket
        In the order in which they were named.
    span : Span
    market : Market
        All of them, NaN where one has no bar.
    rows : tuple of int64 arrays
        Of each part where the rows of its market are among those of all.
    costs : tuple of Schedule
        Of each symbol by itself.
    """

    parts: tuple[LakeMarket, ...]
    span: Span
    market: Market
    rows: tuple[Ints, ...]
    costs: tuple[Schedule, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The series."""
        return tuple(str(one.series) for one in self.parts)

    @property
    def source(self) -> str:
        """Which trials are held against each other: those of the same series, in whatever order they were named."""
        return f"several:{identity(sorted(self.names))}:{self.parts[0].series.interval.code}"

    @property
    def requested(self) -> str:
        """What was asked for."""
        return ", ".join(one.requested for one in self.parts)

    @property
    def is_stand_in(self) -> bool:
        """Whether one of them stands in for what was asked."""
        return any(one.is_stand_in for one in self.parts)

    @property
    def told(self) -> str:
        """The series in words."""
        return ", ".join(one.told for one in self.parts)

    @property
    def may_short(self) -> bool:
        """False if one of them is a spot market."""
        return all(one.may_short for one in self.parts)

    @property
    def bars(self) -> pl.DataFrame:
        """``open_time`` and ``close_time`` of the rows in which any series has a bar."""
        both = [one.bars.select("open_time", "close_time") for one in self.parts]
        return pl.concat(both).unique("open_time").sort("open_time")

    @property
    def data_version(self) -> str:
        """16 hexadecimal digits of the bars of all."""
        return identity(sorted([name, one.data_version] for name, one in zip(self.names, self.parts, strict=True)))

    @property
    def says(self) -> tuple[str, ...]:
        """What is said of all of them once, and of each by its name."""
        common = [note for note in self.parts[0].says if all(note in one.says for one in self.parts)]
        own = [
            f"{one.series.symbol}: {note}" for one in self.parts for note in one.says if note not in common
        ]  # fmt: skip
        return ("which series are traded was chosen by who asked", *common, *own)


def read_several(workspace: Workspace, found: Sequence[Resolution], span: Span, terms: Terms) -> SeveralMarkets:
    """Return the bars of several series and the terms on which each is traded; Raises as :func:`read_market`.

    Raises
    ------
    BadInputError
        Also if two have one symbol, or there is more than one quote currency.
    """
    _check(found)
    parts = tuple(read_market(workspace, one, span, terms) for one in found)
    opens = np.unique(np.concatenate([one.market.open_time for one in parts]))
    rows = tuple(np.searchsorted(opens, one.market.open_time) for one in parts)
    closes = np.zeros(opens.size, dtype=np.int64)
    for part, places in zip(parts, rows, strict=True):
        np.maximum.at(closes, places, part.market.close_time)

    def column(name: str, empty: float) -> Floats:
        joint = np.full((opens.size, len(parts)), empty)
        for at, (part, places) in enumerate(zip(parts, rows, strict=True)):
            given: Floats = getattr(part.market, name)
            if given.shape[0]:
                joint[places, at] = given[:, 0]
        return joint

    has_funding = any(one.market.funding.shape[0] for one in parts)
    prices = [column(name, np.nan) for name in ("open", "high", "low", "close", "volume")]
    market = Market(
        tuple(one.market.symbols[0] for one in parts), opens, closes,
        prices[0], prices[1], prices[2], prices[3], prices[4],
        funding=column("funding", 0.0) if has_funding else np.empty((0, len(parts))),
        delisted_at={symbol: moment for one in parts for symbol, moment in one.market.delisted_at.items()},
    )  # fmt: skip
    return SeveralMarkets(parts, span, market, rows, _costs(parts))


def _check(found: Sequence[Resolution]) -> None:
    symbols = [one.series.symbol for one in found]
    if len(set(symbols)) < len(symbols):
        todo = "name each symbol once, of one market"
        raise BadInputError("a symbol twice in one account", value=", ".join(map(str, symbols)), todo=todo)
    quotes = dict.fromkeys(one.quote for one in symbols)
    if len(quotes) > 1:
        todo = "name symbols with one quote currency: cash is in that"
        raise BadInputError("several quote currencies in one account", value=", ".join(quotes), todo=todo)


def _costs(parts: Sequence[LakeMarket]) -> tuple[Schedule, ...]:
    """Return what each symbol costs from each moment on at which that changes for one of them."""

    def of(part: LakeMarket, moment: int) -> Costs:
        past = [one for one in part.costs if one.from_time <= moment]
        return (past or part.costs)[-1 if past else 0].of(part.market.symbols[0])

    moments = sorted({one.from_time for part in parts for one in part.costs})
    return tuple(
        Schedule({part.market.symbols[0]: of(part, moment) for part in parts}, moment) for moment in moments
    )  # fmt: skip


def series_of(found: LakeMarket | SeveralMarkets) -> tuple[SeriesId, ...]:
    """Return the series that are traded."""
    return tuple(one.series for one in found.parts)
