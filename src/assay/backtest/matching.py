"""First step: whether an order, or the guard of a position, is reached in a bar, at which price, and how.

Every rule is written for who buys or is long. Whoever sells or is short sees the market in a mirror, where all prices
are negated; negation is exact, so both sides get the same arithmetic.

A bar says where prices began, ended and how far they went, and not in which order. Where that decides, there are two
answers: the worst and the best for the position that is held. Where the bar decides it after all (a limit below the
open was filled and the low lies below the stop: the stop came later), both are the same.

>>> from assay.backtest.layout import HELD
>>> bar = Bar(open=100.0, high=104.0, low=97.0, close=101.0, volume=1.0)
>>> match(Waiting(LIMIT, 1.0, limit=98.0, stop=0.0), bar, PESSIMISTIC)
(98.0, 3.0)
>>> guard = Guard(side=1.0, stop=98.0, target=103.0, peak=100.0, keep=math.nan)
>>> protect(guard, bar, HELD, 100.0, PESSIMISTIC), protect(guard, bar, HELD, 100.0, OPTIMISTIC)
((98.0, 1.0, 2.0, 1.0), (103.0, 3.0, 3.0, 1.0))
"""

from __future__ import annotations

import math
from typing import NamedTuple

from assay.backtest.layout import (
    AT_OPEN,
    BY_ORDER,
    BY_STOP_LOSS,
    BY_TAKE_PROFIT,
    BY_TRAILING_STOP,
    FALLING,
    LIMIT,
    MARKET,
    NOWHERE,
    OPTIMISTIC,
    PESSIMISTIC,
    RISING,
    STOP,
    Bar,
)


class Waiting(NamedTuple):
    """The part of an order that decides whether it is reached."""

    kind: float
    side: float
    limit: float
    stop: float


class Guard(NamedTuple):
    """What closes a position by itself, in its frame (times `side`); infinite or NaN where there is no such thing."""

    side: float
    stop: float
    target: float
    peak: float
    """Best price that has surely been seen since the entry."""
    keep: float


Exit = tuple[float, float, float, float]
"""Price, why, how, and 1.0 if the other path would have ended otherwise."""


def mirrored(bar: Bar) -> Bar:
    """Return what a seller sees: the highest price is his lowest.

    >>> mirrored(Bar(open=2.0, high=3.0, low=1.0, close=2.5, volume=9.0))
    Bar(open=-2.0, high=-1.0, low=-3.0, close=-2.5, volume=9.0)
    """
    return Bar(-bar.open, -bar.low, -bar.high, -bar.close, bar.volume)


def match(order: Waiting, bar: Bar, path: float) -> tuple[float, float]:
    """Return the price at which an order is reached in a bar, and how; NaN and ``NOWHERE`` if it is not.

    Parameters
    ----------
    order : Waiting
    bar : Bar
        With prices.
    path : float
        ``PESSIMISTIC``: a limit is filled only if the price went through it, since at the limit itself others may
        stand before. ``OPTIMISTIC``: it is filled when touched.

    Returns
    -------
    price : float
        In quote units, before costs, inside the bar.
    how : float
        ``AT_OPEN``, ``RISING`` or ``FALLING``.
    """
    if order.side < 0.0:
        price, how = _match_buy(Waiting(order.kind, 1.0, -order.limit, -order.stop), mirrored(bar), path)
        return -price, how
    return _match_buy(order, bar, path)


def is_triggered(order: Waiting, bar: Bar) -> bool:
    """Say whether a bar turned a stop-limit into a limit, filled or not."""
    if order.side < 0.0:
        return bar.low <= order.stop
    return bar.high >= order.stop


def _match_buy(order: Waiting, bar: Bar, path: float) -> tuple[float, float]:
    if order.kind == MARKET:
        return bar.open, AT_OPEN
    if order.kind == LIMIT:
        return _match_limit(order.limit, bar, path)
    # A stop over which the price jumped is filled where the price then is.
    if bar.open >= order.stop:
        return (bar.open, AT_OPEN) if order.kind == STOP else _match_limit(order.limit, bar, path)
    if bar.high < order.stop:
        return math.nan, NOWHERE
    if order.kind == STOP or order.limit >= order.stop:
        return order.stop, RISING
    # The limit lies below the stop: the price had to come back. Only the close is surely later than the trigger.
    after = bar.low if path == OPTIMISTIC else bar.close
    return (order.limit, FALLING) if _is_through(after, order.limit, path) else (math.nan, NOWHERE)


def _match_limit(limit: float, bar: Bar, path: float) -> tuple[float, float]:
    # A limit beyond the market is an order that takes: it gets the market's price, which is the better one.
    if bar.open <= limit:
        return bar.open, AT_OPEN
    return (limit, FALLING) if _is_through(bar.low, limit, path) else (math.nan, NOWHERE)


def _is_through(low: float, limit: float, path: float) -> bool:
    return low < limit or (low == limit and path == OPTIMISTIC)


def protect_at_open(guard: Guard, bar: Bar) -> Exit:
    """Return where a position that was held before is closed by a bar that opens beyond its stop or target.

    Over a jump a stop is filled where the price then is, and so is a target, to the better.

    Returns
    -------
    price, why, how, is_ambiguous
        NaN and ``BY_ORDER`` if it stays open.
    """
    seen = mirrored(bar) if guard.side < 0.0 else bar
    level = _trailed(guard, guard.peak)
    if seen.open <= max(guard.stop, level):
        return bar.open, BY_TRAILING_STOP if level > guard.stop else BY_STOP_LOSS, AT_OPEN, 0.0
    if seen.open >= guard.target:
        return bar.open, BY_TAKE_PROFIT, AT_OPEN, 0.0
    return math.nan, BY_ORDER, NOWHERE, 0.0


def protect(guard: Guard, bar: Bar, entered: float, start: float, path: float) -> Exit:  # noqa: PLR0917
    """Return where a position is closed by its stop, trailing stop or target after the open of a bar.

    Parameters
    ----------
    guard : Guard
    bar : Bar
        As the market has it.
    entered : float
        How the position came into this bar: ``HELD`` since before, or entered in it ``AT_OPEN``, ``RISING`` to the
        price of a stop order, or ``FALLING`` to that of a limit.
    start : float
        The market's price from which on it is held: the open, or where the order was reached.
    path : float
        ``PESSIMISTIC`` or ``OPTIMISTIC``.

    Returns
    -------
    price, why, how, is_ambiguous
        NaN and ``BY_ORDER`` if it stays open. A trailing stop follows the price inside the bar as well: at worst it is
        hit at the low, at best at the distance from the high.
    """
    seen = mirrored(bar) if guard.side < 0.0 else bar
    worst = _exit_inside(guard, seen, entered, guard.side * start, PESSIMISTIC)
    best = _exit_inside(guard, seen, entered, guard.side * start, OPTIMISTIC)
    differ = 0.0 if worst[1] == best[1] and (worst[0] == best[0] or worst[1] == BY_ORDER) else 1.0
    price, why, how = best if path == OPTIMISTIC else worst
    return guard.side * price, why, how, differ


def seen_peak(guard: Guard, bar: Bar, entered: float) -> float:
    """Return the best price, in the frame, that has surely been seen since the entry when the bar has closed."""
    seen = mirrored(bar) if guard.side < 0.0 else bar
    # A limit was reached on the way down: the high may lie before it.
    return max(guard.peak, seen.close if entered == FALLING else seen.high)


def _exit_inside(guard: Guard, seen: Bar, entered: float, start: float, path: float) -> tuple[float, float, float]:  # noqa: PLR0917
    """Do :func:`protect` after the open, for one path, in the frame."""
    stop = min(max(guard.stop, _trailed(guard, max(guard.peak, start))), start)
    highest_stop = max(stop, _trailed(guard, max(guard.peak, seen.high)))
    target = max(guard.target, start)
    why = BY_TRAILING_STOP if highest_stop > guard.stop else BY_STOP_LOSS
    is_through = seen.high > target or (seen.high == target and path == OPTIMISTIC)
    if entered == FALLING:
        # The low is surely later than the entry, or the entry itself; the high is not.
        is_stopped, is_made = seen.low <= stop, seen.close >= target and is_through
    elif entered == RISING:
        is_stopped, is_made = seen.close <= highest_stop, is_through
    else:
        is_stopped, is_made = seen.low <= stop or seen.close <= highest_stop, is_through
    if path == OPTIMISTIC:
        if is_through:
            return target, BY_TAKE_PROFIT, FALLING
        if is_stopped:
            return highest_stop, why, RISING
    else:
        if seen.low <= highest_stop:
            return max(stop, seen.low), why, RISING
        if is_made:
            return target, BY_TAKE_PROFIT, FALLING
    return math.nan, BY_ORDER, NOWHERE


def _trailed(guard: Guard, peak: float) -> float:
    return -math.inf if math.isnan(guard.keep) else peak * guard.keep
