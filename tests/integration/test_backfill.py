"""Years of a series from the archive and the exchange together: the seam, what goes wrong with files, going on."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event

import polars as pl
import pytest

from assay.domain.errors import StorageError
from assay.domain.points import Point
from assay.lake import bronze
from assay.lake.quarantine import quarantined_batches
from assay.pipelines.backfilling import Backfill, BackfillResult, backfill, plan_backfill
from assay.pipelines.building import build
from assay.pipelines.retrying import HEALED, OPEN, retry, states
from assay.pipelines.workspace import Workspace
from assay.venues.sandbox.answers import Document, Question
from assay.venues.sandbox.dialects.binance import BinanceDialect
from assay.venues.sandbox.dialects.binance_archive import BinanceArchiveDialect
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.faults import NO_FAULTS, Fault, FaultPlan, Kind
from assay.venues.sandbox.market import Market
from tests.integration.backfill_killed import NOW, QUARTERS, SINCE, load, workspace_of
from tests.integration.command import PATIENCE_S, environment
from tests.integration.simulated import MARKET, Simulation, batch_paths, headers
from tests.unit.venues.sandbox.reading import at

SCRIPT = Path(__file__).with_name("backfill_killed.py")
TODAY = at(2025, 2, 11)  # bars of today may be available when they came, which differs from run to run
SEAM = at(2025, 1, 25)
EXPECTED = int((NOW - SINCE).total_seconds()) // 900
_OF_THE_ANSWER = ["batch_id", "row_number", "known_at", "recorded_at", "source_close_time"]


def loaded(
    simulated: Simulation, workspace: Workspace, wanted: Backfill = QUARTERS, *, now: datetime | None = None
) -> BackfillResult:
    plan = plan_backfill(workspace.settings, wanted, now or simulated.time.now())
    return backfill(workspace, plan, access=simulated.access(workspace))


def rows(workspace: Workspace) -> pl.DataFrame:
    """Return the bars that bronze holds, whichever answers they came in; equal ones once."""
    frames = [pl.read_parquet(path, hive_partitioning=False) for path in batch_paths(workspace, "klines")]
    bars = pl.concat(frames).filter(pl.col("open_time").is_between(SINCE, TODAY, closed="left"))
    return bars.drop(_OF_THE_ANSWER).unique().sort("open_time")


def calls(simulated: Simulation, endpoint: str) -> int:
    name = "binance_archive" if endpoint.startswith("archive") else "binance"
    return simulated.exchange._calls[name, endpoint]


def exchange_with(simulated: Simulation, archive: BinanceArchiveDialect, faults: FaultPlan = NO_FAULTS) -> None:
    dialects = (BinanceDialect(), archive)
    simulated.exchange = Exchange(
        MARKET, simulated.time, elapsed=simulated.time.elapsed, faults=faults, dialects=dialects
    )


@pytest.fixture(scope="module")
def from_exchange(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Return what the exchange alone gives."""
    simulated = Simulation(tmp_path_factory.mktemp("rest"), moment=NOW)
    workspace = simulated.workspace()
    result = loaded(simulated, workspace, replace(QUARTERS, use_archive=False))
    assert result.is_proven
    assert calls(simulated, "archive_spot_monthly") == 0
    return rows(workspace)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Simulation, Workspace, BackfillResult]:
    """Return a home in which the exchange came first for what the archive then brought too."""
    simulated = Simulation(tmp_path_factory.mktemp("both"), moment=NOW)
    workspace = simulated.workspace()
    loaded(simulated, workspace, Backfill(("BTC-USDT",), "15m", f"{SEAM:%Y-%m-%d}", use_archive=False))
    result = loaded(simulated, workspace)
    build(workspace)
    return simulated, workspace, result


def test_archive_and_exchange_together_are_what_the_exchange_says(
    both: tuple[Simulation, Workspace, BackfillResult], from_exchange: pl.DataFrame
) -> None:
    simulated, workspace, result = both
    assert rows(workspace).equals(from_exchange)
    assert from_exchange.height == (TODAY - SINCE).days * 96
    assert result.is_proven
    [proof] = result.proofs
    assert (proof.held, proof.expected) == (EXPECTED, EXPECTED)
    # December in milliseconds, January in microseconds; February runs, and is asked of the exchange.
    files = [one for one in headers(workspace, "klines") if one.endpoint == "archive_spot_monthly"]
    assert sorted(one.parameters["date"] for one in files) == ["2024-12", "2025-01"]
    assert {one.body_sha256 for one in files} == {one.parameters["sha256"] for one in files}
    assert calls(simulated, "archive_spot_monthly") == 2


def test_a_bar_in_both_is_one_revision(both: tuple[Simulation, Workspace, BackfillResult]) -> None:
    _, workspace, _ = both
    with workspace.lake() as lake:
        sql = (
            "select count(*), count(distinct open_time), max(revision) from lake.silver.crypto_prices_cleaned"
            " where is_closed and open_time >= $1"
        )
        assert lake.execute(sql, [SINCE]).fetchall() == [(EXPECTED, EXPECTED, 1)]
        sql = "select count(*) from lake.silver.kline_revisions where open_time >= $1 and open_time < $2"
        overlap = lake.execute(sql, [SEAM, at(2025, 2, 1)]).fetchall()
    assert overlap == [(2 * 7 * 96,)]


def test_a_second_run_asks_nothing(both: tuple[Simulation, Workspace, BackfillResult]) -> None:
    simulated, workspace, _ = both
    before = simulated.exchange._calls.total()
    again = loaded(simulated, workspace)
    assert again.is_proven
    assert again.ingested.new_batches == 0
    assert simulated.exchange._calls.total() == before


def test_a_file_that_says_otherwise_is_a_new_revision_and_not_a_rewrite(tmp_path: Path) -> None:
    class Mended(BinanceArchiveDialect):
        """Archive of a market that the exchange did not show."""

        def say(self, market: Market, question: Question) -> Document:
            return super().say(Market(13), question)

    simulated = Simulation(tmp_path, moment=NOW)
    exchange_with(simulated, Mended())
    workspace = simulated.workspace()
    loaded(simulated, workspace, Backfill(("BTC-USDT",), "15m", "2025-01-25", use_archive=False))
    known = simulated.time.now()
    first = rows(workspace).filter(pl.col("open_time") == SEAM)
    simulated.time.passes(at(2025, 1, 2) - at(2025, 1, 1))
    loaded(simulated, workspace, Backfill(("BTC-USDT",), "15m", "2025-01-01", until="2025-02-01"))
    build(workspace)
    with workspace.lake() as lake:
        sql = "select revision, close, known_at from lake.silver.crypto_prices_cleaned where open_time = $1"
        [(revision, close, known_at)] = lake.execute(sql, [SEAM]).fetchall()
        sql = "select close from lake.silver.kline_revisions where open_time = $1 order by known_at"
        closes = [row[0] for row in lake.execute(sql, [SEAM]).fetchall()]
    assert (revision, close) == (2, closes[1])
    assert closes[0] == first["close"][0] != closes[1]
    assert known_at > known


@pytest.mark.parametrize("kind", [Kind.MALFORMED, Kind.TRUNCATED, Kind.SERVER_ERROR])
def test_a_file_that_does_not_come_whole_is_not_used_and_the_exchange_fills_in(
    tmp_path: Path, from_exchange: pl.DataFrame, kind: Kind
) -> None:
    simulated = Simulation(tmp_path, moment=NOW)
    faults = FaultPlan(3, (Fault(kind, venue="binance_archive", endpoint="archive_spot_monthly"),))
    exchange_with(simulated, BinanceArchiveDialect(), faults)
    workspace = simulated.workspace(patience_s=5.0)
    result = loaded(simulated, workspace)
    assert result.is_proven
    assert rows(workspace).equals(from_exchange)
    set_aside = list(quarantined_batches(workspace.home.bronze))
    if kind is Kind.MALFORMED:
        causes = {one.rows()["cause"][0] for one in set_aside}
        assert len(set_aside) == 2
        assert all(cause.startswith("its hash is") for cause in causes)
        assert {one.header.content_format for one in set_aside} == {"zip"}
        # The exchange has filled in all of January, of December what was wanted; the files are as useless as ever.
        assert sorted(states(workspace, set_aside)) == [HEALED, OPEN]
        assert retry(workspace, set_aside[0]).cause.startswith("it still cannot be read: its hash is")
        [shown] = {one.rows()["raw"][0][:9] for one in set_aside}
        assert shown == "a zip of "
    else:
        assert set_aside == []
        assert {one.kind for venue in result.ingested.venues for one in venue.failures} == {"outage"}


def test_a_run_that_was_stopped_goes_on_where_it_was(
    tmp_path: Path, from_exchange: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = Simulation(tmp_path, moment=NOW)
    workspace = simulated.workspace()
    with monkeypatch.context() as patch:
        patch.setattr(bronze, "write_batch", _failing_after(3, bronze.write_batch))
        with pytest.raises(StorageError):
            loaded(simulated, workspace)
    kept = {one.batch_id for one in headers(workspace, "klines")}
    assert len(kept) == 3  # where the series begins, and two more
    result = loaded(simulated, workspace)
    assert result.is_proven
    assert rows(workspace).equals(from_exchange)
    assert calls(simulated, "archive_spot_monthly") <= 2 + 1
    assert kept < {one.batch_id for one in headers(workspace, "klines")}


def test_archive_killed_between_zip_and_silver_is_gone_on_with(tmp_path: Path, from_exchange: pl.DataFrame) -> None:
    whole, asked = load(workspace_of(tmp_path, "whole"), Event())
    assert whole.is_proven
    assert asked.count("archive_spot_monthly") == 2
    expected = sorted(one.batch_id for one in headers(workspace_of(tmp_path, "whole"), "klines"))
    # The zip half there under another name; kept, its batch not; its batch committed, nobody told and nothing built.
    for point in (Point.FILE_WRITTEN, Point.BODY_KEPT, Point.BATCH_COMMITTED):
        kill_at(tmp_path, point)
        home = workspace_of(tmp_path, "home")
        if point is Point.FILE_WRITTEN:
            halves = [one for one in home.home.bronze.rglob(".*.tmp") if one.stat().st_nlink == 1]
            assert halves
            for half in halves:  # as a kill in the middle of the write leaves it
                os.truncate(half, half.stat().st_size // 2)
        for header in headers(home, "klines"):
            assert hashlib.sha256(bronze.read_body(home.home.bronze_store, header)).hexdigest() == header.body_sha256
        assert {one.batch_id for one in headers(home, "klines")} < set(expected)
    home = workspace_of(tmp_path, "home")
    result, _ = load(home, Event())
    assert result.is_proven
    assert sorted(one.batch_id for one in headers(home, "klines")) == expected
    assert load(home, Event())[1] == []
    assert rows(home).equals(from_exchange)
    build(home)
    with home.lake() as lake:
        sql = "select open_time, close, volume, num_trades, revision from lake.silver.crypto_prices_cleaned order by 1"
        built = lake.execute(sql).pl().filter(pl.col("open_time").is_between(SINCE, TODAY, closed="left"))
    assert built["revision"].unique().to_list() == [1]
    assert [*map(float, from_exchange["close"])] == built["close"].to_list()
    assert built["open_time"].to_list() == from_exchange["open_time"].to_list()
    assert built["num_trades"].to_list() == from_exchange["num_trades"].to_list()


def kill_at(folder: Path, point: Point) -> None:
    words = [sys.executable, str(SCRIPT), str(folder), "home", point.value]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == -signal.SIGKILL, f"{point.value} was not reached\n{done.stdout}{done.stderr}"


def _failing_after(count: int, write: Callable[..., bool]) -> Callable[..., bool]:
    written: list[str] = []

    def failing(*args: object, **names: object) -> bool:
        if len(written) >= count:
            raise StorageError("the disk is full", value="test")
        written.append("")
        return write(*args, **names)

    return failing


def test_seconds_come_by_the_day(tmp_path: Path) -> None:
    simulated = Simulation(tmp_path, moment=at(2024, 5, 3, 1))
    workspace = simulated.workspace()
    result = loaded(simulated, workspace, Backfill(("BTC-USDT",), "1s", "2024-05-01T12:00", "2024-05-02T00:10"))
    assert result.is_proven
    assert calls(simulated, "archive_spot_daily") == 1
    assert calls(simulated, "archive_spot_monthly_checksum") == 0
    assert [(one.held, one.expected) for one in result.proofs] == [(43_800, 43_800)]


def test_futures_have_files_of_their_own(tmp_path: Path) -> None:
    simulated = Simulation(tmp_path, moment=at(2024, 5, 8))
    workspace = simulated.workspace()
    wanted = Backfill(("BTC-USDT",), "15m", "2024-04", "2024-05-02", market="usdm")
    result = loaded(simulated, workspace, wanted)
    assert result.is_proven
    [file] = [one for one in headers(workspace, "klines") if one.endpoint.startswith("archive")]
    assert (file.endpoint, file.venue, file.ranges[0].market) == ("archive_usdm_monthly", "binance", "usdm")
