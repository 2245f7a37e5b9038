"""A backtest as one would write it without a thought of speed: objects, lists, and long and short spelled out.

It shares the nouns of the engine's input (Market, Account, Costs, Order) and none of its code: what is filled when and
at which price is said a second time. Sums are taken in the same order, so that results can be compared bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.backtest.account import Account
from assay.backtest.market import Market
from assay.backtest.orders import Order
from assay.measures.trading_costs import Costs
from tests.unit.backtest.reference_prices import (
    INF,
    NAN,
    Candle,
    Holding,
    Waiting,
    beyond,
    exit_of,
    is_triggered,
    reached,
    trailed,
)


@dataclass
class Reference:
    """Trade `orders`, a list for each bar, decided at its close."""

    market: Market
    account: Account
    costs: Costs
    path: str
    orders: Sequence[Sequence[Order]]
    cash: float = 0.0
    row: int = 0
    ruined: int | None = None
    equity: list[float] = field(default_factory=list)
    fills: list[tuple[object, ...]] = field(default_factory=list)
    trades: list[tuple[object, ...]] = field(default_factory=list)
    fates: dict[int, str] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)

    def run(self) -> Reference:
        self.cash = self.account.cash
        self.held = [Holding() for _ in self.market.symbols]
        self.delisted = [self.market.delisted_at.get(symbol, INF) for symbol in self.market.symbols]
        number = 0
        for row in range(len(self.market)):
            self.row = row
            self.trade_bar()
            for order in self.orders[self.row]:
                self.fates[number] = "account ruined" if self.ruined is not None else "waiting"
                if self.ruined is None:
                    self.admit(number, order)
                number += 1
            if self.same_close:
                for s, holding in enumerate(self.held):
                    if holding.quantity and self.row >= holding.leave_at and self.tradable(s):
                        self.leave(s, self.candle(s).close, "time", "close")
                self.fill_all_at("close")
            if self.ruined is None and self.worth() <= 0:
                for s, holding in enumerate(self.held):
                    if holding.quantity:
                        self.leave(s, holding.mark, "ruined", "close")
                for one in list(self.waiting):
                    self.finish(one, "account ruined")
                self.ruined = self.row
            self.equity.append(self.worth())
        return self

    # What is asked all the time.

    @property
    def same_close(self) -> bool:
        return self.account.fill_at == "same_close"

    @property
    def is_best(self) -> bool:
        return self.path == "optimistic"

    def candle(self, s: int) -> Candle:
        m = self.market
        return Candle(*(float(column[self.row, s]) for column in (m.open, m.high, m.low, m.close, m.volume)))

    def is_gone(self, s: int) -> bool:
        return bool(self.market.open_time[self.row] >= self.delisted[s])

    def tradable(self, s: int) -> bool:
        candle = self.candle(s)
        return not math.isnan(candle.open) and candle.volume != 0 and not self.is_gone(s)

    def worth(self) -> float:
        total = self.cash
        for holding in self.held:
            if holding.quantity:
                total += holding.quantity * holding.mark
        return total

    def column(self, order: Order) -> int:
        return self.market.symbols.index(order.symbol)

    def finish(self, one: Waiting, fate: str) -> None:
        self.fates[one.number] = "partly filled" if one.dealt and fate != "filled" else fate
        self.waiting.remove(one)

    # A bar.

    def trade_bar(self) -> None:  # noqa: PLR0912
        for s, holding in enumerate(self.held):
            self.begin(s, holding)
        for one in list(self.waiting):
            if one not in self.waiting or one.due > self.row:
                continue
            if self.is_gone(self.column(one.order)):
                self.finish(one, "cancelled")
            elif one.kind == "cancel":
                for other in [o for o in self.waiting if o.number < one.number and o.order.symbol == one.order.symbol]:
                    self.finish(other, "cancelled")
                self.finish(one, "filled")
        for s, holding in enumerate(self.held):
            if holding.quantity and self.tradable(s):
                self.leave_at_open(s, holding)
        self.fill_all_at("open")
        for s in range(len(self.held)):
            self.leave_inside(s, self.candle(s).open)
        self.fill_inside()
        for s, holding in enumerate(self.held):
            self.end(s, holding)
        for one in [o for o in self.waiting if o.due <= self.row]:
            s = self.column(one.order)
            if one.kind == "stop_limit" and self.tradable(s) and is_triggered(one, self.candle(s)):
                one.kind = "limit"
            if one.order.good_for and self.row - one.due + 1 >= one.order.good_for:
                self.finish(one, "expired")

    def begin(self, s: int, holding: Holding) -> None:
        holding.used = 0.0
        if self.is_gone(s):
            if holding.quantity:
                self.leave(s, holding.mark, "delisted", "open")
            return
        candle = self.candle(s)
        if not math.isnan(candle.open):
            holding.mark = candle.open
        if holding.quantity and self.market.funding.shape[0]:
            rate = float(self.market.funding[self.row, s])
            if not math.isnan(rate):
                payment = holding.quantity * holding.mark * rate
                self.cash -= payment
                holding.funding += payment

    def end(self, s: int, holding: Holding) -> None:
        candle = self.candle(s)
        if math.isnan(candle.close) or self.is_gone(s):
            return
        holding.mark = candle.close
        if holding.quantity and not math.isnan(holding.trail):
            if holding.quantity > 0:
                holding.best = max(holding.best, candle.close if holding.entered == "falling" else candle.high)
            else:
                holding.best = min(holding.best, candle.close if holding.entered == "falling" else candle.low)
        holding.entered = "held"

    def admit(self, number: int, order: Order) -> None:
        if order.target is not None:
            for other in [o for o in self.waiting if o.order.target is not None and o.order.symbol == order.symbol]:
                self.finish(other, "cancelled")
        due = self.row + self.account.latency_bars + (0 if self.same_close and order.kind == "market" else 1)
        side = 0 if order.target is not None else (1 if order.side == "buy" else -1)
        limit = order.limit
        if limit is not None and self.costs.tick:
            tick = self.costs.tick
            limit = (math.floor(limit / tick + 1e-9) if side > 0 else math.ceil(limit / tick - 1e-9)) * tick
        self.waiting.append(Waiting(number, order, due, order.kind, limit, side))

    # Exits without an order.

    def leave_at_open(self, s: int, holding: Holding) -> None:
        candle, is_long = self.candle(s), holding.quantity > 0
        trailing = trailed(holding, holding.best)
        if holding.closing:
            self.leave(s, candle.open, holding.closing, "open")
        elif beyond(holding.stop, candle.open, is_long) or beyond(trailing, candle.open, is_long):
            is_trailing = math.isnan(holding.stop) or (trailing > holding.stop if is_long else trailing < holding.stop)
            why = "trailing_stop" if is_trailing and not math.isnan(trailing) else "stop_loss"
            self.leave(s, candle.open, why, "open")
        elif not math.isnan(holding.target) and (
            candle.open >= holding.target if is_long else candle.open <= holding.target
        ):
            self.leave(s, candle.open, "take_profit", "open")
        elif self.row >= holding.leave_at and not self.same_close:
            self.leave(s, candle.open, "time", "open")

    def leave_inside(self, s: int, start: float) -> None:
        holding = self.held[s]
        if not holding.quantity or not self.tradable(s) or holding.closing:
            return
        worst, best = exit_of(holding, self.candle(s), start)
        chosen = best if self.is_best else worst
        if chosen is not None:
            holding.mark = chosen[0]
            self.leave(s, chosen[0], chosen[1], "inside", is_ambiguous=worst != best)

    def leave(self, s: int, touched: float, why: str, where: str, *, is_ambiguous: bool = False) -> None:
        holding, volume = self.held[s], NAN
        units = abs(holding.quantity)
        if why not in ("delisted", "ruined"):
            volume = self.candle(s).volume
            capacity = self.capacity(s, volume)
            if units > capacity:
                units = self.lots(capacity)
                if why != "take_profit":
                    holding.closing = why
        holding.is_ambiguous = holding.is_ambiguous or is_ambiguous
        if units > 0:
            side = -1 if holding.quantity > 0 else 1
            is_maker = why == "take_profit"
            price = touched if is_maker else self.taken(touched, side, units, volume, None)
            self.settle(s, side * units, (price, touched), is_maker, (why, where, None))

    # Orders.

    def fill_all_at(self, where: str) -> None:
        for is_first in (True, False):
            for one in list(self.waiting):
                if one not in self.waiting or one.due > self.row or one.kind == "cancel":
                    continue
                s = self.column(one.order)
                if not self.tradable(s):
                    continue
                if (one.kind == "market" and self.same_close) != (where == "close"):
                    continue
                found = (
                    (self.candle(s).close, "close")
                    if where == "close"
                    else reached(one, self.candle(s), is_best=self.is_best)
                )
                if found is None or found[1] != where:
                    continue
                is_smaller = self.held[s].quantity * self.side(one, s, found[0]) < 0
                if is_smaller or not is_first:
                    self.fill(one, s, *found)

    def fill_inside(self) -> None:
        for one in list(self.waiting):
            s = self.column(one.order)
            if one not in self.waiting or one.due > self.row or one.kind in ("market", "cancel"):
                continue
            if not self.tradable(s):
                continue
            found = reached(one, self.candle(s), is_best=self.is_best)
            if found is None or found[1] == "open":
                continue
            before = self.held[s].quantity
            self.fill(one, s, *found)
            after = self.held[s].quantity
            if before * after < 0 or abs(after) > abs(before):
                self.leave_inside(s, found[0])

    def side(self, one: Waiting, s: int, price: float) -> int:
        if one.side or one.order.target is None:
            return one.side
        units = one.order.target * max(self.worth(), 0.0) / price - self.held[s].quantity
        return (units > 0) - (units < 0)

    def units(self, one: Waiting, s: int, side: int, price: float) -> float:
        order, quantity = one.order, self.held[s].quantity
        against = abs(quantity) if quantity * side < 0 else 0.0
        is_close = order.quantity is order.notional is order.fraction is order.target is None
        if one.left is not None:
            units = one.left
        elif order.target is not None:
            units = max(side * (order.target * max(self.worth(), 0.0) / price - quantity), 0.0)
        else:
            if is_close:
                units = abs(quantity)
            elif order.quantity is not None:
                units = order.quantity
            elif order.notional is not None:
                units = order.notional / price
            else:
                assert order.fraction is not None
                units = order.fraction * max(self.worth(), 0.0) / price
            if order.intent == "enter" and not is_close:
                units += against
        return min(units, against) if order.intent == "reduce" or is_close else units

    def fill(self, one: Waiting, s: int, touched: float, how: str) -> None:
        holding, order, account = self.held[s], one.order, self.account
        if account.one_fill_a_bar and holding.filled_in == self.row:
            if one.kind == "market":
                self.finish(one, "not needed")
            return
        holding.mark = touched
        side = self.side(one, s, touched)
        along = holding.quantity * side
        is_close = order.quantity is order.notional is order.fraction is order.target is None
        is_reduce = order.intent == "reduce" or is_close
        is_idle = (order.intent == "enter" and not is_close and along > 0 and not one.dealt) or (
            is_reduce and along >= 0
        )
        if side == 0 or is_idle:
            self.finish(one, "not needed")
            return
        is_maker = how == "falling" or (one.kind == "limit" and how != "close" and self.row > one.due)
        bound = one.limit if one.kind in ("limit", "stop_limit") else None
        volume = self.candle(s).volume
        capacity = self.capacity(s, volume)
        guess = min(self.units(one, s, side, touched), capacity)
        price = touched if is_maker else self.taken(touched, side, guess, volume, bound)
        holding.mark = price
        units = self.units(one, s, side, price)
        closing, opening, verdict = self.possible(s, side, units, price, capacity, is_maker)
        holding.mark = touched
        where = how if how in ("open", "close") else "inside"
        for part, is_opening in ((closing, False), (opening, True)):
            if part > 0:
                self.settle(s, side * part, (price, touched), is_maker, ("order", where, one.number))
                if is_opening:
                    self.guard(holding, order, touched, how)
        one.side, one.left = side, units - closing - opening
        one.dealt += closing + opening
        if verdict == "waits":
            self.fates[one.number] = "partly filled" if one.dealt else "waiting"
        else:
            self.finish(one, verdict)

    def possible(  # noqa: PLR0911
        self, s: int, side: int, units: float, price: float, capacity: float, is_maker: bool
    ) -> tuple[float, float, str]:
        holding, costs, account = self.held[s], self.costs, self.account
        against = abs(holding.quantity) if holding.quantity * side < 0 else 0.0
        closing = min(units, against)
        if closing < against:
            closing = self.lots(closing)
            if closing * price < costs.min_notional or closing <= 0:
                return 0.0, 0.0, "too small"
        if closing > capacity:
            return self.lots(capacity), 0.0, "waits"
        rest = units - against
        if rest <= 0:
            return closing, 0.0, "filled"
        if side < 0 and not account.may_short:
            return closing, 0.0, "no short positions"
        others = [other for place, other in enumerate(self.held) if place != s and other.quantity]
        most = len(self.held) if account.max_positions is None else account.max_positions
        if not holding.quantity and len(others) >= most:
            return closing, 0.0, "too many positions"
        fee = costs.maker if is_maker else costs.taker
        value, gross, leverage = abs(holding.quantity) * price, 0.0, float(account.max_leverage)
        for other in others:
            gross += abs(other.quantity) * other.mark
        if against:
            allowed = leverage * (self.worth() - fee * value) - gross
        else:
            allowed = leverage * self.worth() - gross - value
        room = max(allowed / (price * (1.0 + leverage * fee)), 0.0)
        if room <= 0:
            return closing, 0.0, "no cash left"
        opening, verdict = min(rest, room), "filled"
        if opening > capacity - closing:
            opening, verdict = capacity - closing, "waits"
        opening = self.lots(opening)
        if opening * price < costs.min_notional or opening <= 0:
            return closing, 0.0, verdict if verdict == "waits" else "too small"
        return closing, opening, verdict

    def guard(self, holding: Holding, order: Order, touched: float, how: str) -> None:
        is_long = holding.quantity > 0
        holding.entered = "held" if how == "close" else how
        if order.stop_loss is not None:
            holding.stop = holding.entry * (1.0 - order.stop_loss if is_long else 1.0 + order.stop_loss)
        if order.take_profit is not None:
            target = holding.entry * (1.0 + order.take_profit if is_long else 1.0 - order.take_profit)
            if self.costs.tick:
                steps = target / self.costs.tick
                target = (math.ceil(steps - 1e-9) if is_long else math.floor(steps + 1e-9)) * self.costs.tick
            holding.target = target
        if order.trailing_stop is not None:
            if math.isnan(holding.best):
                holding.best = touched
            else:
                holding.best = max(holding.best, touched) if is_long else min(holding.best, touched)
            holding.trail = order.trailing_stop
        if order.max_bars:
            holding.leave_at = self.row + order.max_bars

    # Money.

    def lots(self, units: float) -> float:
        return math.floor(units / self.costs.lot + 1e-9) * self.costs.lot if self.costs.lot else units

    def capacity(self, s: int, volume: float) -> float:
        part = self.account.participation
        return INF if part is None else max(part * volume - self.held[s].used, 0.0)

    def taken(self, touched: float, side: int, units: float, volume: float, bound: float | None) -> float:
        costs, impact = self.costs, 0.0
        if costs.impact > 0 and volume > 0:
            impact = costs.impact * math.sqrt(units / volume)
        price = touched * (1.0 + side * (costs.slip + impact))
        if costs.tick:
            steps = price / costs.tick
            price = (math.ceil(steps - 1e-9) if side > 0 else math.floor(steps + 1e-9)) * costs.tick
        if bound is None:
            return price
        return min(price, bound) if side > 0 else max(price, bound)

    def settle(
        self, s: int, quantity: float, prices: tuple[float, float], is_maker: bool, why: tuple[str, str, int | None]
    ) -> None:
        holding, (price, touched) = self.held[s], prices
        reason, where, number = why
        units, before = abs(quantity), holding.quantity
        fee = units * price * (self.costs.maker if is_maker else self.costs.taker)
        self.cash = self.cash - quantity * price - fee
        holding.quantity = before + quantity
        holding.used += units
        holding.filled_in = self.row
        symbol = self.market.symbols[s]
        self.fills.append((symbol, self.row, where, quantity, price, touched, fee, is_maker, reason, number))
        holding.fees += fee
        if before * quantity < 0:
            holding.got += units * price
        else:
            holding.since = self.row if not before else holding.since
            holding.entry = (abs(before) * (holding.entry if before else 0.0) + units * price) / abs(holding.quantity)
            holding.bought += units
            holding.paid += units * price
        if not holding.quantity:
            side = 1.0 if before > 0 else -1.0
            pnl = side * (holding.got - holding.paid) - holding.fees - holding.funding
            self.trades.append(
                (
                    symbol, "long" if before > 0 else "short", holding.since, self.row, holding.bought,
                    holding.paid / holding.bought, holding.got / holding.bought, holding.fees, holding.funding, pnl,
                    reason, holding.is_ambiguous,
                )
            )  # fmt: skip
            holding.forget()
