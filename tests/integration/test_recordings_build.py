"""All real recordings through the main job, the way a user runs it: what is in silver is what the files say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from assay.lake.home import open_home
from assay.lake.reads import Span
from assay.pipelines.training_table import TableRequest, make_training_table
from assay.pipelines.workspace import Workspace
from tests.integration.conftest import NOW, open_frozen
from tests.integration.homes import share_caches

KLINES = Path(__file__).parents[3] / "shared" / "data" / "klines"
PLAN = Path(__file__).parents[2] / "examples" / "recordings.yaml"
pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not KLINES.is_dir(), reason="the real recordings are not beside this repository"),
]
BARS = "lake.silver.crypto_prices_cleaned"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run of the command, and its home."""

    workspace: Workspace
    document: dict[str, Any]
    peak_kib: int


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    home = tmp_path_factory.mktemp("recordings") / "home"
    open_home(home)
    share_caches(home)  # to compile for itself would take it longer than its bars do
    words = [sys.executable, "-m", "assay.cli", "--home", str(home), "run", "--recorded", "--plan", str(PLAN), "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.stderr is not None
    assert (process.returncode, process.stderr.read()) == (0, "")
    process.stdout.close()
    process.stderr.close()
    return Run(open_frozen(home, NOW), json.loads(output), usage.ru_maxrss)


def test_every_file_is_imported_and_every_test_of_quality_passed(run: Run) -> None:
    imported = run.document["imported"]
    assert {one["error"] for one in imported} == {None}
    assert len(imported) == len([path for path in KLINES.rglob("*") if path.is_file()])
    assert {test["status"] for test in run.document["build"]["tests"]} == {"pass"}
    assert len(run.document["build"]["tests"]) >= 15


def test_memory_stays_below_four_gigabytes(run: Run) -> None:
    assert run.peak_kib < 4 * 2**20


def test_the_union_of_overlapping_recordings_has_every_hour_once(run: Run) -> None:
    folders = [KLINES / "binance_spot_1h_2017_2022", KLINES / "binance_spot_1h_2021_2023"]
    with run.workspace.lake() as lake:
        for symbol in ("BTC", "ETH", "SOL", "MATIC"):
            files = [path for folder in folders if (path := folder / f"{symbol}USDT.parquet").exists()]
            expected = {moment for path in files for moment in _hours(path)}
            if symbol == "BTC":  # two more recordings of it, one with hours off the grid, which silver leaves out
                expected |= {
                    moment
                    for name in ("2017_2020", "2024")
                    for moment in _csv_hours(KLINES / f"binance_spot_BTCUSDT_1h_12col_{name}.csv.gz")
                }
            found = lake.execute(
                f"select epoch_us(open_time) from {BARS} "
                "where (venue, market, symbol, interval) = ('binance', 'spot', ?, '1h') order by 1",
                [f"{symbol}-USDT"],
            ).fetchall()
            assert [row[0] for row in found] == sorted(expected)


def test_every_bar_of_silver_is_a_bar_of_one_of_its_files(run: Run) -> None:
    # Prices of the two big folders, read here without Assay.
    files = sorted(
        [*(KLINES / "binance_spot_1h_2017_2022").iterdir(), *(KLINES / "binance_spot_1h_2021_2023").iterdir()]
    )
    source = pl.concat([_ohlcv(path) for path in files if path.stem != "BTCUSDT"]).unique()
    with run.workspace.lake() as lake:
        silver = lake.execute(
            f"select replace(symbol, '-', '') as symbol, epoch_us(open_time) as open_time, open, high, low, close "
            f"from {BARS} where venue = 'binance' and market = 'spot' and interval = '1h' and symbol <> 'BTC-USDT'"
        ).pl()
    strangers = silver.join(source, on=silver.columns, how="anti")
    assert (silver.height, strangers.height) == (source.select("symbol", "open_time").n_unique(), 0)


def test_unfinished_copies_of_an_hour_lose_against_the_finished_one(run: Run) -> None:
    # The first file was saved three times while these hours were open; the second was recorded when all were over.
    hours = {"2020-12-04 11": 3, "2020-12-04 12": 2, "2020-12-07 22": 3, "2020-12-08 00": 2}
    finished = _ohlcv(KLINES / "binance_spot_1h_2017_2022" / "BTCUSDT.parquet", "Volume")
    with run.workspace.lake() as lake:
        for hour, revisions in hours.items():
            moment, *found = lake.execute(
                f"select epoch_us(open_time), close, volume, revision, is_closed from {BARS} "
                "where (venue, market, symbol, interval) = ('binance', 'spot', 'BTC-USDT', '1h') "
                f"and open_time = timestamptz '{hour}:00:00+00'"
            ).fetchall()[0]
            expected = finished.filter(pl.col("open_time") == moment).select("close", "Volume").row(0)
            assert found == [*expected, revisions, True]


def test_provisional_bars_confirmed_by_another_recording_are_closed(run: Run) -> None:
    with run.workspace.lake() as lake:
        rows = lake.execute(
            f"select symbol, is_closed from {BARS} where venue = 'binance' and market = 'spot' and interval = '1h' "
            "and open_time = timestamptz '2022-06-30 00:00:00+00' order by 1"
        ).fetchall()
    closed = {symbol for symbol, is_closed in rows if is_closed}
    # 2022-06-30 00:00 is the last bar of the first folder; the second folder goes on and confirms what it has too.
    assert {"BTC-USDT", "ETH-USDT", "SOL-USDT"} <= closed
    assert {symbol for symbol, is_closed in rows if not is_closed} == {"EOS-USDT", "NEO-USDT", "XLM-USDT", "ZEC-USDT"}


def test_defects_found_are_those_in_the_files(run: Run) -> None:
    with run.workspace.lake() as lake:
        defects = dict(lake.execute("select defect, count(*) from lake.silver.kline_defects group by 1").fetchall())
    # 43 hours of February 2018 off the grid; 9 close times that are not an hour's end, 2 of them off the grid as well.
    assert defects["off_grid"] == 43
    assert "identical_duplicate" not in defects


def test_the_verdict_on_bitcoin_is_no_skill(run: Run) -> None:
    evidence = run.document["evidence"]
    assert evidence["verdict"] == "no_skill"
    assert 0.49 < evidence["model"]["accuracy"]["value"] < 0.54
    assert run.document["prediction"]["signal"] == "ABSTAIN"


def _hours(path: Path) -> list[int]:
    moments: list[int] = _ohlcv(path)["open_time"].to_list()
    return moments


def _csv_hours(path: Path) -> list[int]:
    table = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
    column = table[table.columns[0]]
    if table.columns[0] == "timestamp":
        moments = column.str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us").dt.epoch("us")
        has_fraction = column.str.contains(r"\.[0-9]*[1-9]")
        moments = moments.filter(~has_fraction)
    else:
        moments = column.cast(pl.Int64) * 1_000
    return [moment for moment in moments.to_list() if moment % 3_600_000_000 == 0]


def _ohlcv(path: Path, *more: str) -> pl.DataFrame:
    table = pl.read_parquet(path)
    if "Open Time" in table.columns:
        table = table.rename({"Open Time": "open_time", "Open": "open", "High": "high", "Low": "low", "Close": "close"})
        table = table.with_columns(pl.col("open_time") * 1_000)
    else:
        moments = pl.col("date").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us").dt.epoch("us")
        table = table.with_columns(moments.alias("open_time"))
    named = table.with_columns(pl.lit(path.stem).alias("symbol"))
    return named.select("symbol", "open_time", "open", "high", "low", "close", *more)


def test_a_training_table_of_real_bars_comes_again_and_shows_no_bar_before_its_time(run: Run) -> None:
    request = TableRequest(("binance:spot:BTC-USDT",))
    whole = make_training_table(run.workspace, request)
    again = make_training_table(run.workspace, replace(request, span=whole.span))
    assert whole.content_hash == again.content_hash
    assert whole.frame.height > 10_000
    moments: list[datetime] = whole.frame["open_time"].to_list()
    moment = moments[len(moments) // 2]
    then = make_training_table(run.workspace, replace(request, span=Span(available_at=moment))).frame
    # Files count from their close on: what could be learned by then is the rows whose outcome was known by then.
    known = whole.frame.filter(pl.col("until") <= moment)
    assert then.drop("weight").equals(known.drop("weight"))
    # A weight is by how many rows of the table share its time: the last ones had fewer beside them.
    settled = pl.col("until") < then["open_time"].max()
    assert then.filter(settled).equals(known.filter(settled))
    assert then.filter(settled).height > then.height - 48
