"""Sequences that a refresh by zones gets wrong first: against a full refresh, and against silver in plain Python."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assay.domain.interval import Interval
from assay.pipelines.building import build
from assay.pipelines.workspace import Workspace
from tests.integration.conftest import MakeWorkspace, bring_in, hashes
from tests.integration.oracle_silver import Bar, Observation, cleaned, daily

START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday, and the first of a month
RECORDED = datetime(2025, 1, 1, tzinfo=UTC)
SERIES = {
    "AAA-USDT": "1h",
    "BBB-USDT": "1h",
    "CCC-USDT": "15m",
    "DDD-USDT": "1d",
    "EEE-USDT": "1w",
    "FFF-USDT": "1M",
    "1GG-USDT": "3d",
}
BARS = 600


def _write(path: Path, observations: Sequence[Observation], *, has_quotes: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["time,open,high,low,close,volume" + (",quote_volume" if has_quotes else "")]
    for one in observations:
        fields = [one.close, one.high, one.low, one.close, one.volume, *([one.quote_volume] if has_quotes else [])]
        lines.append(",".join([one.open_time.isoformat(), *map(repr, fields)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class _Market:
    """Bars of one series as a venue would tell them, in versions, and everything that was ever told."""

    def __init__(self, code: str, rng: random.Random) -> None:
        self._rng = rng
        interval = Interval.parse(code)
        # The grid from elsewhere than the product's own loop: months by the calendar, the rest by multiplication.
        if code == "1M":
            self._opens = [datetime(2010 + i // 12, i % 12 + 1, 1, tzinfo=UTC) for i in range(180)]
        else:
            first = START - timedelta(days=1) if code == "3d" else START  # 2023-12-31 is day 19,722 = 3 x 6,574
            self._opens = [first + i * interval.duration for i in range(BARS)]
        self._price = [100.0]
        for _ in self._opens:
            move = rng.choice([0.0, rng.gauss(0, 0.01), rng.gauss(0, 0.01), rng.gauss(0, 0.1)])
            self._price.append(self._price[-1] * math.exp(move))
        self.told: list[Observation] = []

    @property
    def size(self) -> int:
        return len(self._opens) - 1

    def tell(self, numbers: Sequence[int], *, version: int, recorded_at: datetime | None) -> list[Observation]:
        """Return a file of these bars, and remember it."""
        file: list[Observation] = []
        has_quotes = self._rng.random() < 0.7
        for number in sorted(set(numbers)):
            closes = self._opens[number + 1]
            close, volume = self._price[number] * (1 + version / 1_000), number % 7 + (1 + version) / 4
            is_provisional = number == max(numbers) if recorded_at is None else closes > recorded_at
            quote = close * volume if has_quotes else None
            opened = self._opens[number]
            file.append(Observation(number, opened, closes, close, volume, quote, is_provisional, recorded_at))
        self.told += file
        return file


def _some(rng: random.Random, size: int) -> list[int]:
    """Return bars of one file: a stretch, a stretch full of holes, or a few from anywhere."""
    first = rng.randrange(size)
    stretch = range(first, min(size, first + rng.choice([1, 5, 60, 250])))
    kind = rng.random()
    if kind < 0.5:
        return list(stretch)
    if kind < 0.8:
        return [number for number in stretch if rng.random() < 0.6] or [first]
    return [rng.randrange(size) for _ in range(rng.randrange(1, 6))]


def _window_of_169_bars() -> list[Observation]:
    """Return bars 0 to 169, of which the last is an outlier only if the return of bar 1 is counted.

    Bars 0 to 24 are consecutive hours: 24 returns of one percent. Bars 25 to 168 stand alone, each after a missing
    hour or two: no returns. Bar 169 follows bar 168 with a return of 69 percent. The window of bar 169 is bars 1 to
    168, and the rule wants 24 returns in it; the first of them starts from the close of bar 0, 169 bars before.
    """
    hours = [*range(25), *(hour for pair in range(72) for hour in (26 + 5 * pair, 28 + 5 * pair))]
    hours.append(hours[-1] + 1)
    closes = [100.0 + i % 2 for i in range(169)]
    closes.append(closes[-1] * 2)
    return [
        Observation(
            hour, START + timedelta(hours=hour), START + timedelta(hours=hour + 1), close, 1.0, None, False, RECORDED
        )
        for hour, close in zip(hours, closes, strict=True)
    ]


def test_the_window_of_the_last_bar_needs_all_of_169_bars_before_it() -> None:
    bars = _window_of_169_bars()
    assert len(bars) == 170
    assert cleaned(bars)[-1].is_outlier
    assert not cleaned(bars[1:])[-1].is_outlier


def test_random_batches_with_restatements_provisional_ends_and_late_rows(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    rng = random.Random(20_240_805)
    workspace = make_workspace(threads=2)
    markets = {symbol: _Market(code, rng) for symbol, code in SERIES.items()}
    window = _window_of_169_bars()
    windows = {"LATE-USDT": (window[1:], window[:1]), "NEXT-USDT": (window[:-1], window[-1:])}
    for wave in range(3):
        for symbol, parts in windows.items() if wave < 2 else ():
            file = _write(tmp_path / symbol / f"{wave}.csv", parts[wave], has_quotes=False)
            bring_in(workspace, file, symbol, recorded_at=RECORDED)
        for symbol, code in SERIES.items():
            for number in range(rng.randrange(1, 5)):
                recorded_at = rng.choice([None, None, RECORDED, RECORDED + timedelta(days=rng.randrange(1, 90))])
                bars = markets[symbol].tell(
                    _some(rng, markets[symbol].size), version=rng.choice([0, 0, 1, 2]), recorded_at=recorded_at
                )
                path = tmp_path / symbol / f"{wave}-{number}.csv"
                file = _write(path, bars, has_quotes=bars[0].quote_volume is not None)
                bring_in(workspace, file, symbol, recorded_at=recorded_at, interval=code)
        build(workspace)
    incremental = hashes(workspace)
    for symbol in windows:
        _check_silver(workspace, symbol, cleaned(window))
    for symbol, code in SERIES.items():
        bars_now = cleaned(markets[symbol].told)
        assert len(bars_now) > 20
        _check_silver(workspace, symbol, bars_now)
        if code in ("1h", "15m", "1d"):
            _check_gold(workspace, symbol, bars_now, {"1h": 24, "15m": 96, "1d": 1}[code])
    build(workspace, full_refresh=True)
    assert hashes(workspace) == incremental


def _check_silver(workspace: Workspace, symbol: str, expected: Sequence[Bar]) -> None:
    with workspace.lake() as lake:
        rows = lake.execute(
            "select open_time, close_time, close, volume, quote_volume, revision, is_closed, is_gap_before, "
            "missing_bars_before, is_outlier, log_return, price_change_pct "
            "from lake.silver.crypto_prices_cleaned where symbol = ? order by open_time",
            [symbol],
        ).fetchall()
    assert [row[:10] for row in rows] == [
        (
            bar.current.open_time,
            bar.current.close_time,
            bar.current.close,
            bar.current.volume,
            bar.quote_volume,
            bar.revision,
            bar.is_closed,
            bar.missing > 0,
            bar.missing,
            bar.is_outlier,
        )
        for bar in expected
    ]
    for row, bar in zip(rows, expected, strict=True):
        assert _is_near(row[10], bar.log_return)
        assert _is_near(row[11], None if bar.log_return is None else 100 * math.expm1(bar.log_return))


def _check_gold(workspace: Workspace, symbol: str, bars: Sequence[Bar], bars_of_day: int) -> None:
    with workspace.lake() as lake:
        rows = lake.execute(
            "select date, bars, is_complete, open, high, low, close, volume, quote_volume, vwap, daily_return, "
            "volatility from lake.gold.daily_crypto_metrics where symbol = ? order by date",
            [symbol],
        ).fetchall()
    expected = daily(bars, bars_of_day)
    assert [row[:3] for row in rows] == [(day.date, day.bars, day.is_complete) for day in expected]
    for row, day in zip(rows, expected, strict=True):
        numbers = (day.open, day.high, day.low, day.close, day.volume, day.quote_volume, day.vwap, day.daily_return)
        assert all(map(_is_near, row[3:11], numbers)), (symbol, row, day)
        assert _is_near(row[11], day.volatility), (symbol, row, day)


def _is_near(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
