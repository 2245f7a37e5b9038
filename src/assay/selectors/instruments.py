"""Instruments in time: what can be traded where, on which terms and at which fees, and what it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import check_venue
from assay.domain.interval import utc
from assay.domain.symbol import Symbol
from assay.lake.identities import AssetSegment, met_between, read_segments
from assay.pipelines.workspace import Workspace
from assay.selectors.kept import Reading, answer
from assay.venues.coingecko.spec import IDS
from assay.venues.fees import FeeSchedule, fee_at

INSTRUMENTS, IDENTITIES = "silver.instruments", "silver.asset_identities"
_CERTAIN = dict(IDS)


@dataclass(frozen=True, slots=True)
class InstrumentState:
    """What a venue's lists said of an instrument, from when to when.

    Attributes
    ----------
    venue, market, venue_symbol : str
    symbol : str or None
        BASE-QUOTE; None where the names cannot be written so.
    asset_id : str or None
        Which asset the base meant then, by CoinGecko's id; None where nothing states it.
    asset_id_by : str or None
        What states it: ``asset_identities``, or ``coingecko``, whose id of the ticker is certain.
    valid_from : datetime
    valid_to : datetime or None
        None while it stands.
    change : str
        in_first_list, listed, listed_again or changed.
    status : str or None
        In the venue's words.
    is_trading : bool
    tick_size, lot_size, min_notional : float or None
        Quote units per base unit, base units, quote units.
    listed_at, delisted_at : datetime or None
    listed_by : str
        How the first is known: first_seen, first_bar, bars_since or before_first_list.
    delisted_by : str or None
        How the second is known: status or left_list.
    maker_bps, taker_bps : float or None
        Fees in basis points of the notional; None if nothing is known.
    fee_source : str or None
    """

    venue: str
    market: str
    venue_symbol: str
    symbol: str | None
    asset_id: str | None
    asset_id_by: str | None
    valid_from: datetime
    valid_to: datetime | None
    change: str
    status: str | None
    is_trading: bool
    tick_size: float | None
    lot_size: float | None
    min_notional: float | None
    listed_at: datetime | None
    delisted_at: datetime | None
    listed_by: str
    delisted_by: str | None
    maker_bps: float | None
    taker_bps: float | None
    fee_source: str | None


@dataclass(frozen=True, slots=True)
class Instruments:
    """Instruments, and what is to be known of the tickers among them.

    Attributes
    ----------
    as_of : datetime or None
        As they were known then.
    states : tuple of InstrumentState
        The latest state of each; of one symbol all its states, oldest first.
    segments : tuple of AssetSegment
        Of one symbol: which assets its base meant when; empty for a ticker that always meant one.
    """

    as_of: datetime | None
    states: tuple[InstrumentState, ...]
    segments: tuple[AssetSegment, ...]


def instruments(
    workspace: Workspace,
    symbol: str = "",
    *,
    venue: str = "",
    as_of: datetime | None = None,
    available_at: datetime | None = None,
    on: datetime | None = None,
) -> Instruments:
    """Return the instruments of all venues or one, now or as they were known at a moment.

    Parameters
    ----------
    symbol : str, optional
        In any spelling, or an asset such as ``LUNA``: only those, with all their states.
    venue : str, optional
    as_of, available_at : datetime, optional
    on : datetime, optional
        Only what stood at that moment, and what tickers meant then. Fees are those of the earliest given moment.

    Raises
    ------
    BadInputError
        If `symbol` is no symbol, `venue` no venue name, or `as_of` has no time zone.
    NoDataError
        If there is no such instrument; NotBuiltError, if no list was built yet.
    """
    if venue:
        check_venue(venue)
    base, quote = _pair(symbol)
    given = [utc(one) for one in (as_of, available_at, on) if one is not None]
    moment = min(given, default=workspace.clock.now())
    own = workspace.settings.fees.own

    def compute(reading: Reading) -> tuple[tuple[dict[str, Any], ...], tuple[AssetSegment, ...]]:
        rows = reading.rows(
            f"select * from {reading.table(INSTRUMENTS, 'instruments')} "
            "where (? = '' or venue = ?) and (? = '' or base = ?) and (? = '' or quote = ?) "
            + ("" if base or on else "qualify row_number() over (partition by venue, market, venue_symbol "
               "order by valid_to is null desc, valid_from desc, endpoint) = 1 ")
            + "order by symbol nulls last, venue, market, venue_symbol, endpoint, revision",
            [venue, venue, base, base, quote, quote],
        )  # fmt: skip
        return tuple(rows), _segments(reading, base) if base else ()

    question = "instruments", base, quote, venue, on is None
    rows, segments = answer(workspace, question, compute, as_of=as_of, available_at=available_at)
    if on is not None:
        segments = tuple(one for one in segments if one.valid_from <= utc(on) < one.valid_to)
        rows = _standing(rows, utc(on), "" if segments else symbol or "instruments")
    if not rows and not segments:
        what = "no such instrument is known" + (" as of then" if given else "")
        todo = "ask of a later moment" if given else "`assay instruments` shows all there are"
        raise NoDataError(what, value=" ".join(filter(None, (venue, symbol))) or None, todo=todo)
    states = tuple(_state(row, fee_at(row["venue"], row["market"], moment, own)) for row in rows)
    return Instruments(as_of, states, segments)


def _standing(rows: Sequence[dict[str, Any]], on: datetime, wanted: str) -> tuple[dict[str, Any], ...]:
    """Return the states that stood at a moment; of one before all lists it is said so, if anything is `wanted`."""
    found = tuple(row for row in rows if row["valid_from"] <= on and (row["valid_to"] is None or on < row["valid_to"]))
    first = min((row["valid_from"] for row in rows), default=None)
    if wanted and first is not None and on < first:
        todo = f"the first list that names it is of {first:%Y-%m-%d %H:%M} UTC; ask of a moment from then on"
        raise NoDataError("no list of instruments is that old", value=wanted, todo=todo)
    return found


def asset_segments(workspace: Workspace, base: str, start: datetime, end: datetime) -> tuple[AssetSegment, ...]:
    """Return the assets that a ticker meant in ``[start, end)``, where that was more than one; else nothing.

    A lake without that table has nothing to say.
    """
    return met_between(answer(workspace, ("asset segments", base), lambda one: _segments(one, base)), start, end)


def _pair(text: str) -> tuple[str, str]:
    if not text:
        return "", ""
    try:
        symbol = Symbol.from_spelling(text)
    except BadInputError:
        base = text.strip().upper()
        Symbol(base, "USD")  # says what is wrong with it
        return base, ""
    return symbol.base, symbol.quote


def _segments(reading: Reading, ticker: str) -> tuple[AssetSegment, ...]:
    if not reading.has(IDENTITIES):
        return ()
    return read_segments(reading.connection, ticker, relation=reading.table(IDENTITIES))


def _state(row: dict[str, Any], fee: FeeSchedule | None) -> InstrumentState:
    names = InstrumentState.__dataclass_fields__
    asset_id, asset_id_by = row["asset_id"], "asset_identities"
    if asset_id is None:  # a ticker whose id is certain; for others nothing is guessed
        asset_id, asset_id_by = _CERTAIN.get(row["base"]), "coingecko"
    told = {name: row[name] for name in names if name in row} | {"asset_id": asset_id}
    return InstrumentState(
        **told,
        asset_id_by=None if asset_id is None else asset_id_by,
        maker_bps=fee.maker_bps if fee else None,
        taker_bps=fee.taker_bps if fee else None,
        fee_source=fee.source if fee else None,
    )
