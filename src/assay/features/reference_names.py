"""Names of what a series can be held against: another series, the breadth of a market, or what is said of a coin.

- ``BTC-USDT`` or ``binance:spot:BTC-USDT``: the close of that series.
- ``breadth:above_ema_50:*-USDT``: the share of the series quoted in USDT whose close is above its EMA(50);
  ``breadth:up_24:BTC-USDT,ETH-USDT``: of the two named, the share whose close is higher than 24 bars before.
- ``dominance:BTC``, ``turnover:BTC``, ``circulating_share:BTC``, ``below_high:BTC``, ``above_low:BTC``: of a coin, by
  its ticker where that is certain, or by its id, such as ``dominance:staked-ether``.

>>> parse_reference("breadth:up_24:*-USDT")
ReferenceName(kind='breadth', of='*-USDT', measure='up', bars=24)
>>> parse_reference("dominance:BTC").kind, parse_reference("BTC-USDT").kind
('dominance', 'series')
>>> column_of("binance:spot:BTC-USDT"), column_of("breadth:up_24:*-USDT")
('binance_spot_btc_usdt', 'breadth_up_24_all_usdt')
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assay.domain.errors import BadInputError
from assay.domain.symbol import Symbol

SERIES, BREADTH = "series", "breadth"
COIN_QUANTITIES = {
    "dominance": "market value / sum of the market values of all coins that are polled",
    "turnover": "volume of 24 hours / market value",
    "circulating_share": "circulating supply / greatest supply, or total supply where there is no greatest",
    "below_high": "price / all-time high - 1",
    "above_low": "price / all-time low - 1",
}
"""What can be asked of a coin, and its formula; ratios all."""
ABOVE_EMA, UP = "above_ema", "up"

_MEASURE = re.compile(rf"({ABOVE_EMA}|{UP})_([1-9][0-9]{{0,5}})")
_COIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_TODO = "write BTC-USDT, breadth:above_ema_50:*-USDT, breadth:up_24:BTC-USDT,ETH-USDT or dominance:BTC"


@dataclass(frozen=True, slots=True)
class ReferenceName:
    """A name, taken apart.

    Attributes
    ----------
    kind : str
        ``series``, ``breadth``, or one of :data:`COIN_QUANTITIES`.
    of : str
        The series, the universe or the coin.
    measure : str
        Of a breadth: ``above_ema`` or ``up``.
    bars : int
        Of a breadth: the length of that.
    """

    kind: str
    of: str
    measure: str = ""
    bars: int = 0


def parse_reference(text: str) -> ReferenceName:
    """Return what `text` names.

    Raises
    ------
    BadInputError
        If it is no such name.
    """
    if not isinstance(text, str):
        raise BadInputError("unknown reference", value=text, todo=_TODO)
    kind, _, of = text.partition(":")
    if kind in COIN_QUANTITIES:
        if not _COIN.fullmatch(of):
            raise BadInputError("no name of a coin", value=text, todo=f"write {kind}:BTC, or {kind}: and a coin's id")
        return ReferenceName(kind, of)
    if kind == BREADTH:
        measure, _, universe = of.partition(":")
        found = _MEASURE.fullmatch(measure)
        if not found:
            raise BadInputError("no measure of breadth", value=text, todo="write above_ema_50 or up_24, say")
        for member in universe.split(","):
            _check_symbol(text, member.replace("*-", "ANY-"))
        return ReferenceName(BREADTH, universe, found[1], int(found[2]))
    _check_symbol(text, text)
    return ReferenceName(SERIES, text)


def column_of(name: str) -> str:
    """Return a reference's name as it stands in the name of a column."""
    return _NOT_IN_A_NAME.sub("_", name.lower().replace("*", "all")).strip("_")


def _check_symbol(text: str, member: str) -> None:
    place, _, spelling = member.rpartition(":")
    try:
        Symbol.from_spelling(spelling)
    except BadInputError:
        raise BadInputError("unknown reference", value=text, todo=_TODO) from None
    if place.count(":") > 1 or (place and ":" not in place):
        raise BadInputError("unknown reference", value=text, todo=_TODO)
