"""The market at a glance: the largest coins, what they did in a day, and what was foretold of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.domain.errors import NoDataError
from assay.pipelines.workspace import Workspace
from assay.selectors import series as series_
from assay.selectors.kept import Reading, answer
from assay.selectors.predictions import PredictionBrief, briefs
from assay.selectors.sparklines import coin_lines, sparklines

TABLE = "gold.crypto_market"
MOST_COINS = 250
_EXTREMES = 10

_NOWHERE = ("", "", "")


@dataclass(frozen=True, slots=True)
class CoinRow:
    """One coin as it was seen last, in US dollars.

    Attributes
    ----------
    rank : int or None
        By market value, from 1.
    coin_id, asset, name : str
        The provider's id, which is the key; its ticker, which may collide; its name, which may be any text.
    price : float or None
    change_24h_pct : float or None
        In percent.
    market_cap, volume_24h, circulating_supply, high_24h, low_24h, all_time_high : float or None
        Supply in units of the coin.
    all_time_high_change_pct : float or None
        Price against that, in percent.
    slot_at : datetime
        When it was asked for.
    defect : str or None
        Why the numbers are not to be trusted.
    sparkline : tuple of float
        Of the last 7 days, at most 84: closes of `series` in its quote; without one, what the coin's price was each
        time it was asked for; empty if that was not twice.
    series : str or None
        ``venue:market:SYMBOL`` of the bars that stand for it.
    prediction : PredictionBrief or None
        Of that series.
    """

    rank: int | None
    coin_id: str
    asset: str
    name: str
    price: float | None
    change_24h_pct: float | None
    market_cap: float | None
    volume_24h: float | None
    circulating_supply: float | None
    high_24h: float | None
    low_24h: float | None
    all_time_high: float | None
    all_time_high_change_pct: float | None
    slot_at: datetime
    defect: str | None
    sparkline: tuple[float, ...]
    series: str | None
    prediction: PredictionBrief | None


@dataclass(frozen=True, slots=True)
class MarketOverview:
    """The coins by rank, and the ten that rose and fell most in 24 hours, of those that are to be trusted.

    `slot_at` is when the newest of them was asked for, `known_at` when that answer came.
    """

    slot_at: datetime
    known_at: datetime
    coins: tuple[CoinRow, ...]
    best: tuple[CoinRow, ...]
    worst: tuple[CoinRow, ...]
    quote: str = "USD"


def market_overview(
    workspace: Workspace, *, as_of: datetime | None = None, available_at: datetime | None = None
) -> MarketOverview:
    """Return the largest coins, at most 250, by rank.

    Raises
    ------
    BadInputError
        If `as_of` has no time zone.
    NoDataError
        If no coin was known then; NotBuiltError, if there is no table of them yet.
    """
    places = workspace.settings.preferred_places
    return answer(
        workspace,
        "market overview",
        lambda reading: overview(reading, places),
        as_of=as_of,
        available_at=available_at,
    )


def overview(reading: Reading, places: Sequence[str]) -> MarketOverview:
    """Return the overview; see :func:`market_overview`."""
    return reading.part("overview", lambda one: _overview(one, places))


def _overview(reading: Reading, places: Sequence[str]) -> MarketOverview:
    rows = reading.rows(
        f"select * from {reading.table(TABLE, 'coins')} order by market_cap_rank nulls last, coin_id limit {MOST_COINS}"
    )
    if not rows:
        then = "run `assay ingest` and `assay build`" if reading.is_now else "ask of a later moment"
        raise NoDataError("no coins are known" + ("" if reading.is_now else " as of then"), todo=then)
    coins = _coins(reading, rows, places)
    moved = [one for one in coins if one.defect is None and one.change_24h_pct is not None]
    moved.sort(key=lambda one: -(one.change_24h_pct or 0.0))
    newest = max(rows, key=lambda row: (row["slot_at"], row["known_at"]))
    best, worst = tuple(moved[:_EXTREMES]), tuple(moved[: -_EXTREMES - 1 : -1])
    return MarketOverview(newest["slot_at"], newest["known_at"], coins, best, worst)


def _coins(reading: Reading, rows: Sequence[Mapping[str, Any]], places: Sequence[str]) -> tuple[CoinRow, ...]:
    bars = series_.assets(reading, places)
    lines, answered, foretold = sparklines(reading), coin_lines(reading), briefs(reading)
    named: set[str] = set()
    coins = []
    for row in rows:
        place = None if row["asset"] in named else bars.get(row["asset"])  # tickers collide: the largest coin has it
        named.add(row["asset"])
        coins.append(
            CoinRow(
                rank=row["market_cap_rank"],
                coin_id=row["coin_id"],
                asset=row["asset"],
                name=row["name"],
                price=row["price"],
                change_24h_pct=row["price_change_24h_pct"],
                market_cap=row["market_cap"],
                volume_24h=row["total_volume"],
                circulating_supply=row["circulating_supply"],
                high_24h=row["high_24h"],
                low_24h=row["low_24h"],
                all_time_high=row["all_time_high"],
                all_time_high_change_pct=row["all_time_high_change_pct"],
                slot_at=row["slot_at"],
                defect=row["defect"],
                sparkline=lines.get(place or _NOWHERE) or answered.get(row["coin_id"], ()),
                series=series_.name_of(place) if place else None,
                prediction=foretold.get(place) if place else None,
            )
        )
    return tuple(coins)
