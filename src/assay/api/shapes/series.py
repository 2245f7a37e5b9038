"""Shapes of series, bars and indicators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from assay.api.shapes.shape import (
    IntervalCode,
    Market,
    Milliseconds,
    Moment,
    Number,
    Series,
    Shape,
    Symbol,
    Venue,
    said,
)


class PairInterval(Shape):
    """Bars of one length."""

    interval: IntervalCode
    first_open_time: Moment
    last_open_time: Moment
    bars: Annotated[int, said("Bars stored.", 17_520)]


class Pair(Shape):
    """What is traded at one place."""

    venue: Venue
    market: Market
    symbol: Symbol
    base: Annotated[str, said("What is traded.", "BTC")]
    quote: Annotated[str, said("In what it is priced.", "USDT")]
    intervals: list[PairInterval]


class Pairs(Shape):
    """Every pair of which bars are stored."""

    pairs: list[Pair]


class Resolved(Shape):
    """Which series was taken."""

    series: Series
    requested: Annotated[str, said("The symbol as asked.", "BTC-USD")]
    is_stand_in: Annotated[
        bool, said("Whether the series stands in for what was asked: BTC-USDT is not BTC-USD.", False)
    ]


class Gap(Shape):
    """Bars that are missing."""

    start: Annotated[int, said("Where the first missing bar would open; ms since 1970, UTC.", 1_714_521_600_000)]
    end: Annotated[int, said("Where the first bar after it opens; ms since 1970, UTC.", 1_714_564_800_000)]
    bars: Annotated[int, said("Missing bars of the stored interval.", 12)]
    cause: Annotated[
        str,
        said(
            "Why: `no_trades`, `not_listed`, `delisted`, `venue_outage`, `our_outage` or `unknown`; of several causes "
            "the least certain.",
            "venue_outage",
        ),
    ]


class Columns(Shape):
    """Bars, a column each; all columns have the same length. Prices are in the quote, volumes in the base."""

    open_time: list[Milliseconds]
    close_time: list[Milliseconds]
    open: list[Number]
    high: list[Number]
    low: list[Number]
    close: list[Number]
    volume: Annotated[list[Number], said("In units of the base.")]
    quote_volume: Annotated[list[Number], said("In units of the quote; null where the venue does not say.")]
    is_closed: Annotated[list[bool], said("Whether the bar is final.")]
    missing_bars: Annotated[
        list[int | None], said("Stored bars missing before it, or inside it when it is made of several.")
    ]
    is_outlier: Annotated[list[bool | None], said("Whether the bar is suspect; it is shown all the same.")]


class VolatilityAhead(Shape):
    """The forecast of one bar to come."""

    close_time: Milliseconds
    volatility: Annotated[float, said("Of the log return of that bar.", 0.0066)]
    price_median: Annotated[float, said("Of the close of that bar, in the quote.", 71_201.5)]
    price_lower: Annotated[float, said("Lower end of the interval, in the quote.", 70_437.7)]
    price_upper: Annotated[float, said("Upper end of the interval, in the quote.", 71_973.2)]


class VolatilityFit(Shape):
    """How a GARCH was fitted, as of the last closed bar shown, and what it forecasts from there."""

    closed_until: Annotated[Milliseconds, said("End of that bar; ms since 1970, UTC.", 1_714_521_600_000)]
    fitted_at: Annotated[
        Milliseconds, said("End of the last bar of the last fit; ms since 1970, UTC.", 1_714_003_200_000)
    ]
    next_fit_at: Annotated[
        Milliseconds,
        said("It is fitted again at the first bar that closes then or later; ms since 1970, UTC.", 1_714_608_000_000),
    ]
    every: Annotated[int, said("Bars from one fit to the next.", 168)]
    on: Annotated[int, said("It is fitted to the last so many bars.", 2_000)]
    distribution: Annotated[str, said("Of the surprises: normal or t.", "t")]
    persistence: Annotated[float, said("Part of a surprise that is left in the next variance.", 0.989)]
    volatility: Annotated[float, said("Of the log return of the next bar.", 0.0067)]
    volatility_annualised: Annotated[float, said("The same for 365 days.", 0.6255)]
    level: Annotated[float, said("Of the interval.", 0.9)]
    is_newest: Annotated[bool, said("Whether it is of the newest closed bar there is.", True)]
    forecast: Annotated[list[VolatilityAhead], said("A row for each bar to come.")]


class IndicatorAbout(Shape):
    """What an indicator is."""

    title: Annotated[str, said("In words.", "Exponential moving average")]
    units: Annotated[dict[str, str], said("Unit of each output.", {"ema_12": "quote"})]
    warmup: Annotated[int, said("Bars at the beginning of the series without a value.", 11)]
    why_no_values: Annotated[
        str, said("Why it has none over bars of the interval shown, where `coarsen` was given; else empty.", "")
    ]
    fit: Annotated[VolatilityFit | None, said("Of a GARCH; null of other indicators, and where none could be made.")]
    why_no_fit: Annotated[str, said("Why none could be made; empty of other indicators.", "")]


Values = Annotated[
    dict[str, dict[str, list[Number]]],
    said(
        "By indicator and output, aligned with the bars; null in the warm-up.", {"ema:12": {"ema_12": [None, 64_100.2]}}
    ),
]


class Klines(Resolved):
    """Bars to draw."""

    requested_interval: IntervalCode
    interval: Annotated[str, said("Of the bars shown; coarser than asked if `coarsen` was given.", "1h")]
    stored_interval: Annotated[str, said("Of the bars that they are made of.", "1h")]
    intervals: Annotated[list[str], said("All that can be shown of this series.", ["1h", "4h", "1d"])]
    first_open_time: Annotated[int, said("Of the whole series; ms since 1970, UTC.", 1_650_000_000_000)]
    last_open_time: Annotated[int, said("Of the whole series; ms since 1970, UTC.", 1_714_521_600_000)]
    columns: Columns
    gaps: Annotated[list[Gap], said("Holes in the stored bars of the range; the longest 500.")]
    gap_count: Annotated[int, said("How many there are.", 3)]
    provisional: Annotated[list[int], said("Open times of bars that may still change; ms since 1970, UTC.")]
    provisional_known_at: Annotated[
        int | None,
        said(
            "When the newest of them was received last; ms since 1970, UTC; null if there is none.", 1_714_524_900_000
        ),
    ]
    is_cut: Annotated[bool, said("Whether the range holds more bars than `limit`.", False)]
    indicators: Values
    about: Annotated[dict[str, IndicatorAbout], said("What each indicator is.")]


class Bar(Shape):
    """One bar. Prices are in the quote, volumes in the base."""

    open_time: Moment
    close_time: Annotated[datetime, said("End of the bar, which is not part of it; UTC.", "2026-05-02T00:00:00Z")]
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Annotated[Number, said("In units of the base.", 1_832.25)]
    quote_volume: Annotated[Number, said("In units of the quote.", 117_000_000.0)]
    is_closed: Annotated[bool, said("Whether the bar is final.", True)]
    missing_bars: Annotated[int | None, said("Stored bars missing before it, or inside it.", 0)]
    is_outlier: Annotated[bool | None, said("Whether the bar is suspect.", False)]


class History(Resolved):
    """The latest bars of a symbol, in order of time."""

    interval: IntervalCode
    stored_interval: Annotated[str, said("Of the bars that they are made of.", "1h")]
    bars: list[Bar]


class IndicatorKind(Shape):
    """An indicator that can be asked for."""

    name: Annotated[str, said("How it is asked for, with its usual parameters.", "ema:12")]
    title: Annotated[str, said("In words.", "Exponential moving average")]
    formula: Annotated[str, said("How it is computed.")]
    parameters: Annotated[
        dict[str, int | float | str], said("Its parameters and their usual values, in order.", {"n": 12})
    ]
    outputs: Annotated[list[str], said("Its columns.", ["ema_12"])]
    units: Annotated[list[str], said("Unit of each column.", ["quote"])]
    warmup: Annotated[int, said("Bars without a value.", 11)]
    gap_rule: Annotated[str, said("What a missing bar does.")]
    nan_rule: Annotated[str, said("What a number that is not there does.")]
    undefined: Annotated[str, said("When a value is not there although the bars are; empty where that never happens.")]
    endless: Annotated[str, said("Why it depends on every bar since the first; empty where history wears off.")]
    reference: Annotated[str, said("Where it is from.")]


class IndicatorKinds(Shape):
    """Every indicator there is."""

    indicators: list[IndicatorKind]


class IndicatorValues(Resolved):
    """Indicators of a series, without its bars."""

    interval: IntervalCode
    open_time: list[Milliseconds]
    indicators: Values
    about: Annotated[dict[str, IndicatorAbout], said("What each indicator is.")]
