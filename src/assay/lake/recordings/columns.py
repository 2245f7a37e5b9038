"""Which column of a file is which column of a kline, by its name.

Names are compared without regard to case, spaces and punctuation. Each list is in order of preference: a file with
both ``timestamp`` and ``date`` is read by the first.

>>> recognise(["Date", "Symbol", "Open", "High", "Low", "Close", "Volume BTC", "Volume USD"]).sources["quote_volume"]
'Volume USD'
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.domain.errors import BadInputError
from assay.domain.symbol import QUOTES

REQUIRED = ("open_time", "open", "high", "low", "close", "volume")
PRICES = ("open", "high", "low", "close")
AMOUNTS = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")

BINANCE_COLUMNS = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "num_trades",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
"""The twelve columns of Binance's klines, which its archive files carry without a header.

Reference: Binance spot API, "Kline/Candlestick data".
"""

_NAMES: Mapping[str, tuple[str, ...]] = {
    "open_time": (
        "opentime", "opentimestamp", "opendatetime", "timestamp", "datetime", "dateutc", "timeutc", "date", "time",
        "ts", "t", "starttime", "startat", "start", "candlebegintime", "unix", "indexlevel0", "unnamed0", "",
    ),
    "close_time": ("closetime", "closetimestamp", "closedatetime", "endtime"),
    "open": ("open", "openprice", "priceopen", "o"),
    "high": ("high", "highprice", "pricehigh", "h"),
    "low": ("low", "lowprice", "pricelow", "l"),
    "close": ("close", "closeprice", "priceclose", "c"),
    "volume": ("volume", "basevolume", "volumebase", "baseassetvolume", "vol", "v"),
    "quote_volume": (
        "quotevolume", "quoteassetvolume", "volumequote", "quoteav", "assetvolume", "quotevol", "qav", "turnover",
    ),
    "num_trades": (
        "numtrades", "numberoftrades", "tradecount", "tradescount", "nooftrades", "tradesnum", "trades", "count",
    ),
    "taker_buy_volume": (
        "takerbuyvolume", "takerbuybasevolume", "takerbuybaseassetvolume", "takerbuyassetvolume", "takerbuybase",
        "takerbuybasevol", "takerbasevolume", "takerbasevol", "tbbaseav", "tbbav",
    ),
    "taker_buy_quote_volume": (
        "takerbuyquotevolume", "takerbuyquoteassetvolume", "takerbuyquote", "takerbuyquotevol", "takerquotevolume",
        "takerquotevol", "tbquoteav", "tbqav",
    ),
    "symbol": ("symbol", "ticker", "pair"),
}  # fmt: skip
CANONICAL = tuple(_NAMES)
_VOLUME_OF = re.compile(r"[Vv]olume[ _]([A-Z0-9]{2,20})")
_MONEY = QUOTES[: QUOTES.index("BTC")]


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Column of a kline → column of the file; `ignored` are the file's other columns."""

    sources: Mapping[str, str]
    ignored: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Required columns that the file lacks."""
        return tuple(name for name in REQUIRED if name not in self.sources)

    def notes(self) -> list[str]:
        """Say the mapping in sentences."""
        renamed = [f"{source} is {name}" for name, source in self.sources.items() if source != name]
        notes = [f"columns: {', '.join(renamed)}"] if renamed else []
        return [*notes, f"columns not used: {', '.join(self.ignored)}"] if self.ignored else notes


def plain(name: str) -> str:
    """Return `name` in small letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def recognise(names: Sequence[str], chosen: Mapping[str, str] | None = None) -> ColumnMap:
    """Return which of the columns `names` mean what; the result may lack required ones.

    Parameters
    ----------
    names : sequence of str
        The file's columns.
    chosen : mapping of str to str, optional
        Column of a kline → column of the file, said by a person; a name that the file lacks is passed over here and
        refused by :func:`check_chosen`.
    """
    sources: dict[str, str] = {}
    for canonical, wanted in (chosen or {}).items():
        found = _find(wanted, names)
        if found is not None:
            sources[canonical] = found
    free: dict[str, str] = {}
    for name in names:
        if name not in sources.values():
            free.setdefault(plain(name), name)
    for canonical, spellings in _NAMES.items():
        found = next((free[one] for one in spellings if one in free), None)
        if canonical not in sources and found is not None:
            sources[canonical] = found
    sources.update(_volumes_by_asset(free, sources))
    used = set(sources.values())
    order = {name: position for position, name in enumerate(CANONICAL)}
    ordered = dict(sorted(sources.items(), key=lambda item: order.get(item[0], len(order))))
    return ColumnMap(ordered, tuple(name for name in names if name not in used and name))


def _find(wanted: str, names: Sequence[str]) -> str | None:
    if wanted in names:
        return wanted
    return next((name for name in names if plain(name) == plain(wanted) and plain(wanted)), None)


def _volumes_by_asset(free: Mapping[str, str], sources: Mapping[str, str]) -> dict[str, str]:
    """Read ``Volume BTC`` and ``Volume USD``: of two assets the one that quotes the other comes first in QUOTES."""
    matches = ((_VOLUME_OF.fullmatch(name), name) for name in free.values() if name not in sources.values())
    assets = {match[1]: name for match, name in matches if match}
    if "volume" in sources or not 1 <= len(assets) <= 2:
        return {}
    if len(assets) == 1:
        ((asset, name),) = assets.items()
        return {"quote_volume" if asset in _MONEY else "volume": name}
    rank = {asset: position for position, asset in enumerate(QUOTES)}
    quote, base = sorted(assets, key=lambda asset: rank.get(asset, len(rank)))
    return {"volume": assets[base], "quote_volume": assets[quote]}


def check_chosen(chosen: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuse a column map that cannot be meant for a file with the columns `names`.

    Raises
    ------
    BadInputError
        If it names a column that no kline has or that the file lacks, with the nearest name that exists, or uses one
        column of the file twice.
    """
    shown = ", ".join(name for name in names if name)
    for canonical, wanted in chosen.items():
        if canonical not in CANONICAL:
            near = difflib.get_close_matches(canonical, CANONICAL, n=1, cutoff=0.4)
            todo = f"did you mean {near[0]}? " if near else ""
            raise BadInputError("not a column of a kline", value=canonical, todo=f"{todo}use {', '.join(CANONICAL)}")
        if _find(wanted, names) is None:
            near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.4)
            todo = f"did you mean {near[0]}? " if near else ""
            raise BadInputError("the file has no such column", value=wanted, todo=f"{todo}it has {shown}")
    doubled = [one for one in chosen.values() if list(chosen.values()).count(one) > 1]
    if doubled:
        raise BadInputError("one column of the file is used twice", value=doubled[0], todo="choose one use for it")


def check_complete(columns: ColumnMap, names: Sequence[str]) -> None:
    """Refuse a file in which required columns were not found.

    Raises
    ------
    BadInputError
        It names the columns that lack and those that are there.
    """
    if columns.missing:
        todo = f"it has {', '.join(name for name in names if name) or 'none'}; say which is which with --columns, like "
        todo += ",".join(f"{name}=NAME" for name in columns.missing[:2])
        raise BadInputError("no column recognised", value=", ".join(columns.missing), todo=todo)
