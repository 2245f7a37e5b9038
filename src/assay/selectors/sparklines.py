"""The last seven days of every series and coin, small enough to draw beside its name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from assay.lake import definitions, reads
from assay.selectors.kept import Reading
from assay.selectors.series import Place

POINTS = 84
_LENGTH = timedelta(days=7)
_STEP_HOURS = 2
_HOURLY = "interval = '1h'"
_COINS = "silver.processed_crypto_market"

Sparklines = Mapping[Place, tuple[float, ...]]


def sparklines(reading: Reading) -> Sparklines:
    """Return the closes of every second hourly bar of the last seven days, by series; the newest bar is the last.

    The days are counted back from the lake's newest hourly bar, so that all lines are of the same time. A series that
    has no bar in them has no line; a missing bar is left out.
    """
    return reading.part("sparklines", _sparklines)


def _sparklines(reading: Reading) -> Sparklines:
    if not reading.has(reads.CLEANED):
        return {}
    newest = _newest(reading)
    if newest is None:
        return {}
    since = f"{_HOURLY} and open_time > timestamptz '{(newest - _LENGTH).isoformat()}'"
    if reading.is_now:
        bars = f"(select * from {reading.table(reads.CLEANED)} where {since})"
    else:  # which revision of a bar is current does not depend on its neighbours
        known = f"(select * from {reading.table('silver.kline_revisions')} where {since})"
        bars = f"({definitions.current_klines(known)})"
    rows = reading.connection.execute(
        f"select venue, market, symbol, list(close order by open_time) from {bars} "
        "where date_diff('hour', open_time, ?) % ? = 0 group by all",
        [newest, _STEP_HOURS],
    ).fetchall()
    return {(venue, market, symbol): tuple(closes) for venue, market, symbol, closes in rows}


def coin_lines(reading: Reading) -> Mapping[str, tuple[float, ...]]:
    """Return the prices of the last seven days of every coin that was asked for in them, by coin; the newest is last.

    They are what was answered, the last of each two hours: a coin has no more points than it was asked for, and none
    are made up between them.
    """
    return reading.part("coin lines", _coin_lines)


def _coin_lines(reading: Reading) -> Mapping[str, tuple[float, ...]]:
    if not reading.has(_COINS):
        return {}
    rows = reading.connection.execute(
        f"with answers as (select * from {reading.table(_COINS, 'coin_lines')} where defect is null), "
        "recent as (select coin_id, time_bucket(to_hours(?::int), slot_at) as bucket, arg_max(price, slot_at) as price "
        "from answers where slot_at > (select max(slot_at) from answers) - ? group by all) "
        "select coin_id, list(price order by bucket) from recent group by all having count(*) > 1",
        [_STEP_HOURS, _LENGTH],
    ).fetchall()
    return {coin: tuple(prices) for coin, prices in rows}


def _newest(reading: Reading) -> datetime | None:
    name = reads.CLEANED if reading.is_now else "silver.kline_revisions"
    found: datetime | None = reading.connection.execute(
        f"select max(open_time) from {reading.table(name)} where {_HOURLY}"
    ).fetchall()[0][0]
    return found
