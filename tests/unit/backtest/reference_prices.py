"""Where a price reaches an order, a stop or a target: the part of the reference that reads bars."""

from __future__ import annotations

import math
from dataclasses import dataclass

from assay.backtest.orders import Order

INF, NAN = math.inf, math.nan


@dataclass
class Candle:
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass
class Holding:
    quantity: float = 0.0
    entry: float = 0.0
    mark: float = NAN
    stop: float = NAN
    target: float = NAN
    best: float = NAN
    trail: float = NAN
    leave_at: float = INF
    closing: str = ""
    entered: str = "held"
    used: float = 0.0
    filled_in: int = -1
    since: int = -1
    bought: float = 0.0
    paid: float = 0.0
    got: float = 0.0
    fees: float = 0.0
    funding: float = 0.0
    is_ambiguous: bool = False

    def forget(self) -> None:
        self.stop = self.target = self.best = self.trail = NAN
        self.leave_at, self.closing, self.entered = INF, "", "held"
        self.bought = self.paid = self.got = self.fees = self.funding = 0.0
        self.is_ambiguous = False


@dataclass
class Waiting:
    number: int
    order: Order
    due: int
    kind: str
    limit: float | None
    side: int
    left: float | None = None
    dealt: float = 0.0


def beyond(stop: float, price: float, is_long: bool) -> bool:
    return not math.isnan(stop) and (price <= stop if is_long else price >= stop)


def trailed(holding: Holding, best: float) -> float:
    if math.isnan(holding.trail):
        return NAN
    return best * (1.0 - holding.trail) if holding.quantity > 0 else best * (1.0 + holding.trail)


def exit_of(
    holding: Holding, candle: Candle, start: float
) -> tuple[tuple[float, str] | None, tuple[float, str] | None]:
    """Return the worst and the best exit that the bar allows after `start`."""
    is_long = holding.quantity > 0
    up, down = (candle.high, candle.low) if is_long else (candle.low, candle.high)

    def tighter(*stops: float) -> float:
        known = [stop for stop in stops if not math.isnan(stop)]
        return (max(known) if is_long else min(known)) if known else NAN

    def at_or_below(price: float, level: float) -> bool:
        return not math.isnan(level) and (price <= level if is_long else price >= level)

    def at_or_above(price: float, level: float) -> bool:
        return not math.isnan(level) and (price >= level if is_long else price <= level)

    def farther(one: float, other: float) -> float:
        return max(one, other) if is_long else min(one, other)

    first = farther(holding.best, start) if not math.isnan(holding.best) else start
    stop = tighter(holding.stop, trailed(holding, first))
    # A stop that lies beyond the market when the position begins is hit there.
    if not math.isnan(stop) and (stop > start if is_long else stop < start):
        stop = start
    high_best = farther(holding.best, up) if not math.isnan(holding.best) else up
    raised = tighter(stop, trailed(holding, high_best))
    target = NAN if math.isnan(holding.target) else farther(holding.target, start)
    is_trailing = not math.isnan(raised) and (
        math.isnan(holding.stop) or (raised > holding.stop if is_long else raised < holding.stop)
    )
    why = "trailing_stop" if is_trailing else "stop_loss"
    touches, passes = at_or_above(up, target), at_or_above(up, target) and up != target
    if holding.entered == "falling":
        is_surely_stopped, is_surely_made = at_or_below(down, stop), passes and at_or_above(candle.close, target)
    elif holding.entered == "rising":
        is_surely_stopped, is_surely_made = at_or_below(candle.close, raised), passes
    else:
        is_surely_stopped = at_or_below(down, stop) or at_or_below(candle.close, raised)
        is_surely_made = passes
    worst: tuple[float, str] | None = None
    if at_or_below(down, raised):
        worst = (tighter(stop, down), why)
    elif is_surely_made:
        worst = (target, "take_profit")
    best: tuple[float, str] | None = None
    if touches:
        best = (target, "take_profit")
    elif is_surely_stopped:
        best = (raised, why)
    return worst, best


def is_triggered(one: Waiting, candle: Candle) -> bool:
    stop = one.order.stop
    assert stop is not None
    return candle.high >= stop if one.side > 0 else candle.low <= stop


def reached(one: Waiting, candle: Candle, *, is_best: bool) -> tuple[float, str] | None:  # noqa: PLR0911
    """Return where an order is reached, and whether at the open, rising to a stop or falling to a limit."""
    if one.kind == "market":
        return candle.open, "open"
    if one.kind == "limit":
        return limit_reached(one, candle, is_best=is_best)
    stop, is_buy = one.order.stop, one.side > 0
    assert stop is not None
    if candle.open >= stop if is_buy else candle.open <= stop:
        return (candle.open, "open") if one.kind == "stop" else limit_reached(one, candle, is_best=is_best)
    if not is_triggered(one, candle):
        return None
    if one.kind == "stop":
        return stop, "rising"
    assert one.limit is not None
    if one.limit >= stop if is_buy else one.limit <= stop:
        return stop, "rising"
    after = (candle.low if is_buy else candle.high) if is_best else candle.close
    return (one.limit, "falling") if through(after, one.limit, is_buy, is_best) else None


def limit_reached(one: Waiting, candle: Candle, *, is_best: bool) -> tuple[float, str] | None:
    assert one.limit is not None
    is_buy = one.side > 0
    if candle.open <= one.limit if is_buy else candle.open >= one.limit:
        return candle.open, "open"
    far = candle.low if is_buy else candle.high
    return (one.limit, "falling") if through(far, one.limit, is_buy, is_best) else None


def through(price: float, limit: float, is_buy: bool, is_best: bool) -> bool:
    return (price < limit if is_buy else price > limit) or (is_best and price == limit)
