"""The same rows give the same lake, in however many batches, in whatever order, and after a full refresh."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from assay.features.sets import RETURNS_AND_RISK, TECHNICAL
from assay.lake import reconciliation_tables, zones
from assay.pipelines import reconciling, steps
from assay.pipelines.building import build
from assay.pipelines.workspace import Workspace
from tests.integration.conftest import NOW, MakeWorkspace, at, bring_in, hashes
from tests.made_klines import Row, hourly, write_csv

SYMBOLS = ("BTC-USDT", "ETH-USDT")
HOLES = ((100, 133), (700, 701), (705, 900))
LATER = NOW - timedelta(days=1)
EARLIER = NOW - timedelta(days=30)


def _rows(symbol: str) -> tuple[list[Row], list[Row]]:
    """Return the bars of a symbol, and the restatements of some of them."""
    seed = SYMBOLS.index(symbol) + 1
    rows = hourly(1_500, seed=seed, holes=HOLES)
    rng = np.random.default_rng(seed)
    picked = rng.choice(len(rows), 40, replace=False)
    # Half of the corrections lower the volume: what is current is not simply what is bigger.
    return rows, [rows[i].restated(0.97 if i % 2 else 1.02) for i in sorted(picked)]


def _feed(workspace: Workspace, folder: Path, pieces: int, *, build_every: int) -> None:
    """Import the rows in that many files a symbol, shuffled, each with some late rows; build in between."""
    rng = np.random.default_rng(pieces)
    files: list[tuple[str, Path, bool]] = []
    for symbol in SYMBOLS:
        rows, corrections = _rows(symbol)
        late = set(rng.choice(len(rows), 60, replace=False).tolist()) if pieces > 1 else set()
        slices = np.array_split([i for i in range(len(rows)) if i not in late], pieces)
        homes = rng.integers(0, pieces, len(late))
        for number, piece in enumerate(slices):
            extra = [i for i, home in zip(sorted(late), homes, strict=True) if home == number]
            chosen = [rows[i] for i in [*piece.tolist(), *extra]]
            files.append((symbol, write_csv(folder / f"{symbol}-{number}.csv", chosen), False))
        for number, piece in enumerate(np.array_split(np.arange(len(corrections)), min(pieces, 5))):
            chosen = [corrections[i] for i in piece.tolist()]
            files.append((symbol, write_csv(folder / f"{symbol}-restated-{number}.csv", chosen), True))
    for done, position in enumerate(rng.permutation(len(files)).tolist(), start=1):
        symbol, file, is_correction = files[position]
        recorded_at = LATER if is_correction else EARLIER
        bring_in(at(workspace, NOW + timedelta(minutes=done)), file, symbol, recorded_at=recorded_at)
        if done % build_every == 0:
            build(workspace)
    build(workspace)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    return {}


# With one thread of DuckDB and with two: the order in which rows come must not matter.
@pytest.mark.parametrize(
    ("pieces", "build_every", "threads"),
    [(1, 4, 1), (7, 8, 2), pytest.param(50, 25, 1, marks=pytest.mark.soak)],
)
def test_shuffled_batches_with_late_and_restated_rows_give_one_hash(
    make_workspace: MakeWorkspace,
    tmp_path: Path,
    reference: dict[str, tuple[str, str]],
    pieces: int,
    build_every: int,
    threads: int,
) -> None:
    workspace = make_workspace("home", threads=threads)
    _feed(workspace, tmp_path / "files", pieces, build_every=build_every)
    incremental = hashes(workspace)
    if pieces == 7:
        build(workspace, full_refresh=True)
        assert hashes(workspace) == incremental
    assert reference.setdefault("hash", incremental) == incremental
    with workspace.lake() as lake:
        bars, restated, missing, closed = lake.execute(
            "select count(*), count(*) filter (where revision = 2), sum(missing_bars_before)::int, "
            "count(*) filter (where is_closed) from lake.silver.crypto_prices_cleaned"
        ).fetchall()[0]
    # 2 symbols of 1,500 hours less the holes of 33 + 1 + 195 hours; 40 restated bars each; nothing provisional.
    assert (bars, restated, missing, closed) == (2 * (1_500 - 229), 80, 2 * 229, 2 * (1_500 - 229))


def test_history_that_is_seen_in_spans_gives_what_one_pass_over_it_gives(
    make_workspace: MakeWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace("home")
    month = timedelta(days=31)  # from December to February; one series ends long before the others
    for venue, symbol, count in (
        ("binance", "BTC-USDT", 1_500),
        ("kraken", "BTC-USDT", 1_400),
        ("binance", "ETH-USDT", 700),
    ):
        rows = [replace(row, open_time=row.open_time - month) for row in hourly(count, holes=HOLES)]
        bring_in(workspace, write_csv(tmp_path / f"{venue}-{symbol}.csv", rows), symbol, venue=venue)
    build(workspace)
    by_years, states = hashes(workspace), _states(workspace)
    monkeypatch.setattr(steps, "_ROWS_AT_ONCE", 1_200)
    monkeypatch.setattr(reconciliation_tables, "ends_of_years", lambda *_: [None])
    with workspace.writing(), workspace.lake(read_only=False) as lake:
        everything = zones.plan_zones(lake, [], everything=True)
        steps.refresh(workspace, lake, everything, everything=True)
        assert reconciling.refresh(workspace, lake, everything, everything=True) == 1_499 - 229
    assert hashes(workspace) == by_years
    # Besides the last bar of each series: the ends of the months and two bars of the newest span.
    in_spans = _states(workspace)
    kept = states.keys() & in_spans.keys()
    each = {"binance BTC-USDT": 5, "kraken BTC-USDT": 4, "binance ETH-USDT": 1}
    sets = TECHNICAL.name, RETURNS_AND_RISK.name
    assert Counter(series for series, _ in kept) == {f"{one} {key}": n for one in sets for key, n in each.items()}
    assert {one: states[one] for one in kept} == {one: in_spans[one] for one in kept}


def _states(workspace: Workspace) -> dict[tuple[str, datetime], bytes]:
    with workspace.lake() as lake:
        rows = lake.execute(
            "select split_part(feature_set, '/', 1) || ' ' || venue || ' ' || symbol, open_time, state "
            "from lake.refresh.feature_states order by all"
        ).fetchall()
    return {(series, moment): state for series, moment, state in rows}


def test_a_refresh_writes_what_follows_the_last_state_before_the_change_in_both_tables(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    workspace = make_workspace("home")
    rows = hourly(1_500)  # from the first of January: 62 days and a half
    bring_in(workspace, write_csv(tmp_path / "rows.csv", rows), recorded_at=EARLIER)
    build(workspace)
    whole = hashes(workspace)

    def written(first: Row) -> int:
        key = "binance", "spot", "BTC-USDT", "1h"
        zone = zones.Zone(key, first.open_time, first.open_time + timedelta(hours=1), first.open_time)
        with workspace.writing(), workspace.lake(read_only=False) as lake:
            return steps.refresh(workspace, lake, [zone])

    months = [sum(row.open_time.month <= month for row in rows) for month in (1, 2)]
    # In the middle of the second month everything since the end of the first is written; at the end one bar is.
    assert written(rows[months[0] + 300]) == 2 * (1_500 - months[0])
    assert written(rows[-1]) == 2 * (1_500 - max(months[1], (1_499 // 128) * 128))
    assert hashes(workspace) == whole
    # A series of minutes is in the one table and not in the other.
    minutes = zones.Zone(("binance", "spot", "BTC-USDT", "1m"), rows[0].open_time, NOW, rows[0].open_time)
    assert [one.covers(minutes.key[3]) for one in steps.TABLES] == [True, False]


def test_the_corrected_bar_is_current_although_its_volume_is_lower(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    workspace = make_workspace("home")
    rows = hourly(60)
    corrected = [row.restated(0.5) for row in rows[10:13]]
    bring_in(workspace, write_csv(tmp_path / "new.csv", corrected), recorded_at=LATER)
    bring_in(workspace, write_csv(tmp_path / "old.csv", rows), recorded_at=EARLIER)
    build(workspace)
    with workspace.lake() as lake:
        found = lake.execute(
            "select close, volume, revision from lake.silver.crypto_prices_cleaned "
            "where revision > 1 order by open_time"
        ).fetchall()
    assert found == [(row.close, row.volume, 2) for row in corrected]


def test_of_copies_whose_time_of_recording_is_unknown_the_most_complete_is_current(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    workspace = make_workspace("home")
    rows = hourly(60)
    unfinished = [row.restated(0.9) for row in rows[10:12]]
    bring_in(workspace, write_csv(tmp_path / "whole.csv", rows))
    # Imported later, but with less volume and not the last row of its file: an unfinished bar that was saved.
    bring_in(at(workspace, NOW + timedelta(days=1)), write_csv(tmp_path / "part.csv", [*unfinished, rows[12]]))
    build(workspace)
    with workspace.lake() as lake:
        found = lake.execute(
            "select close, revision from lake.silver.crypto_prices_cleaned "
            "where open_time in (?, ?) order by open_time",
            [rows[10].open_time, rows[11].open_time],
        ).fetchall()
    assert found == [(rows[10].close, 2), (rows[11].close, 2)]


def test_a_refresh_without_anything_new_does_nothing(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    workspace = make_workspace("home")
    file = write_csv(tmp_path / "a.csv", hourly(60))
    assert bring_in(workspace, file).is_new
    assert build(workspace).new_batches == 1
    before = hashes(workspace)
    assert not bring_in(at(workspace, NOW + timedelta(days=3)), file).is_new
    result = build(workspace)
    assert (result.new_batches, result.zones, result.tests) == (0, 0, [])
    assert hashes(workspace) == before
