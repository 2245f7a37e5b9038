"""Shapes of backtests: a list, one of them, its curves and trades, several beside each other."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from assay.api.shapes.shape import Moment, Number, Shape, said

Run = Annotated[str, said("12 hexadecimal digits of what was asked and on which data.", "30879a232a3d")]
SeriesNames = Annotated[list[str], said("`venue:market:SYMBOL:interval` of each.", ["binance:spot:BTC-USDT:1h"])]
Fraction = "a fraction: 0.1 is 10 %"


class Backtest(Shape):
    """One backtest in a list. Figures are of the pessimistic path."""

    run: Run
    kind: Annotated[str, said("`backtest`, `sweep` (the best of many combinations) or `walk_forward`.", "backtest")]
    by: Annotated[str, said("Who asked.", "ada")]
    made_at: Moment
    series: SeriesNames
    symbols: Annotated[list[str], said("What was traded.", ["BTC-USDT"])]
    interval: Annotated[str, said("Length of a bar.", "1h")]
    start: Annotated[datetime, said("When the first bar opens, UTC.", "2024-06-01T00:00:00Z")]
    end: Annotated[datetime, said("When the last bar closes, UTC.", "2026-06-01T12:00:00Z")]
    bars: Annotated[int, said("How many there are.", 17_532)]
    strategy: Annotated[list[str], said("What it does, in words.", ["buy where ema_50 crosses above ema_200"])]
    feature_set: Annotated[str, said("`name/version#hash` of what it reads; `bars` for prices alone.", "bars")]
    data_version: Annotated[str, said("Hash of the bars.", "1ed4288d080121ba")]
    as_of: Annotated[datetime | None, said("What had been received at that moment was known, UTC.")]
    total_return: Annotated[Number, said(f"Of the whole period, {Fraction}.", 0.18)]
    low: Annotated[Number, said(f"Lower end of the band of the total return, {Fraction}.", 0.18)]
    high: Annotated[
        Number,
        said(f"Upper end: where bars do not tell what came first, it may have been this much, {Fraction}.", 0.21),
    ]
    is_exact: Annotated[bool, said("Whether the bars left no doubt that changed anything.", True)]
    hold_return: Annotated[Number, said(f"Of buying at the first chance and holding, {Fraction}.", 1.17)]
    sharpe: Annotated[Number, said("Sharpe ratio, annualised for 365 days.", 0.44)]
    deflated_sharpe: Annotated[
        Number, said("Probability, 0 to 1, that the true Sharpe ratio is above zero, given how many were tried.", 0.28)
    ]
    max_drawdown: Annotated[Number, said(f"Worst drawdown, {Fraction}, never above zero.", -0.28)]
    trades: Annotated[int, said("Positions that were closed.", 112)]
    verdict: Annotated[
        str,
        said(
            "What to take from it: `holds_up`, `may_be_luck`, `nothing_earned`, `not_enough_data` or `ruined`.",
            "may_be_luck",
        ),
    ]
    sentence: Annotated[str, said("The verdict with its numbers, as it may be quoted.", "May be luck: ...")]


class Backtests(Shape):
    """Backtests, the newest first."""

    found: Annotated[int, said("How many there are, those beyond `limit` included.", 3)]
    symbols: Annotated[list[str], said("What kept backtests traded, whatever was asked for.", ["BTC-USDT"])]
    damaged: Annotated[list[str], said("What cannot be read, in words.", [])]
    is_cut: Annotated[bool, said("Whether there are older ones that were not looked through.", False)]
    rows: list[Backtest]


class Figure(Shape):
    """One figure beside the same of buying and holding."""

    name: Annotated[str, said("Name.", "sharpe")]
    title: Annotated[str, said("The same for people.", "Sharpe ratio")]
    unit: Annotated[
        str,
        said(
            "`fraction`: 0.1 is 10 %; `ratio` and `count`: none; `microseconds`; `quote`: units of the quote currency.",
            "ratio",
        ),
    ]
    value: Annotated[Number, said("On the pessimistic path.", 0.44)]
    low: Annotated[Number, said("Lower end of its 95 % interval; null of what is no estimate.", -0.91)]
    high: Annotated[Number, said("Upper end of it.", 1.78)]
    optimistic: Annotated[Number, said("On the optimistic path.", 0.51)]
    hold: Annotated[Number, said("Of buying at the first chance and holding, at the same costs.", 1.24)]


class MonthReturns(Shape):
    """What a month brought."""

    month: Annotated[str, said("`YYYY-MM`, UTC.", "2024-06")]
    total_return: Annotated[Number, said(f"Of the strategy, {Fraction}.", -0.048)]
    hold_return: Annotated[Number, said(f"Of holding, {Fraction}.", -0.155)]


class OpenPosition(Shape):
    """What was held at the end."""

    symbol: Annotated[str, said("`BASE-QUOTE`.", "BTC-USDT")]
    quantity: Annotated[Number, said("Base units; negative: short.", 0.12)]
    entry_price: Annotated[Number, said("Mean over its fills, in the quote.", 64_210.5)]
    value: Annotated[Number, said("At the last price seen, in the quote.", 7_705.2)]


class BacktestPage(Shape):
    """One backtest with all that is said of it."""

    brief: Backtest
    requested: Annotated[str, said("The symbol as it was asked for.", "BTC-USD")]
    is_stand_in: Annotated[bool, said("Whether what was traded only stands in for it.", True)]
    available_at: Annotated[datetime | None, said("Bars as a system had them at that moment; null: as they are known.")]
    figures: list[Figure]
    probabilistic_sharpe: Annotated[
        Number, said("Probability that the true Sharpe ratio is above zero, had nothing else been tried.", 0.73)
    ]
    trials: Annotated[int, said("Backtests of this series that the ledger knew by then, this one included.", 107)]
    block_bars: Annotated[int | None, said("Length in bars of the blocks that intervals are drawn from.", 168)]
    months: list[MonthReturns]
    assumptions: Annotated[list[str], said("What it assumes, in words.", ["fees 10/10 bps (maker/taker)"])]
    open_positions: list[OpenPosition]
    combinations: Annotated[int, said("How many a sweep tried; 0 of others.", 90)]
    folds: Annotated[
        list[dict[str, Any]],
        said("Of a walk-forward: each window that was chosen on, what was chosen, and what came of it then and after."),
    ]
    efficiency: Annotated[
        Number, said("Of a walk-forward: growth a year out of sample over that in sample; null of others.", 0.4)
    ]
    windows: Annotated[str, said("How the period of a walk-forward was cut; empty of others.", "4 parts, anchored")]


class EquityColumns(Shape):
    """Columns of the same length."""

    close_time: Annotated[list[int], said("Milliseconds since 1970-01-01T00:00:00Z.", [1_714_521_600_000])]
    equity: Annotated[list[Number], said("Worth of the account, pessimistic path, in the quote.", [10_000.0])]
    equity_optimistic: Annotated[list[Number], said("The same on the optimistic path.", [10_000.0])]
    equity_lowest: Annotated[list[Number], said("The least that the bars leave possible.", [10_000.0])]
    equity_highest: Annotated[list[Number], said("The most that the bars leave possible.", [10_000.0])]
    equity_hold: Annotated[list[Number], said("The same of buying and holding.", [9_990.0])]
    drawdown: Annotated[list[Number], said(f"Below the highest worth so far, {Fraction}.", [-0.02])]
    exposure: Annotated[list[Number], said("Positions over worth, a fraction.", [1.0])]


class Equity(Shape):
    """What the account was worth at each close."""

    run: Run
    series: SeriesNames
    bars: Annotated[int, said("How many closes there are.", 17_532)]
    points: Annotated[int, said("How many of them are here.", 1_500)]
    columns: EquityColumns


class Trade(Shape):
    """A position from its first fill until nothing was left of it."""

    number: Annotated[int, said("Which one it was, from 1 on, in the order in which they ended.", 1)]
    symbol: Annotated[str, said("`BASE-QUOTE`.", "BTC-USDT")]
    side: Annotated[str, said("`long` or `short`.", "long")]
    entry_time: Annotated[datetime, said("When the bar opens in which it was entered, UTC.", "2024-06-03T04:00:00Z")]
    exit_time: Annotated[datetime, said("When the bar opens in which it ended, UTC.", "2024-06-04T11:00:00Z")]
    quantity: Annotated[Number, said("Base units entered in all.", 0.155)]
    entry_price: Annotated[Number, said("Mean over its fills, in the quote.", 64_210.5)]
    exit_price: Annotated[Number, said("The same of the exit.", 65_002.0)]
    fees: Annotated[Number, said("Quote units.", 19.9)]
    funding: Annotated[Number, said("Paid, in quote units; negative: got.", 0.0)]
    pnl: Annotated[Number, said("Quote units, fees and funding paid.", 102.8)]
    total_return: Annotated[Number, said(f"`pnl` over what was put in, {Fraction}.", 0.0103)]
    reason: Annotated[
        str,
        said(
            "Why it ended: `order`, `stop_loss`, `trailing_stop`, `take_profit`, `time`, `delisted` or `ruined`.",
            "order",
        ),
    ]
    is_ambiguous: Annotated[
        bool, said("Whether its bars do not tell in which order its stop and its target were reached.", False)
    ]


class Trades(Shape):
    """Closed trades."""

    run: Run
    found: Annotated[int, said("How many there are, those beyond `limit` included.", 299)]
    rows: list[Trade]


class SweptParameter(Shape):
    """One parameter of a sweep."""

    name: Annotated[str, said("As it stands in braces in the rules.", "fast")]
    values: Annotated[list[str], said("What was tried, in order.", ["8", "12", "20"])]
    places: Annotated[list[int], said("Of each combination, which of `values` it has, from 0 on.", [0, 1, 2])]


class SweptFigure(Shape):
    """One figure of every combination."""

    name: Annotated[str, said("Name.", "sharpe")]
    title: Annotated[str, said("The same for people.", "Sharpe ratio")]
    unit: Annotated[str, said("As in the figures of a backtest.", "ratio")]
    values: Annotated[list[Number], said("One of each combination.", [0.44, 0.2])]


class Sweep(Shape):
    """All combinations of a sweep, that of the highest Sharpe ratio first."""

    run: Run
    combinations: Annotated[int, said("How many.", 90)]
    parameters: list[SweptParameter]
    fixed: Annotated[dict[str, str], said("Parameters of which there was one value.", {"top": "70"})]
    figures: list[SweptFigure]


class Growth(Shape):
    """Columns of the same length."""

    close_time: Annotated[list[int], said("Milliseconds since 1970-01-01T00:00:00Z.", [1_714_521_600_000])]
    growth: Annotated[list[Number], said(f"Of the account since the first moment, {Fraction}.", [0.0])]


class Compared(Shape):
    """One backtest among others."""

    brief: Backtest
    figures: list[Figure]
    columns: Growth


class Comparison(Shape):
    """Backtests side by side."""

    since: Annotated[
        datetime | None,
        said("Where every curve is 0, UTC; null where their periods do not overlap, and each begins at its own."),
    ]
    warnings: Annotated[
        list[str], said("Why their figures cannot simply be compared.", ["they traded different series"])
    ]
    runs: list[Compared]
