"""Orders as a strategy places them, and as rows of the tape on which a backtest reads them.

>>> order = Order("BTC-USDT", "buy", fraction=0.5, stop_loss=0.02, take_profit=0.03)
>>> order.kind, order.fraction
('market', 0.5)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.backtest import layout as at
from assay.backtest.layout import Floats
from assay.domain.errors import BadInputError

KINDS = {
    "market": at.MARKET,
    "limit": at.LIMIT,
    "stop": at.STOP,
    "stop_limit": at.STOP_LIMIT,
    "cancel": at.CANCEL,
}
SIDES = {"buy": 1.0, "sell": -1.0}
KIND_NAMES = {number: name for name, number in KINDS.items()}
SIDE_NAMES = {1.0: "buy", -1.0: "sell", 0.0: "target"}
INTENTS = {"any": at.ANY, "enter": at.ENTER, "reduce": at.REDUCE}
FATES = (
    "waiting", "filled", "partly filled", "expired", "cancelled", "no cash left", "too small", "too many positions",
    "no short positions", "not needed", "account ruined",
)  # fmt: skip
_SIZES = {
    "quantity": at.UNITS,
    "notional": at.NOTIONAL,
    "fraction": at.FRACTION,
    "target": at.TARGET,
}


@dataclass(frozen=True, slots=True)
class Order:
    """What a strategy asks for at a close. Sizes: give one of them, or none to close the position.

    Raises
    ------
    BadInputError
        If a word is not known, a number is out of range, or there are two sizes.
    """

    symbol: str
    side: str = "buy"
    """``buy`` or ``sell``; a target has its side from what is held."""
    kind: str = "market"
    """``market``, ``limit``, ``stop``, ``stop_limit``, or ``cancel``: what waits for this symbol is taken off."""
    quantity: float | None = None
    """Base units."""
    notional: float | None = None
    """Quote units."""
    fraction: float | None = None
    """Of what the account is worth when the order is filled."""
    target: float | None = None
    """What the position shall be, as a fraction of what the account is worth; negative: short. Market orders only."""
    limit: float | None = None
    stop: float | None = None
    good_for: int | None = None
    """Bars that it waits; none: until filled or cancelled."""
    stop_loss: float | None = None
    """Distance from the mean entry price at which the position is closed, as a fraction."""
    take_profit: float | None = None
    trailing_stop: float | None = None
    """The same from the best price since."""
    max_bars: int | None = None
    """Bars after which the position is closed."""
    intent: str = "any"
    """``enter``: dropped if the position has that side already, and turns it round if it has the other. ``reduce``:
    never more than closes the position."""

    def __post_init__(self) -> None:
        for name, words in (("side", SIDES), ("kind", KINDS), ("intent", INTENTS)):
            if getattr(self, name) not in words:
                raise BadInputError(f"no such {name}", value=getattr(self, name), todo=f"use {', '.join(words)}")
        if len(self._sizes) > 1:
            raise BadInputError("an order with several sizes", value=self._sizes, todo="give one of them")
        for name in ("quantity", "notional", "fraction", "limit", "stop"):
            _check_positive(name, getattr(self, name), math.inf)
        for name in ("stop_loss", "take_profit", "trailing_stop"):
            _check_positive(name, getattr(self, name), math.inf if name == "take_profit" else 1.0)
        if self.side == "sell":
            _check_positive("take_profit", self.take_profit, 1.0)
        for name in ("good_for", "max_bars"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise BadInputError(f"an order cannot have that {name}", value=value, todo="give 1 bar or more")
        self._check_prices()

    def row(self, bar: int, column: int) -> list[float]:
        """Return the order as a row of the tape, decided at the close of `bar`."""
        size = self._sizes[0] if self._sizes else ""
        intent = INTENTS[self.intent] if size or self.kind == "cancel" else at.REDUCE
        numbers = (self.limit, self.stop, self.good_for, self.stop_loss, self.take_profit, self.trailing_stop)
        limit, stop, life, stop_loss, take_profit, trail = (math.nan if one is None else float(one) for one in numbers)
        side = 0.0 if size == "target" else SIDES[self.side]
        amount = float(getattr(self, size)) if size else 0.0
        sizing = _SIZES[size] if size else at.ALL
        life = 0.0 if math.isnan(life) else life
        return [
            bar, column, KINDS[self.kind], side, sizing, amount, limit, stop, life, stop_loss, take_profit, trail,
            float(self.max_bars or 0), intent,
        ]  # fmt: skip

    @property
    def _sizes(self) -> list[str]:
        return [name for name in _SIZES if getattr(self, name) is not None]

    def _check_prices(self) -> None:
        needs = {"limit": ("limit",), "stop": ("stop",), "stop_limit": ("limit", "stop")}.get(self.kind, ())
        for name in ("limit", "stop"):
            if (getattr(self, name) is not None) != (name in needs):
                todo = f"give it a {name} price" if name in needs else f"leave {name} out, or choose another kind"
                raise BadInputError(f"a {self.kind} order and its {name} price", value=getattr(self, name), todo=todo)
        if self.target is not None and (self.kind != "market" or not math.isfinite(self.target)):
            raise BadInputError("a target is a finite number and a market order", value=self.target)


def tape_of(rows: Sequence[Sequence[float]]) -> Floats:
    """Return rows of orders as the array that the loop reads, shape ``(n_orders, N_ORDER)``."""
    return np.array(rows, dtype=np.float64).reshape(-1, at.N_ORDER)


def _check_positive(name: str, value: float | None, below: float) -> None:
    if value is not None and not 0 < value < below:
        todo = "give a number above 0" + (f" and below {below:g}" if below < math.inf else "")
        raise BadInputError(f"an order cannot have that {name}", value=value, todo=todo)
