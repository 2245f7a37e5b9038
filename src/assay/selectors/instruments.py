"""Instruments in time: what can be traded where, on which terms and at which fees, and what it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import check_venue
from assay.domain.interval import utc
from assay.domain.symbol import Symbol
from assay.pipelines.workspace import Workspace
from assay.selectors.kept import Reading, answer
from assay.venues.fees import FeeSchedule, fee_at

if TYPE_CHECKING:
    import duckdb

INSTRUMENTS, IDENTITIES = "silver.instruments", "silver.asset_identities"


@dataclass(frozen=True, slots=True)
class InstrumentState:
    """What a venue's lists said of an instrument, from when to when.

    Attributes
    ----------
    venue, market, venue_symbol : str
    symbol : str or None
        BASE-QUOTE; None where the names cannot be written so.
    asset_id : str or None
        Which asset the base meant then, where a ticker meant more than one.
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
class AssetSegment:
    """From when to when a ticker meant one asset; bars on the two sides of an edge are not one series."""

    ticker: str
    asset_id: str
    valid_from: datetime
    valid_to: datetime
    formerly: str | None
    source: str


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
    workspace: Workspace, symbol: str = "", *, venue: str = "", as_of: datetime | None = None
) -> Instruments:
    """Return the instruments of all venues or one, now or as they were known at a moment.

    Parameters
    ----------
    symbol : str, optional
        In any spelling, or an asset such as ``LUNA``: only those, with all their states.
    venue : str, optional
    as_of : datetime, optional

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
    moment = workspace.clock.now() if as_of is None else utc(as_of)
    own = workspace.settings.fees.own

    def compute(reading: Reading) -> tuple[tuple[dict[str, Any], ...], tuple[AssetSegment, ...]]:
        rows = reading.rows(
            f"select * from {reading.table(INSTRUMENTS, 'instruments')} "
            "where (? = '' or venue = ?) and (? = '' or base = ?) and (? = '' or quote = ?) "
            + ("" if base else "qualify row_number() over (partition by venue, market, venue_symbol "
               "order by valid_to is null desc, valid_from desc, endpoint) = 1 ")
            + "order by symbol nulls last, venue, market, venue_symbol, endpoint, revision",
            [venue, venue, base, base, quote, quote],
        )  # fmt: skip
        return tuple(rows), _segments(reading, base) if base else ()

    rows, segments = answer(workspace, ("instruments", base, quote, venue), compute, as_of=as_of)
    if not rows and not segments:
        what = "no such instrument is known" + (" as of then" if as_of else "")
        todo = "`assay instruments` shows all there are" if as_of is None else "ask of a later moment"
        raise NoDataError(what, value=" ".join(filter(None, (venue, symbol))) or None, todo=todo)
    states = tuple(_state(row, fee_at(row["venue"], row["market"], moment, own)) for row in rows)
    return Instruments(as_of, states, segments)


def asset_segments(workspace: Workspace, base: str, start: datetime, end: datetime) -> tuple[AssetSegment, ...]:
    """Return the assets that a ticker meant in ``[start, end)``, where that was more than one; else nothing.

    A lake without that table has nothing to say.
    """
    return met_between(answer(workspace, ("asset segments", base), lambda one: _segments(one, base)), start, end)


def met_between(segments: Sequence[AssetSegment], start: datetime, end: datetime) -> tuple[AssetSegment, ...]:
    """Return those of the segments that ``[start, end)`` meets, if it meets more than one; else nothing."""
    met = tuple(one for one in segments if one.valid_from < end and one.valid_to > start)
    return met if len(met) > 1 else ()


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
    return read_segments(reading.connection, reading.table(IDENTITIES), ticker)


def read_segments(lake: duckdb.DuckDBPyConnection, relation: str, ticker: str) -> tuple[AssetSegment, ...]:
    """Return what a ticker meant when, from a relation of identities."""
    rows = lake.execute(
        f"select ticker, asset_id, valid_from, valid_to, formerly, source from {relation} where ticker = ? order by 3",
        [ticker],
    ).fetchall()
    return tuple(AssetSegment(*row) for row in rows)


def _state(row: dict[str, Any], fee: FeeSchedule | None) -> InstrumentState:
    names = InstrumentState.__dataclass_fields__
    return InstrumentState(
        **{name: row[name] for name in names if name in row},
        maker_bps=fee.maker_bps if fee else None,
        taker_bps=fee.taker_bps if fee else None,
        fee_source=fee.source if fee else None,
    )
