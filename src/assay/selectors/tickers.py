"""A venue's board: every pair with its price, its day and its spread, as it was seen last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.domain.errors import BadInputError, NoDataError
from assay.pipelines.workspace import Workspace
from assay.selectors import series as series_
from assay.selectors.kept import Reading, answer
from assay.selectors.predictions import PredictionBrief, briefs
from assay.selectors.sparklines import sparklines

BOARDS = {"binance": "silver.processed_binance_tickers", "wazirx": "silver.processed_wazirx_tickers"}
"""The venues that have a board, and the tables of their tickers."""


@dataclass(frozen=True, slots=True)
class TickerRow:
    """One pair as it was seen last; None where the venue gives no such figure.

    Attributes
    ----------
    symbol : str or None
        BASE-QUOTE; None where the venue's spelling does not tell it. `base` and `quote` likewise.
    venue_symbol : str
    last_price, high_24h, low_24h, bid_price, ask_price : float or None
        Quote units per base unit.
    change_24h_pct : float or None
        As published, else the last price against that of 24 hours before; in percent.
    volume, quote_volume : float or None
        Of 24 hours: base units, and quote units.
    spread_bps : float or None
        Ask less bid against their mean, in basis points.
    last_price_usd, inr_usd_rate : float or None
        Of pairs in rupees: the price in dollars, and the rupees per dollar it was converted by.
    inr_usd_source : str or None
        Where that rate is from.
    slot_at : datetime
        When it was asked for.
    event_time : datetime or None
        The venue's own time.
    defect : str or None
        Why the row is not to be trusted.
    sparkline : tuple of float
        Closes of the pair's own bars of the last 7 days, at most 84.
    series : str or None
        ``venue:market:SYMBOL``, if there are bars of the pair.
    prediction : PredictionBrief or None
    """

    symbol: str | None
    venue_symbol: str
    base: str | None
    quote: str | None
    last_price: float | None
    change_24h_pct: float | None
    high_24h: float | None
    low_24h: float | None
    volume: float | None
    quote_volume: float | None
    bid_price: float | None
    ask_price: float | None
    spread_bps: float | None
    last_price_usd: float | None
    inr_usd_rate: float | None
    inr_usd_source: str | None
    slot_at: datetime
    event_time: datetime | None
    defect: str | None
    sparkline: tuple[float, ...]
    series: str | None
    prediction: PredictionBrief | None


@dataclass(frozen=True, slots=True)
class TickerBoard:
    """All pairs of a venue that were seen in the 24 hours before `slot_at`, its newest slot; sorted by symbol."""

    venue: str
    slot_at: datetime
    known_at: datetime
    rows: tuple[TickerRow, ...]


def ticker_board(
    workspace: Workspace, venue: str, *, as_of: datetime | None = None, available_at: datetime | None = None
) -> TickerBoard:
    """Return the board of a venue, now, as it was known or as it was to be had at a moment.

    Raises
    ------
    BadInputError
        If no such venue has a board, or `as_of` has no time zone.
    NoDataError
        If nothing was known then; NotBuiltError, if there is no table of tickers yet.
    """
    if venue not in BOARDS:
        raise BadInputError("this venue has no board", value=venue, todo=f"use one of {', '.join(BOARDS)}")
    question = "ticker board", venue
    return answer(workspace, question, lambda reading: _board(reading, venue), as_of=as_of, available_at=available_at)


def _board(reading: Reading, venue: str) -> TickerBoard:
    rows = reading.rows(
        f"""
        select * from {reading.table(BOARDS[venue], "tickers")}
        qualify
            slot_at > max(slot_at) over () - interval 24 hours
            and row_number() over (partition by market, venue_symbol order by slot_at desc) = 1
        order by symbol nulls last, venue_symbol, market
        """
    )
    if not rows:
        then = "run `assay ingest` and `assay build`" if reading.is_now else "ask of a later moment"
        what = f"no tickers of {venue} are known" + ("" if reading.is_now else " as of then")
        raise NoDataError(what, todo=then)
    stored = {series_.place_of(one) for one in series_.all_series(reading)}
    lines, foretold = sparklines(reading), briefs(reading)
    newest = max(rows, key=lambda row: (row["slot_at"], row["known_at"]))
    told = []
    for row in rows:
        place = venue, row["market"], row["symbol"]
        has_bars = place in stored
        told.append(_row(row, lines.get(place, ()), series_.name_of(place) if has_bars else None, foretold.get(place)))
    return TickerBoard(venue, newest["slot_at"], newest["known_at"], tuple(told))


def _row(
    row: Mapping[str, Any], sparkline: tuple[float, ...], series: str | None, prediction: PredictionBrief | None
) -> TickerRow:
    base, _, quote = (row["symbol"] or "").partition("-")
    return TickerRow(
        symbol=row["symbol"],
        venue_symbol=row["venue_symbol"],
        base=base or None,
        quote=quote or None,
        last_price=row["last_price"],
        change_24h_pct=_change_pct(row),
        high_24h=row["high_price"],
        low_24h=row["low_price"],
        volume=row["volume"],
        quote_volume=row.get("quote_volume"),
        bid_price=row["bid_price"],
        ask_price=row["ask_price"],
        spread_bps=_spread_bps(row["bid_price"], row["ask_price"]),
        last_price_usd=row.get("last_price_usd"),
        inr_usd_rate=row.get("inr_usd_rate"),
        inr_usd_source=row.get("inr_usd_source"),
        slot_at=row["slot_at"],
        event_time=row["event_time"],
        defect=row["defect"],
        sparkline=sparkline,
        series=series,
        prediction=prediction,
    )


def _change_pct(row: Mapping[str, Any]) -> float | None:
    published: float | None = row.get("price_change_pct")
    if published is not None or row["last_price"] is None or not row["open_price"]:
        return published
    return float(100 * (row["last_price"] / row["open_price"] - 1))


def _spread_bps(bid: float | None, ask: float | None) -> float | None:
    if bid is None or ask is None or bid + ask <= 0:
        return None
    return 1e4 * (ask - bid) / ((bid + ask) / 2)
