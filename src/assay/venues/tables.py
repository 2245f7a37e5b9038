"""From a page's columns to a dataset's table: types crossed, rules applied, bad rows set aside with their cause.

A venue's parser says which of its fields is which column; what a kline or a ticker must satisfy does not depend on the
venue and is said here, once. A rule is a condition under which a row cannot be used, and a cause for people.

Nearly every page is sound. So the rules are first held against whole columns, and only where one is broken are they
held against every row, to find which rows and why.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.domain.interval import EPOCH, Interval, utc
from assay.domain.symbol import Symbol
from assay.venues.crossing import to_float64
from assay.venues.datasets import (
    COIN_HISTORY,
    COIN_MARKETS,
    FUNDING_RATES,
    INSTRUMENTS,
    KLINES,
    MOMENT,
    ORDER_BOOKS,
    SCHEMAS,
    TICKERS,
    TRADES,
)
from assay.venues.errors import PoisonPageError
from assay.venues.page import Places, Rejected
from assay.venues.parsed import REJECTED_SCHEMA, Parsed
from assay.venues.spec import Request, SymbolGrammar

Columns = Mapping[str, pl.Series]
Stamps = TypeVar("Stamps", NDArray[np.int64], pl.Expr)

OFF_GRID = "off_grid"
IDENTICAL_DUPLICATE = "identical_duplicate"
_PRICES = ("open", "high", "low", "close")
_AMOUNTS = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
_POSITION, _TEXT = "position", ".text"
_CLOCKS_APART = timedelta(hours=1)
_NONE_REJECTED = pl.DataFrame(schema=REJECTED_SCHEMA)


@dataclass(frozen=True, slots=True)
class Rule:
    """What makes a row unusable: ``left is_broken_by right``, which is another column or a bound from below."""

    left: str
    is_broken_by: Callable[[Any, Any], Any]
    right: str | int
    cause: str

    def condition(self) -> pl.Expr:
        """Return the rule for the rows of a frame; null where a value is missing."""
        right = pl.col(self.right) if isinstance(self.right, str) else self.right
        condition: pl.Expr = self.is_broken_by(pl.col(self.left), right)
        return condition

    def is_broken_in(self, columns: Columns) -> bool:
        """Return whether any row breaks the rule."""
        left = columns[self.left]
        if isinstance(self.right, str):
            return bool(self.is_broken_by(left, columns[self.right]).any())
        least = left.min()
        return least is not None and bool(self.is_broken_by(least, self.right))


def texts(values: Iterable[str | None]) -> pl.Series:
    """Return a column of exact decimal text, or of any other text."""
    return pl.Series(values=list(values), dtype=pl.String)


def decimals(values: Sequence[str] | NDArray[np.float64]) -> pl.Series:
    """Return a column of exact decimal text, or of the numbers where a scanner has read the text already."""
    return numbers(values) if isinstance(values, np.ndarray) else texts(values)


def numbers(values: Iterable[float | None]) -> pl.Series:
    """Return a column of numbers that stood in the JSON as numbers."""
    return _series(values, pl.Float64())


def counts(values: Iterable[int | None]) -> pl.Series:
    """Return a column of whole numbers."""
    return _series(values, pl.Int64())


def _series(values: Iterable[object], dtype: pl.DataType) -> pl.Series:
    # An array has its type already, and is not looked at value by value.
    return pl.Series(values) if isinstance(values, np.ndarray) else pl.Series(values=list(values), dtype=dtype)


def flags(values: Iterable[bool | None]) -> pl.Series:
    """Return a column of yes and no."""
    return pl.Series(values=list(values), dtype=pl.Boolean)


def stamps(values: Iterable[int | None], *, unit_us: int = 1_000) -> pl.Series:
    """Return a column of moments from epoch numbers; the unit is 1,000 µs (milliseconds) if nothing is said."""
    if isinstance(values, np.ndarray):
        return pl.Series(values * unit_us).cast(MOMENT)
    return (counts(values) * unit_us).cast(MOMENT)


def moments(values: Iterable[datetime | None]) -> pl.Series:
    """Return a column of moments; those given carry a zone."""
    return pl.Series(values=[value and utc(value) for value in values], dtype=MOMENT)


def klines(page: Places, columns: Columns, *, interval: Interval, asked_at: datetime) -> Parsed:
    """Return the table ``klines``.

    Parameters
    ----------
    page : Places
        Of the rows that `columns` were taken from.
    columns : mapping of str to polars.Series, each of shape (n_rows,)
        ``open_time``, prices, ``volume`` and what else the venue publishes.
    interval : Interval
        What was asked for.
    asked_at : datetime
        A bar that closes later is provisional, whatever the venue says of it; one that opens much later is set aside.
    """
    ahead = columns["open_time"] > utc(asked_at) + _CLOCKS_APART
    if ahead.any():
        page, columns = _without(page, columns, ahead, "opens after it was asked for, by more than clocks are apart")
    opened = columns["open_time"]
    closed = _close_time(opened, interval)
    timed = {**columns, "close_time": closed, "is_provisional": closed > utc(asked_at)}
    derived = {} if _is_regular(opened, interval) else {"defect": _defect(columns, interval)}
    return _judged(page, timed, KLINES, derived=derived)


def _without(page: Places, columns: Columns, is_bad: pl.Series, cause: str) -> tuple[Places, Columns]:
    """Return the page without the rows that cannot be used; they are set aside with `cause`."""
    positions = np.asarray(page.positions)
    bad = positions[is_bad.to_numpy()].tolist()
    aside = [Rejected(position, cause, raw) for position, raw in zip(bad, page.raws(bad), strict=True)]
    kept = Places(positions[~is_bad.to_numpy()].tolist(), [*page.rejected, *aside], page.cut)
    return kept, {name: column.filter(~is_bad) for name, column in columns.items()}


def _close_time(opened: pl.Series, interval: Interval) -> pl.Series:
    return opened.dt.offset_by("1mo") if interval.is_calendar else opened + interval.duration


def _is_regular(opened: pl.Series, interval: Interval) -> bool:
    """Return whether bars open one after the other, each where it should: then none of them has a defect."""
    if interval.is_calendar:
        return False
    opened_us = opened.to_numpy().view(np.int64)
    return bool((opened_us[1:] > opened_us[:-1]).all() and (_off_grid_us(opened_us, interval) == 0).all())


def _defect(columns: Columns, interval: Interval) -> pl.Expr:
    opened = pl.col("open_time")
    is_repeated = pl.lit(value=False)
    if columns["open_time"].is_duplicated().any():
        is_repeated = ~pl.struct(*columns).is_first_distinct()
    is_on_grid = opened == opened.dt.truncate("1mo")
    if not interval.is_calendar:
        is_on_grid = _off_grid_us(opened.dt.epoch("us"), interval) == 0
    return pl.when(~is_on_grid).then(pl.lit(OFF_GRID)).when(is_repeated).then(pl.lit(IDENTICAL_DUPLICATE))


def _off_grid_us(opened_us: Stamps, interval: Interval) -> Stamps:
    """Return how long after its bar should have opened each one did; both are epoch microseconds."""
    anchor_us = (interval.anchor - EPOCH).days * 86_400_000_000
    return (opened_us - anchor_us) % interval.microseconds


def tickers(page: Places, columns: Columns, *, symbols: SymbolGrammar) -> Parsed:
    """Return the table ``tickers``.

    A price of 0 means that there is none (no bid, no trade that day) and becomes null; so does the trade id -1.
    """
    priced = [name for name in columns if name in _TICKER_PRICES]
    derived = {name: pl.when(pl.col(name) != 0).then(pl.col(name)) for name in priced}
    derived |= {name: pl.when(pl.col(name) >= 0).then(pl.col(name)) for name in columns if name.endswith("_trade_id")}
    spelled = [_symbol(symbols, one) for one in columns["venue_symbol"].to_list()]
    return _judged(page, {**columns, "symbol": texts(spelled)}, TICKERS, derived=derived)


def _symbol(symbols: SymbolGrammar, venue_symbol: str) -> str | None:
    try:
        return str(symbols.to_symbol(venue_symbol))
    except BadInputError:
        return None


def trades(page: Places, columns: Columns) -> Parsed:
    """Return the table ``trades``."""
    return _judged(page, columns, TRADES)


def funding_rates(page: Places, columns: Columns, *, symbols: SymbolGrammar) -> Parsed:
    """Return the table ``funding_rates``; a mark price that was not published is null."""
    spelled = [_symbol(symbols, one) for one in columns["venue_symbol"].to_list()]
    return _judged(page, {**columns, "symbol": texts(spelled)}, FUNDING_RATES)


def instruments(page: Places, columns: Columns) -> Parsed:
    """Return the table ``instruments``; a tick, lot or bound of 0 means that the rule is off, and becomes null."""
    bounds = [name for name in columns if name in _BOUNDS]
    derived = {name: pl.when(pl.col(name) != 0).then(pl.col(name)) for name in bounds}
    pairs = zip(columns["base"].to_list(), columns["quote"].to_list(), strict=True)
    named = {**columns, "symbol": texts(_pair(base, quote) for base, quote in pairs)}
    return _judged(page, named, INSTRUMENTS, derived=derived)


def _pair(base: str, quote: str) -> str | None:
    try:
        return str(Symbol(base, quote))
    except BadInputError:
        return None


def coin_markets(page: Places, columns: Columns) -> Parsed:
    """Return the table ``coin_markets``."""
    return _judged(page, columns, COIN_MARKETS)


def coin_history(page: Places, columns: Columns) -> Parsed:
    """Return the table ``coin_history``; a market value of 0 means that it is not known, and becomes null."""
    value = pl.col("market_cap")
    return _judged(page, columns, COIN_HISTORY, derived={"market_cap": pl.when(value != 0).then(value)})


def levels(side: Iterable[Sequence[str]]) -> pl.DataFrame:
    """Return one side of an order book: ``price`` and ``quantity``, null where the text is no number."""
    pairs = list(side)
    book = pl.DataFrame({"price": texts(price for price, _ in pairs), "quantity": texts(size for _, size in pairs)})
    return book.with_columns(to_float64("price"), to_float64("quantity"))


def book_defect(bids: pl.DataFrame, asks: pl.DataFrame) -> str | None:
    """Return why two sides are no order book, or None if they are one; either may be empty."""
    for name, side, is_falling in (("bids", bids, True), ("asks", asks, False)):
        is_usable = (pl.all().is_finite() & (pl.all() > 0)).fill_null(value=False)
        if not side.select(pl.all_horizontal(is_usable)).to_series().all():
            return f"a price or quantity of the {name} is not a positive number"
        steps = side["price"].diff().drop_nulls()
        if not ((steps < 0) if is_falling else (steps > 0)).all():
            return f"the {name} are not sorted from the best on"
    if bids.height and asks.height and bids["price"][0] >= asks["price"][0]:
        return "the best bid is not below the best ask"
    return None


def order_book(
    bids: Iterable[Sequence[str]],
    asks: Iterable[Sequence[str]],
    *,
    update_id: int | None,
    page: tuple[Request, bytes],
) -> Parsed:
    """Return the table ``order_books``: one row.

    Parameters
    ----------
    bids, asks : iterable of (str, str)
        Price and quantity, the best first.
    update_id : int, optional
        The venue's number of this state of the book.
    page : (Request, bytes)
        What was asked, and the body.

    Raises
    ------
    PoisonPageError
        If the two sides are no book: with a level missing it would show a spread that never was.
    """
    below, above = levels(bids), levels(asks)
    cause = book_defect(below, above)
    if cause:
        raise PoisonPageError(page[0], cause, page[1])
    columns = {
        "last_update_id": counts([update_id]),
        "bid_prices": pl.Series([below["price"]]),
        "bid_quantities": pl.Series([below["quantity"]]),
        "ask_prices": pl.Series([above["price"]]),
        "ask_quantities": pl.Series([above["quantity"]]),
    }
    return whole(ORDER_BOOKS, columns)


def nothing(dataset: str) -> Parsed:
    """Return the table of an answer without rows."""
    return whole(dataset, {name: pl.Series(values=[], dtype=dtype) for name, dtype in SCHEMAS[dataset].items()})


def whole(dataset: str, columns: Columns) -> Parsed:
    """Return the table of an answer that stands or falls as one: nothing is set aside."""
    return Parsed(pl.DataFrame(dict(columns), schema=SCHEMAS[dataset]), pl.DataFrame(schema=REJECTED_SCHEMA))


def _judged(page: Places, columns: Columns, dataset: str, *, derived: Mapping[str, pl.Expr] | None = None) -> Parsed:
    """Type the columns, part the rows that break a rule from the rest, and complete the table."""
    schema = SCHEMAS[dataset]
    crossed = tuple(
        name for name, column in columns.items() if column.dtype == pl.String and schema[name] == pl.Float64()
    )
    frame = _completed(columns, schema)
    if crossed:
        frame = frame.with_columns(*(to_float64(name) for name in crossed))
    rejected = [(one.position, one.cause, one.raw) for one in page.rejected]
    typed = dict(zip(frame.columns, frame.get_columns(), strict=True))
    is_lost = any(_is_lost(typed[name], columns[name]) for name in crossed)
    if is_lost or any(rule.is_broken_in(typed) for rule in _RULES[dataset]):
        texts_beside = {name + _TEXT: columns[name] for name in crossed}
        told = frame.with_columns(counts(page.positions).alias(_POSITION), **texts_beside)
        is_bad = told.select(_is_bad(dataset, crossed)).to_series()
        bad = told.filter(is_bad)
        positions = bad[_POSITION].to_list()
        causes = bad.select(_cause(dataset, crossed)).to_series().to_list()
        rejected += zip(positions, causes, page.raws(positions), strict=True)
        frame = frame.filter(~is_bad)
    if derived:
        frame = frame.with_columns(**derived)
    rows = frame if frame.dtypes == schema.dtypes() else frame.cast(schema)
    if not rejected:
        return Parsed(rows, _NONE_REJECTED.clone())
    return Parsed(rows, pl.DataFrame(sorted(rejected), schema=REJECTED_SCHEMA, orient="row"))


def _completed(columns: Columns, schema: pl.Schema) -> pl.DataFrame:
    """Return the columns in the order of the schema; those that the venue does not publish are null."""
    rows = len(next(iter(columns.values())))
    return pl.DataFrame(
        [
            columns[name].alias(name)
            if name in columns
            else pl.Series(name, [None], dtype=dtype).new_from_index(0, rows)
            for name, dtype in schema.items()
        ]
    )


def _is_lost(numbers: pl.Series, texts: pl.Series) -> bool:
    """Return whether any text became no number, or an infinite one."""
    return numbers.null_count() > texts.null_count() or not numbers.is_finite().all()


@cache
def _conditions(dataset: str, crossed: tuple[str, ...]) -> tuple[tuple[pl.Expr, str], ...]:
    """Return conditions and causes in the order in which a cause is looked for: is it readable, is it possible."""
    return (*(_unreadable(name) for name in crossed), *((one.condition(), one.cause) for one in _RULES[dataset]))


@cache
def _is_bad(dataset: str, crossed: tuple[str, ...]) -> pl.Expr:
    conditions = [condition for condition, _ in _conditions(dataset, crossed)]
    return pl.any_horizontal(conditions).fill_null(value=False).alias("is_bad")


@cache
def _cause(dataset: str, crossed: tuple[str, ...]) -> pl.Expr:
    return pl.coalesce(pl.when(condition).then(pl.lit(cause)) for condition, cause in _conditions(dataset, crossed))


def _unreadable(name: str) -> tuple[pl.Expr, str]:
    value = pl.col(name)
    is_lost = pl.col(name + _TEXT).is_not_null() & (value.is_null() | ~value.is_finite())
    return is_lost, f"{name} is not a number"


def _not_positive(*names: str) -> list[Rule]:
    return [Rule(name, operator.le, 0, f"{name} is not positive") for name in names]


def _negative(*names: str) -> list[Rule]:
    return [Rule(name, operator.lt, 0, f"{name} is negative") for name in names]


def _below(higher: str, lower: str) -> Rule:
    return Rule(higher, operator.lt, lower, f"{higher} is below {lower}")


_TICKER_PRICES = (
    "open_price", "high_price", "low_price", "last_price", "previous_close_price", "weighted_average_price",
    "bid_price", "ask_price",
)  # fmt: skip
_BOUNDS = ("tick_size", "min_price", "max_price", "lot_size", "min_quantity", "max_quantity", "min_notional")

_RULES: dict[str, tuple[Rule, ...]] = {
    KLINES: (
        *_not_positive(*_PRICES),
        *_negative(*_AMOUNTS, "num_trades"),
        _below("high", "low"),
        _below("high", "open"),
        _below("high", "close"),
        _below("open", "low"),
        _below("close", "low"),
    ),
    TICKERS: (
        *_negative(*_TICKER_PRICES, "volume", "quote_volume", "last_quantity", "bid_quantity", "ask_quantity"),
        _below("high_price", "low_price"),
    ),
    TRADES: (
        *_not_positive("price", "quantity"),
        *_negative("first_trade_id", "last_trade_id"),
        _below("last_trade_id", "first_trade_id"),
    ),
    FUNDING_RATES: tuple(_not_positive("mark_price")),
    INSTRUMENTS: tuple(_negative(*_BOUNDS)),
    COIN_HISTORY: (
        *_not_positive("price"),
        *_negative("market_cap", "total_volume"),
    ),
    COIN_MARKETS: tuple(
        _negative(
            "price",
            "market_cap",
            "fully_diluted_valuation",
            "total_volume",
            "high_24h",
            "low_24h",
            "circulating_supply",
            "total_supply",
            "max_supply",
            "all_time_high",
            "all_time_low",
        )
    ),
}
