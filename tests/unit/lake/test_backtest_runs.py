"""Backtests that are kept: whole or not at all, newest first, and one that is damaged hides no other."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.points import Point, observed
from assay.lake.backtest_runs import RunSummary, list_runs, read_run, remove_run, run_id, save_run
from assay.lake.sealed import DamagedError, LocalDocuments

MOMENT = datetime(2024, 7, 1, 12, tzinfo=UTC)
SUMMARY = RunSummary(
    run=run_id("one"), kind="backtest", by="ada", made_at=MOMENT, series=("binance:spot:BTC-USDT:1h",),
    start=datetime(2024, 1, 1, tzinfo=UTC), end=datetime(2024, 6, 1, tzinfo=UTC), bars=3_648,
    strategy=("buy where rsi_14 < 30", "<script>"), feature_set="chosen/1#00ff", data_version="a1", as_of=None,
    total_return=0.25, band=(0.2, 0.25), sharpe=1.5, deflated_sharpe=math.nan, max_drawdown=-0.1, trades=12,
    hold_return=0.0, verdict="may_be_luck", sentence="May be luck", is_exact=False,
)  # fmt: skip
REPORT = {"sharpe": 1.5, "calmar": math.nan, "start": SUMMARY.start, "months": [{"month": "2024-01"}]}
TABLES = {
    "equity": pl.DataFrame({"open_time": [SUMMARY.start], "equity": [10_000.5], "drawdown": [math.nan]}),
    "trades": pl.DataFrame({"symbol": ["BTC-USDT"], "pnl": [-1.25]}),
}


@pytest.fixture
def documents(tmp_path: Path) -> LocalDocuments:
    return LocalDocuments(tmp_path)


def kept(documents: LocalDocuments, name: str, **changes: object) -> str:
    summary = replace(SUMMARY, run=run_id(name), **changes)  # type: ignore[arg-type]
    return save_run(documents, summary, REPORT, TABLES).summary.run


def files(documents: LocalDocuments) -> list[str]:
    return documents.names("backtests")


def test_run_is_read_as_it_was_kept(documents: LocalDocuments) -> None:
    save_run(documents, SUMMARY, REPORT, TABLES)
    found = read_run(documents, SUMMARY.run[:6])
    assert math.isnan(found.summary.deflated_sharpe)
    assert replace(found.summary, deflated_sharpe=0.0) == replace(SUMMARY, deflated_sharpe=0.0)
    assert isinstance(found.summary.hold_return, float)
    assert found.report == REPORT | {"calmar": None, "start": "2024-01-01T00:00:00+00:00"}
    assert found.tables == ("equity", "trades")
    for name, table in TABLES.items():
        assert found.table(name).equals(table, null_equal=True)
    with pytest.raises(NoDataError, match=r"no such table: 'bars'; it has equity, trades"):
        found.table("bars")
    assert list_runs(documents).runs[0].run == SUMMARY.run


def test_same_run_again_takes_the_place_of_the_older_one(documents: LocalDocuments) -> None:
    first = save_run(documents, SUMMARY, REPORT, TABLES)
    kept(documents, "other")
    # The clock stands still, as that of a simulated market does.
    save_run(documents, replace(SUMMARY, sentence="Holds up"), {"sharpe": 2}, {"equity": TABLES["equity"]})
    page = list_runs(documents)
    assert [one.sentence for one in page.runs] == ["Holds up", "May be luck"]
    assert page.total == 2
    assert len(files(documents)) == 3 + 4
    # Who read the older one before goes on with the newer one.
    assert first.report == {"sharpe": 2}
    assert first.table("equity").equals(TABLES["equity"], null_equal=True)


def test_list_is_newest_first_in_parts_and_of_a_series(documents: LocalDocuments) -> None:
    ids = [kept(documents, str(day), made_at=MOMENT + timedelta(days=day)) for day in (3, 1, 2)]
    # A clock that was set back does not hide what is kept after that.
    newest = [ids[2], ids[1], ids[0]]
    assert [one.run for one in list_runs(documents).runs] == newest
    page = list_runs(documents, limit=1, offset=1)
    assert ([one.run for one in page.runs], page.total) == ([newest[1]], 3)
    eth = kept(documents, "eth", series=("binance:spot:ETH-USDT:1h", "kraken:spot:BTC-USD:1h"))
    for series in ("ETH-USDT", "binance:spot:ETH-USDT:1h", "kraken"):
        assert [one.run for one in list_runs(documents, series=series).runs] == [eth]
    page = list_runs(documents, series="BTC-USDT", limit=1, offset=2)
    assert ([one.run for one in page.runs], page.total) == ([newest[2]], 3)
    assert list_runs(documents, series="BTC").total == 0
    with pytest.raises(BadInputError, match="no such part"):
        list_runs(documents, limit=-1)


def test_id_is_given_by_its_beginning_if_that_is_enough(documents: LocalDocuments) -> None:
    for run in ("abcdef000001", "abcdef000002"):
        save_run(documents, replace(SUMMARY, run=run), {}, {})
    assert read_run(documents, "abcdef000002").summary.run == "abcdef000002"
    with pytest.raises(BadInputError, match=r"several.*'abcdef'; say which: abcdef000002, abcdef000001"):
        read_run(documents, "abcdef")
    for text in ("abcde", "ABCDEF", "../../x", "abcdef0000011"):
        with pytest.raises(BadInputError, match="not the id of a backtest"):
            read_run(documents, text)
    with pytest.raises(NoDataError, match=r"no such backtest: '000000'; `assay backtests list`"):
        read_run(documents, "000000")
    for wrong in (replace(SUMMARY, run="../x"), replace(SUMMARY, kind="guess")):
        with pytest.raises(BadInputError, match="not a backtest to keep"):
            save_run(documents, wrong, {}, {})
    with pytest.raises(BadInputError, match="not a backtest to keep"):
        save_run(documents, SUMMARY, {}, {"../x": TABLES["equity"]})


def test_removed_run_leaves_nothing_behind(documents: LocalDocuments) -> None:
    one, other = kept(documents, "one"), kept(documents, "other")
    found = read_run(documents, one)
    assert remove_run(documents, one[:8]) == one
    assert [run.run for run in list_runs(documents).runs] == [other]
    assert not [name for name in files(documents) if one in name]
    with pytest.raises(NoDataError):
        _ = found.report
    with pytest.raises(NoDataError):
        remove_run(documents, one)
    # What is made anew at the same moment is not taken for what was there.
    save_run(documents, replace(SUMMARY, run=one, sentence="again"), {"n": 2}, {})
    assert (read_run(documents, one).summary.sentence, read_run(documents, one).report) == ("again", {"n": 2})


def test_damaged_document_is_named_and_hides_no_other(documents: LocalDocuments) -> None:
    ids = [kept(documents, name) for name in ("one", "two", "three")]
    path = documents.root / next(name for name in files(documents) if "/runs/" in name and ids[1] in name)
    path.write_bytes(path.read_bytes()[:-1])
    (path.parent / "notes.txt").write_text("not ours")
    for page in (list_runs(documents), list_runs(documents, series="BTC-USDT")):
        assert [one.run for one in page.runs] == [ids[2], ids[0]]
        assert len(page.damaged) == 2
        assert str(path) in page.damaged[0]
        assert "notes.txt" in page.damaged[1]
    with pytest.raises(DamagedError, match="damaged"):
        read_run(documents, ids[1])
    assert remove_run(documents, ids[1]) == ids[1]
    assert len(list_runs(documents).damaged) == 1


@pytest.mark.parametrize("part", ["report.json.zst", "equity.parquet"])
def test_every_part_is_held_against_its_hash(documents: LocalDocuments, part: str) -> None:
    save_run(documents, SUMMARY, REPORT, TABLES)
    path = documents.root / next(name for name in files(documents) if name.endswith(part))
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), b"", None):
        path.unlink() if damaged is None else path.write_bytes(damaged)
        found = read_run(documents, SUMMARY.run)
        with pytest.raises(DamagedError, match=rf"(damaged|missing): .*{part}"):
            _ = found.report if part.startswith("report") else found.table("equity")
    assert list_runs(documents).total == 1


class Stopped(BaseException):
    """Nobody catches it, as nobody catches a kill."""


def test_stopped_at_any_point_the_run_is_there_whole_or_as_it_was(documents: LocalDocuments) -> None:
    other = kept(documents, "other")

    def interrupted(at: int, changed: RunSummary) -> bool:
        left = at

        def stop(_point: Point) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Stopped

        try:
            with observed(stop):
                save_run(documents, changed, {"n": at}, TABLES)
        except Stopped:
            return True
        return False

    before: str | None = None
    for at in range(1, 20):
        changed = replace(SUMMARY, sentence=f"try {at}")
        was_stopped = interrupted(at, changed)
        found = [one.sentence for one in list_runs(documents).runs if one.run != other]
        assert found in ([changed.sentence], [before] if before else [])
        for one in list_runs(documents).runs:
            run = read_run(documents, one.run)
            assert run.report
            assert all(run.table(name).height for name in run.tables)
        before = found[0] if found else None
        if not was_stopped:
            break
    assert before == f"try {at}"
    assert at == 9  # two points of each of four files
    assert len(files(documents)) == 2 * 4


KILLED = """
import os, signal, sys
from pathlib import Path
from assay.domain.points import observed
from assay.lake.sealed import LocalDocuments
from tests.unit.lake.test_backtest_runs import REPORT, SUMMARY, TABLES, save_run
left = int(sys.argv[2])
def kill(point):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
with observed(kill):
    save_run(LocalDocuments(Path(sys.argv[1])), SUMMARY, REPORT, TABLES)
"""


def test_killed_before_its_document_has_its_name_it_is_not_there(documents: LocalDocuments) -> None:
    from tests.integration.command import PATIENCE_S, environment

    words = [sys.executable, "-c", KILLED, str(documents.root), "7"]
    root = Path(__file__).parents[3]
    ended = subprocess.run(words, env=environment(), cwd=root, timeout=PATIENCE_S, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len([path for _, _, names in os.walk(documents.root) for path in names]) == 4  # one of them without its name
    assert list_runs(documents) == type(list_runs(documents))((), 0)
    save_run(documents, SUMMARY, REPORT, TABLES)
    assert read_run(documents, SUMMARY.run).table("trades").equals(TABLES["trades"])
    assert len(files(documents)) == 4


def test_many_keep_the_same_run_at_once_and_one_of_them_is_there(documents: LocalDocuments) -> None:
    begin = threading.Barrier(6)

    def keep(number: int) -> None:
        begin.wait()
        save_run(documents, SUMMARY, {"n": number}, {"equity": pl.DataFrame({"n": [number]})})

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_run(documents, SUMMARY.run)
    assert found.table("equity")["n"].to_list() == [found.report["n"]]
    assert len(list_runs(documents).runs) == 1
    remove_run(documents, SUMMARY.run)
    assert files(documents) == []
