"""What is traded in the sandbox: a table of assets, when each was listed, and the names it went by.

Prices and supplies are near those of the end of 2023, ticks and lots are a real venue's; dates of listing, of the one
delisting and of the one change of name are of the real events where there was one. What happens to the prices
afterwards is made up.

>>> bitcoin = DEFAULT_ASSETS[0]
>>> bitcoin.listings()[0].price_text(4_370_000), bitcoin.listings()[0].quantity_text(1)
('43700.00000000', '0.00001000')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from assay.domain.errors import BadInputError
from assay.domain.interval import parse_moment
from assay.domain.symbol import Symbol

QUOTE = "USDT"
WIRE_DECIMALS = 8


@dataclass(frozen=True, slots=True)
class Asset:
    """One coin: where its price starts, how it moves, how much of it there is and when it was traded.

    `volatility` is the standard deviation of a year's log return, `market_share` the part of its variance that comes
    from the market as a whole, `trades_a_day` and `trade_usd` the usual number and size of trades. Where the tick
    changed, at a midnight, prices before and after it are multiples of `ticks_before` and `ticks_after` ticks.
    """

    base: str
    coin_id: str
    coin_name: str
    price: Decimal
    lot: Decimal
    volatility: float
    market_share: float
    trades_a_day: int
    trade_usd: float
    supply: int
    max_supply: int | None
    listed_at: datetime
    delisted_at: datetime | None = None
    renamed_to: str = ""
    renamed_at: datetime | None = None
    tick_changed_at: datetime | None = None
    ticks_before: int = 1
    ticks_after: int = 1

    @property
    def price_decimals(self) -> int:
        """Decimals of a price; a tick is one in the last of them."""
        return _decimals(self.price)

    @property
    def quantity_decimals(self) -> int:
        """Decimals of a quantity; a lot is one in the last of them."""
        return _decimals(self.lot)

    @property
    def price_ticks(self) -> int:
        """Price at the anchor date in ticks."""
        return int(self.price.scaleb(self.price_decimals))

    def ticks_at(self, moment: datetime) -> int:
        """Return of how many ticks prices are multiples at `moment`."""
        if self.tick_changed_at is None:
            return 1
        return self.ticks_before if moment < self.tick_changed_at else self.ticks_after

    def in_steps(self, ticks: int) -> Asset:
        """Return the asset with a tick so many times as large."""
        return (
            self
            if ticks == 1
            else replace(self, price=self.price.quantize(Decimal(ticks).scaleb(-self.price_decimals).normalize()))
        )

    def listings(self) -> tuple[Listing, ...]:
        """Return the names under which the asset was traded, the first one first."""
        if self.renamed_at is None:
            return (Listing(Symbol(self.base, QUOTE), self, self.listed_at, self.delisted_at),)
        return (
            Listing(Symbol(self.base, QUOTE), self, self.listed_at, self.renamed_at),
            Listing(Symbol(self.renamed_to, QUOTE), self, self.renamed_at, self.delisted_at),
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """A symbol that is or was traded: which asset it means, and from when until (exclusively) when.

    One that meant several assets, one after the other, means the last; `lives` has all of them, and between two of them
    it is not traded.
    """

    symbol: Symbol
    asset: Asset
    listed_at: datetime
    delisted_at: datetime | None
    several: tuple[Listing, ...] = ()

    @property
    def lives(self) -> tuple[Listing, ...]:
        """What the symbol meant when, in order; each is one asset, traded without a pause."""
        return self.several or (self,)

    def is_trading(self, moment: datetime) -> bool:
        """Whether the symbol can be traded at `moment`."""
        if self.several:
            return any(life.is_trading(moment) for life in self.several)
        return self.listed_at <= moment and (self.delisted_at is None or moment < self.delisted_at)

    @property
    def tick(self) -> Decimal:
        """Smallest step that a price ever had, in quote units: what prices are counted in."""
        return Decimal(1).scaleb(-self.asset.price_decimals)

    def tick_at(self, moment: datetime) -> Decimal:
        """Return the smallest step of a price at `moment`, in quote units."""
        return self.asset.ticks_at(moment) * self.tick

    @property
    def lot(self) -> Decimal:
        """Smallest step of a quantity, in base units."""
        return Decimal(1).scaleb(-self.asset.quantity_decimals)

    def price_text(self, ticks: int) -> str:
        """Return a price as it stands on the wire, with eight decimals."""
        return _text(ticks, self.asset.price_decimals)

    def quantity_text(self, lots: int) -> str:
        """Return a quantity as it stands on the wire."""
        return _text(lots, self.asset.quantity_decimals)

    def notional_text(self, tick_lots: int) -> str:
        """Return a sum of price times quantity, given in ticks times lots, as it stands on the wire."""
        return _text(tick_lots, self.asset.price_decimals + self.asset.quantity_decimals)


def join_lives(lives: Sequence[Listing]) -> Listing:
    """Return all that one symbol meant as one listing.

    Raises
    ------
    BadInputError
        If two assets have the symbol at once, or count prices and quantities in other steps.
    """
    ordered = sorted(lives, key=lambda one: one.listed_at)
    for one, following in pairwise(ordered):
        if one.delisted_at is None or one.delisted_at > following.listed_at:
            raise BadInputError("two assets of one symbol at once", value=one.symbol, todo="let one leave before")
        if (one.tick, one.lot) != (following.tick, following.lot):
            raise BadInputError("two assets of one symbol in other steps", value=one.symbol, todo="give both the same")
    last = ordered[-1]
    return last if len(ordered) == 1 else replace(last, listed_at=ordered[0].listed_at, several=tuple(ordered))


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent


def _text(units: int, decimals: int) -> str:
    """Write ``units * 10**-decimals`` with eight decimals, exactly."""
    whole, rest = divmod(int(units) * 10 ** (WIRE_DECIMALS - decimals), 10**WIRE_DECIMALS)
    return f"{whole}.{rest:0{WIRE_DECIMALS}d}"


# Decimals of price and lot are the tick and the lot. A dash: there is no limit to the supply.
# base  coin_id            coin_name       price     lot     volatility share trades usd supply        max      listed
_TABLE = """
BTC     bitcoin            Bitcoin         43700.00  0.00001 0.45  0.85  172800  900  19580000         21000000     2017-08-17T04:00
ETH     ethereum           Ethereum        2240.00   0.0001  0.52  0.78  144000  650  120180000        -            2017-08-17T04:00
BNB     binancecoin        BNB             271.00    0.001   0.48  0.60  57600   420  153850000        200000000    2017-11-06T03:00
SOL     solana             Solana          94.50     0.001   0.68  0.58  86400   380  430000000        -            2020-08-11T06:00
XRP     ripple             XRP             0.6190    0.1     0.58  0.52  57600   400  54000000000      100000000000 2018-05-04T08:00
ADA     cardano            Cardano         0.6080    0.1     0.60  0.58  43200   300  35300000000      45000000000  2018-04-17T04:00
DOGE    dogecoin           Dogecoin        0.09210   1       0.68  0.50  43200   300  142200000000     -            2019-07-05T12:00
TRX     tron               TRON            0.10470   0.1     0.45  0.45  28800   280  88400000000      -            2018-06-11T11:00
AVAX    avalanche-2        Avalanche       46.600    0.01    0.70  0.58  43200   320  366000000        720000000    2020-09-22T06:30
LINK    chainlink          Chainlink       15.400    0.01    0.62  0.58  34560   300  568000000        1000000000   2019-01-16T10:00
DOT     polkadot           Polkadot        8.150     0.01    0.60  0.60  28800   260  1270000000       -            2020-08-18T23:00
MATIC   matic-network      Polygon         0.8900    0.1     0.64  0.56  28800   260  9540000000       10000000000  2019-04-26T04:00
LTC     litecoin           Litecoin        71.70     0.001   0.52  0.60  28800   260  74100000         84000000     2017-12-13T03:00
ETC     ethereum-classic   Ethereum_Classic 21.400   0.01    0.60  0.60  20160   230  144000000        210700000    2018-06-12T02:00
XLM     stellar            Stellar         0.12650   1       0.56  0.52  17280   220  28200000000      50001806812  2018-05-31T09:00
XMR     monero             Monero          170.00    0.001   0.48  0.40  14400   240  18370000         -            2019-03-15T04:00
ATOM    cosmos             Cosmos_Hub      10.900    0.01    0.60  0.58  20160   230  380000000        -            2019-04-29T04:00
UNI     uniswap            Uniswap         6.250     0.01    0.64  0.56  17280   220  598000000        1000000000   2020-09-17T03:00
FIL     filecoin           Filecoin        5.250     0.01    0.66  0.58  14400   210  483000000        1960000000   2020-10-15T07:00
NEAR    near               NEAR_Protocol   3.250     0.1     0.68  0.56  17280   220  1000000000       -            2020-10-14T04:00
EOS     eos                EOS             0.7900    0.1     0.58  0.56  10080   180  1110000000       -            2018-05-28T05:00
NEO     neo                NEO             13.100    0.01    0.58  0.56  7200    170  70530000         100000000    2017-11-20T03:00
ZEC     zcash              Zcash           29.40     0.001   0.60  0.48  5760    160  16300000         21000000     2019-03-21T04:00
DASH    dash               Dash            32.10     0.001   0.58  0.48  2880    150  11750000         18920000     2019-03-28T04:00
APT     aptos              Aptos           8.900     0.01    0.70  0.55  20160   220  306000000        -            2022-10-19T01:00
ENA     ethena             Ethena          0.7000    0.1     0.74  0.50  17280   210  1425000000       15000000000  2024-04-02T08:00
KITE    kite-2             Kite            0.09000   1       0.74  0.45  14400   200  1800000000       10000000000  2025-11-03T13:00
"""  # noqa: E501  a table is easier to read than 27 calls

_DELISTED = {"XMR": "2024-02-20T03:00"}
_RENAMED = {"MATIC": ("POL", "2024-09-13T10:00")}


def _asset(row: str) -> Asset:
    base, coin_id, name, price, lot, volatility, share, trades, usd, supply, limit, listed = row.split()
    delisted, renamed = _DELISTED.get(base), _RENAMED.get(base)
    return Asset(
        base=base,
        coin_id=coin_id,
        coin_name=name.replace("_", " "),
        price=Decimal(price),
        lot=Decimal(lot),
        volatility=float(volatility),
        market_share=float(share),
        trades_a_day=int(trades),
        trade_usd=float(usd),
        supply=int(supply),
        max_supply=None if limit == "-" else int(limit),
        listed_at=parse_moment(listed),
        delisted_at=parse_moment(delisted) if delisted else None,
        renamed_to=renamed[0] if renamed else "",
        renamed_at=parse_moment(renamed[1]) if renamed else None,
    )


DEFAULT_ASSETS = tuple(_asset(row) for row in _TABLE.strip().splitlines())
"""The assets of the sandbox, in the order in which an exchange lists them."""
