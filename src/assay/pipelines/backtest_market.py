"""The bars of a series as a backtest trades them, on the terms that were in force: from the lake, as of any moment.

Bars that are missing are rows without prices, so that time goes on and nothing is filled. Steps of price and quantity
come from the venue's own lists, fees from its schedule or the settings, rates of funding from what it published. What
nothing states is not made up: :attr:`LakeMarket.says` names it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from assay.backtest.account import Schedule
from assay.backtest.layout import Floats, Ints
from assay.backtest.market import Market
from assay.domain import instrument
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import Resolution, SeriesId, resolve
from assay.domain.interval import EPOCH, Interval, utc
from assay.lake import as_of, reads
from assay.lake.identities import in_words, met_between, parts_of_one_asset, stated_segments
from assay.lake.manifest import has_table
from assay.lake.reads import Span
from assay.measures.trading_costs import Costs
from assay.pipelines import steps
from assay.pipelines.workspace import Workspace
from assay.venues.fees import fee_at, fee_changes

if TYPE_CHECKING:
    import duckdb

COLUMNS = reads.STEP_COLUMNS
_MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Terms:
    """What trading costs besides what the venue charges.

    Attributes
    ----------
    fee_bps : float, optional
        Of makers and takers, in place of the venue's fees.
    spread_bps, slippage_bps : float
        Half the spread, and the slippage, are lost by every order that takes.
    """

    fee_bps: float | None = None
    spread_bps: float = 2.0
    slippage_bps: float = 1.0

    def __post_init__(self) -> None:
        Costs(taker_bps=self.fee_bps or 0.0, spread_bps=self.spread_bps, slippage_bps=self.slippage_bps)


@dataclass(frozen=True, slots=True, eq=False)
class LakeMarket:
    """What is traded.

    Attributes
    ----------
    resolution : Resolution
        The series, and whether it stands in for what was asked.
    span : Span
        What was asked; `as_of` is set also where it was not: asking with it gives the same again.
    bars : polars.DataFrame
        The closed bars with :data:`COLUMNS`.
    market : Market
        The same as rows of equal length, with rows without prices where bars are missing.
    rows : ndarray of int64, shape (n_bars,)
        Where the bars are among them.
    costs : tuple of Schedule
    may_short : bool
        False on a spot market.
    says : tuple of str
        What it costs and since when that is known, and what is not.
    data_version : str
        16 hexadecimal digits of the bars.
    """

    resolution: Resolution
    span: Span
    bars: pl.DataFrame
    market: Market
    rows: Ints
    costs: tuple[Schedule, ...]
    may_short: bool
    says: tuple[str, ...]
    data_version: str

    @property
    def series(self) -> SeriesId:
        """What is traded."""
        return self.resolution.series

    @property
    def parts(self) -> tuple[LakeMarket]:
        """Itself: one series; :class:`~assay.pipelines.backtest_several.SeveralMarkets` has more."""
        return (self,)

    @property
    def names(self) -> tuple[str]:
        """The series."""
        return (str(self.series),)

    @property
    def source(self) -> str:
        """Which trials are held against each other: those of the same series."""
        return str(self.series)

    @property
    def requested(self) -> str:
        """What was asked for."""
        return self.resolution.requested

    @property
    def is_stand_in(self) -> bool:
        """Whether the series stands in for what was asked."""
        return self.resolution.is_stand_in

    @property
    def told(self) -> str:
        """The series in words."""
        return str(self.resolution)

    @property
    def close_time(self) -> Ints:
        """When each bar closed, microseconds, shape (n_bars,)."""
        return self.bars["close_time"].dt.epoch("us").to_numpy()

    def on_rows(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return values of the bars as values of the rows: NaN, or False, where there is no bar."""
        empty: bool | float = False if values.dtype == np.bool_ else np.nan
        spread = np.full(len(self.market), empty, dtype=values.dtype)
        spread[self.rows] = values
        return spread


def find_series(workspace: Workspace, symbol: str, interval: str, span: Span) -> tuple[Resolution, Span]:
    """Return the series that a name means, and the span with its moment.

    Raises
    ------
    BadInputError
        If it is no name, or the range is empty.
    NoDataError
        If no series answers.
    """
    code = Interval.parse(interval).code
    if span.start and span.end and span.start >= span.end:
        raise BadInputError("the period is empty", value=f"{span.start} to {span.end}", todo="end it after its start")
    with workspace.lake() as lake:
        then = reads.list_series(lake, as_of=span.as_of, available_at=span.available_at)
        places = workspace.settings.preferred_places
        found = resolve(symbol, then or reads.list_series(lake), places=places, interval=code)
        newest = reads.known_until(lake) or workspace.clock.now()
    moment = span.as_of or max(newest, workspace.clock.now())
    return found, dataclasses.replace(span, as_of=moment, only_closed=True)


def read_market(workspace: Workspace, resolution: Resolution, span: Span, terms: Terms) -> LakeMarket:
    """Return the bars of a series and the terms on which they are traded.

    Parameters
    ----------
    workspace : Workspace
    resolution : Resolution
    span : Span
        With its moment, as :func:`find_series` returns it.
    terms : Terms

    Raises
    ------
    NoDataError
        If there are fewer than two bars.
    BadInputError
        If nobody knows the venue's fees and none are given.
    """
    series = resolution.series
    with workspace.lake() as lake:
        bars = reads.read_klines(lake, series, span, COLUMNS)
        segments = stated_segments(series.symbol.base)
        met = met_between(segments, bars["open_time"][0], bars["close_time"][-1])
        bars = parts_of_one_asset(bars, segments)[-1]
        if bars.height < 2:
            raise NoDataError("a backtest needs two bars", value=series, todo="choose a longer period")
        states = _states(lake, series, span)
        rates = _funding_rates(lake, series, span)
    rows, columns = _on_a_grid(bars, series.interval)
    costs, about = _costs(workspace, series, (bars["open_time"][0], bars["open_time"][-1]), states=states, terms=terms)
    is_perpetual = series.market is not instrument.Market.SPOT
    delisted = _delisting(states, bars["close_time"][-1])
    funding, about_funding = _funding(rates, columns["open_time"]) if is_perpetual else (None, "")
    market = Market(
        (str(series.symbol),), columns["open_time"], columns["close_time"],
        columns["open"], columns["high"], columns["low"], columns["close"], columns["volume"],
        funding=np.empty((0, 1)) if funding is None else funding,
        delisted_at={} if delisted is None else {str(series.symbol): _microseconds(delisted)},
    )  # fmt: skip
    notes = [
        *([f"{in_words(met)}: only the last of them is traded"] if met else []),
        *about,
        *([about_funding] if about_funding else []),
        *([f"delisted at {delisted:%Y-%m-%d %H:%M} UTC: what is held is settled there"] if delisted else []),
    ]
    missing = len(market) - bars.height
    notes += [f"{missing:,} of {len(market):,} bars are missing: nothing is filled in them"] if missing else []
    version = steps.data_version_of(steps.bars_of(bars))
    return LakeMarket(resolution, span, bars, market, rows, costs, is_perpetual, tuple(notes), version)


def _on_a_grid(bars: pl.DataFrame, interval: Interval) -> tuple[Ints, dict[str, np.ndarray[Any, Any]]]:
    """Return the rows that bars have among rows of equal length, and their columns there."""
    opened, closed = (bars[name].dt.epoch("us").to_numpy() for name in ("open_time", "close_time"))
    prices = {
        name: bars[name].cast(pl.Float64).to_numpy() for name in ("open", "high", "low", "close", "volume")
    }  # fmt: skip
    step = 0 if interval.is_calendar else interval.microseconds
    since = opened - opened[0]
    if not step or np.any(since % step):
        return np.arange(opened.size), {"open_time": opened, "close_time": closed, **prices}
    rows = since // step
    times = opened[0] + step * np.arange(rows[-1] + 1)
    columns: dict[str, np.ndarray[Any, Any]] = {"open_time": times, "close_time": times + step}
    columns["close_time"][rows] = closed
    for name, values in prices.items():
        columns[name] = np.full(times.size, np.nan)
        columns[name][rows] = values
    return rows, columns


def _states(lake: duckdb.DuckDBPyConnection, series: SeriesId, span: Span) -> list[dict[str, Any]]:
    """Return what the venue's lists said of the instrument, oldest first; nothing where there is no list."""
    if not has_table(lake, "silver.instruments"):
        return []
    table = as_of.relation("silver.instruments", span.as_of, span.available_at)
    return lake.execute(
        f"select valid_from, tick_size, lot_size, min_notional, delisted_at from {table} "
        "where venue = ? and market = ? and symbol = ? order by valid_from, endpoint, revision",
        list(series.key[:3]),
    ).pl().to_dicts()  # fmt: skip


def _funding_rates(lake: duckdb.DuckDBPyConnection, series: SeriesId, span: Span) -> pl.DataFrame:
    """Return the times and rates of funding, in order of time."""
    empty = pl.DataFrame(schema={"funding_time": pl.Datetime("us", "UTC"), "funding_rate": pl.Float64})
    if series.market is instrument.Market.SPOT or not has_table(lake, "silver.funding_rates"):
        return empty
    table = as_of.relation("silver.funding_rates", span.as_of, span.available_at)
    return lake.execute(
        f"select funding_time, funding_rate::double as funding_rate from {table} "
        "where venue = ? and market = ? and symbol = ? order by funding_time",
        list(series.key[:3]),
    ).pl()  # fmt: skip


def _funding(rates: pl.DataFrame, open_time: Ints) -> tuple[Floats, str]:
    """Return what is due at the open of each row, and in words since when rates are known."""
    due = np.zeros(open_time.size)
    # Venues stamp a payment with the milliseconds at which they made it.
    times = rates["funding_time"].dt.epoch("us").to_numpy() // _MINUTE_US * _MINUTE_US
    rows = np.searchsorted(open_time, times, side="left")
    is_in = (times >= open_time[0]) & (rows < open_time.size)
    np.add.at(due, rows[is_in], rates["funding_rate"].to_numpy()[is_in])
    if not is_in.any():
        return due, "no rate of funding is known: none is paid"
    first, last = (EPOCH + timedelta(microseconds=int(one)) for one in (times[is_in][0], times[is_in][-1]))
    return due, (
        f"funding: {int(is_in.sum()):,} rates from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, "
        "paid at the next open"
    )


def _delisting(states: list[dict[str, Any]], end: datetime) -> datetime | None:
    """Return when the instrument ceased to be traded, if it did before the end and has not come back by then."""
    known = [one for one in states if one["valid_from"] <= end or one["delisted_at"]]
    found: datetime | None = known[-1]["delisted_at"] if known else None
    return found if found is not None and found < end else None


def _costs(
    workspace: Workspace,
    series: SeriesId,
    ends: tuple[datetime, datetime],
    *,
    states: list[dict[str, Any]],
    terms: Terms,
) -> tuple[tuple[Schedule, ...], list[str]]:
    """Return the costs by date, and what is to be said of them."""
    own, (start, end) = workspace.settings.fees.own, ends
    changes = {one["valid_from"] for one in states} | set(fee_changes(series.venue, series.market.value, own))
    moments = [start, *sorted(moment for moment in map(utc, changes) if start < moment <= end)]
    notes: list[str] = []
    schedules: list[Schedule] = []
    for moment in moments:
        maker, taker, source = _fees(series, moment, own, terms)
        state = _state_at(states, moment)
        costs = Costs(
            maker, taker, terms.spread_bps, terms.slippage_bps,
            tick=float(state.get("tick_size") or 0.0),
            lot=float(state.get("lot_size") or 0.0),
            min_notional=float(state.get("min_notional") or 0.0),
        )  # fmt: skip
        since = "" if moment == start else f" from {moment:%Y-%m-%d %H:%M} UTC on"
        told = f"{_in_words(costs)} ({source})"
        if not schedules or schedules[-1].costs != costs:
            schedules.append(Schedule(costs, _microseconds(moment)))
            notes.append(told + since)
    if not states:
        notes.append("no list of the venue is known: quantities are not rounded, and no order is too small")
    elif states[0]["valid_from"] > start:
        first = states[0]["valid_from"]
        notes.append(f"steps of price and quantity before {first:%Y-%m-%d} are those of the first list, of that day")
    return tuple(schedules), notes


def _fees(series: SeriesId, moment: datetime, own: tuple[str, ...], terms: Terms) -> tuple[float, float, str]:
    if terms.fee_bps is not None:
        return terms.fee_bps, terms.fee_bps, "as given"
    known = fee_at(series.venue, series.market.value, moment, own)
    if known is None:
        todo = f"say them (--fee-bps), or set fees.own to {series.place}=maker/taker in basis points"
        raise BadInputError("nobody knows the fees of this venue", value=series.place, todo=todo)
    # A rebate is not modelled: who counts on one is told too much.
    return max(known.maker_bps, 0.0), max(known.taker_bps, 0.0), known.source


def _state_at(states: list[dict[str, Any]], moment: datetime) -> dict[str, Any]:
    past = [one for one in states if one["valid_from"] <= moment]
    return (past or states[:1] or [{}])[-1]


def _in_words(costs: Costs) -> str:
    steps_ = [
        f"{name} {value:g}"
        for name, value in (("tick", costs.tick), ("lot", costs.lot), ("least order", costs.min_notional))
        if value
    ]
    fees = f"fees {costs.maker_bps:g}/{costs.taker_bps:g} bps (maker/taker)"
    return ", ".join([fees, f"spread {costs.spread_bps:g} bps", f"slippage {costs.slippage_bps:g} bps", *steps_])


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
