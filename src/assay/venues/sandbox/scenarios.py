"""What may happen to the market besides, if somebody wants it: a tick that changes, a ticker that is used twice.

Both happen to real venues, and both break whoever takes today's list of instruments for that of a year ago.

>>> from assay.venues.sandbox.assets import DEFAULT_ASSETS
>>> bitcoin = parse_scenario("tick:BTC=0.1@2024-06-01").change(DEFAULT_ASSETS)[0]
>>> [str(bitcoin.listings()[0].tick_at(parse_moment(day))) for day in ("2024-05-31", "2024-06-01")]
['0.01', '0.10']
>>> [asset.coin_id for asset in parse_scenario("reused").change(DEFAULT_ASSETS)[-2:]]
['terra-luna', 'terra-luna-2']
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Protocol

from assay.domain.errors import BadInputError
from assay.domain.interval import parse_moment
from assay.venues.sandbox.assets import WIRE_DECIMALS, Asset

_TICK = re.compile(r"tick:(?P<base>[^=@]+)=(?P<tick>[^=@]+)@(?P<at>[^=@]+)")
_REUSED = "reused"
_TODO = "write tick:BTC=0.1@2024-06-01, or reused"


class Scenario(Protocol):
    """Something that happens to what is traded."""

    @property
    def name(self) -> str:
        """What it is, for people."""
        ...

    def change(self, assets: Sequence[Asset]) -> tuple[Asset, ...]:
        """Return the assets to which it happens."""
        ...


@dataclass(frozen=True, slots=True)
class TickChange:
    """From a midnight on the price of an asset goes in other steps: coarser ones, or finer ones.

    Attributes
    ----------
    base : str
    tick : Decimal
        The new step, in quote units: a power of ten.
    at : datetime
        A midnight in UTC.
    """

    base: str
    tick: Decimal
    at: datetime

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"a tick of {self.tick:f} for {self.base} from {self.at:%Y-%m-%d} on"

    def change(self, assets: Sequence[Asset]) -> tuple[Asset, ...]:
        """Return the assets, one of them with another tick from then on.

        Raises
        ------
        BadInputError
            If there is no such asset, its price in 2023 is no multiple of the tick, or sums of price times quantity
            would need more decimals than there are on the wire.
        """
        if all(asset.base != self.base for asset in assets):
            raise BadInputError("no such asset in the sandbox", value=self.base, todo="use one like BTC")
        return tuple(self._changed(asset) if asset.base == self.base else asset for asset in assets)

    def _changed(self, asset: Asset) -> Asset:
        before, after = asset.price_decimals, -self.tick.normalize().as_tuple().exponent  # type: ignore[operator]
        finest = max(before, after)
        if finest + asset.quantity_decimals > WIRE_DECIMALS or asset.price % self.tick:
            todo = f"its price is {asset.price} and its lot {asset.lot} at first: give a tick that fits"
            raise BadInputError(f"{asset.base} cannot have such a tick", value=f"{self.tick:f}", todo=todo)
        return replace(
            asset,
            price=asset.price.quantize(Decimal(1).scaleb(-finest)),
            tick_changed_at=self.at,
            ticks_before=10 ** (finest - before),
            ticks_after=10 ** (finest - after),
        )


@dataclass(frozen=True, slots=True)
class ReusedTicker:
    """LUNA twice, on the days on which Binance ended the first one's trading and began the second one's."""

    @property
    def name(self) -> str:
        """What it is, for people."""
        return "LUNA reused"

    def change(self, assets: Sequence[Asset]) -> tuple[Asset, ...]:
        """Return the assets and both LUNAs."""
        return (*assets, *_LUNAS)


def parse_scenario(text: str) -> Scenario:
    """Return the scenario that is written so.

    Raises
    ------
    BadInputError
        If it is none: neither ``tick:BASE=TICK@DATE`` nor ``reused``.
    """
    words = text.strip()
    if words == _REUSED:
        return ReusedTicker()
    found = _TICK.fullmatch(words)
    if found is None:
        raise BadInputError("not a scenario", value=text, todo=_TODO)
    try:
        tick = Decimal(found["tick"])
    except InvalidOperation:
        raise BadInputError("not a tick", value=found["tick"], todo=_TODO) from None
    if not (tick.is_finite() and tick > 0 and tick.normalize().as_tuple().digits == (1,)):
        raise BadInputError("a tick that is no power of ten", value=found["tick"], todo=_TODO)
    moment = parse_moment(found["at"])
    if moment.hour or moment.minute or moment.second or moment.microsecond:
        raise BadInputError("a tick changes at a midnight in UTC", value=found["at"], todo=_TODO)
    return TickChange(found["base"].strip().upper(), tick, moment)


_LUNAS = (
    Asset(
        base="LUNA",
        coin_id="terra-luna",
        coin_name="Terra",
        price=Decimal("61.4000"),
        lot=Decimal("0.01"),
        volatility=0.70,
        market_share=0.50,
        trades_a_day=28_800,
        trade_usd=300.0,
        supply=345_000_000,
        max_supply=None,
        listed_at=parse_moment("2020-08-21T10:00"),
        delisted_at=parse_moment("2022-05-13T01:00"),
    ),
    Asset(
        base="LUNA",
        coin_id="terra-luna-2",
        coin_name="Terra 2.0",
        price=Decimal("0.8600"),
        lot=Decimal("0.01"),
        volatility=0.72,
        market_share=0.50,
        trades_a_day=14_400,
        trade_usd=200.0,
        supply=565_000_000,
        max_supply=None,
        listed_at=parse_moment("2022-05-31T06:00"),
    ),
)
