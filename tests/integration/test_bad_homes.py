"""A home that is not ours, damaged, locked, full or stopped half-way: one clear line, and a way on."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.command import SERIES, Command, child, clone, finished, finished_all
from tests.integration.conftest import NOW, ROWS, hashes, open_frozen
from tests.made_klines import HEADER, hourly, write_csv

LINES = [row.line() for row in ROWS]
TEXT = "\n".join([HEADER, *LINES]) + "\n"
PACKED = gzip.compress(TEXT.encode(), mtime=0)
NOISE = random.Random(1).randbytes(4_000)
PLAIN = "time,open,high,low,close,volume\n"


def _file(home: Path) -> None:
    home.write_text("not a folder", encoding="utf-8")


def _foreign(home: Path) -> None:
    home.mkdir()
    (home / "thesis.doc").write_text("mine", encoding="utf-8")


def _newer(home: Path) -> None:
    home.mkdir()
    (home / "assay-home.json").write_text('{"format": 3}', encoding="utf-8")


def _damaged(home: Path) -> None:
    home.mkdir()
    (home / "assay-home.json").write_text("", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (_file, "ASSAY_HOME is not a directory"),
        (_foreign, "ASSAY_HOME holds files that are not Assay's (thesis.doc)"),
        (_newer, "ASSAY_HOME was written by another version: 'format 3'"),
        (_damaged, "the home's format file is damaged"),
    ],
)
def test_a_home_that_is_not_ours_is_refused_and_left_alone(
    assay: Command, tmp_path: Path, spoil: Callable[[Path], None], complaint: str
) -> None:
    spoil(assay.home)

    def files() -> dict[Path, str]:
        paths = [path for path in [assay.home, *assay.home.rglob("*")] if path.is_file()]
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    before = files()
    file = write_csv(tmp_path / "a.csv", ROWS)
    for words in (("import", file, *SERIES), ("build",), ("status",), ("query", "select 1")):
        said = assay(*words)
        assert (said.code, said.is_one_line()) == (1, True), said
        assert complaint in said.err
    assert files() == before


def test_a_lake_with_nothing_in_it_says_what_to_do(assay: Command, tmp_path: Path) -> None:
    for words in (("build",), ("status",), ("query", "select 1")):
        said = assay(*words)
        assert (said.code, said.is_one_line()) == (1, True), said
        assert "run `assay ingest` or `assay import` first" in said.err
    assert assay("import", tmp_path / "nothing.csv", *SERIES).code == 2  # it makes the home
    said = assay("build")
    assert (said.code, said.is_one_line()) == (1, True), said
    assert "there is nothing to build" in said.err
    assert assay("build", "--full-refresh").code == 0
    assert assay.rows("select count(*) as n from gold.daily_crypto_metrics") == [{"n": 0}]


def test_a_home_may_be_moved_copied_and_reached_by_a_link(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone(built, tmp_path / "first").rename(tmp_path / "moved")
    (tmp_path / "link").symlink_to(tmp_path / "moved")
    expected = hashes(open_frozen(built, NOW))
    for name in ("moved", "link"):
        assay = Command(capsys, tmp_path / name)
        assert hashes(open_frozen(assay.home, NOW)) == expected
        assert assay.rows("select count(*) as n from silver.crypto_prices_cleaned") == [{"n": 100}]


def _truncate(home: Path) -> None:
    catalog = home / "lake" / "catalog.sqlite"
    catalog.write_bytes(catalog.read_bytes()[:30_000])


def _garble(home: Path) -> None:
    (home / "lake" / "catalog.sqlite").write_bytes(NOISE)


def _lose_tables(home: Path) -> None:
    shutil.rmtree(home / "lake" / "data" / "silver")


@pytest.mark.parametrize("damage", [_truncate, _garble, _lose_tables])
def test_damaged_tables_are_told_from_a_bug(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    assay = Command(capsys, clone(built, tmp_path / "home"))
    damage(assay.home)
    said = assay("status")
    assert (said.code, said.is_one_line()) == (1, True), said
    assert "the lake's tables cannot be used" in said.err
    assert "move that folder away and run `assay build`" in said.err
    if damage is _truncate:  # the advice is good
        (assay.home / "lake").rename(tmp_path / "away")
        assert assay("build").code == 0
        assert hashes(open_frozen(assay.home, NOW)) == hashes(open_frozen(built, NOW))


def test_a_home_that_was_killed_in_its_first_moments_is_still_a_home(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assay = Command(capsys, tmp_path / "home")
    for folder in ("bronze", "lake/data", "cache/duckdb"):
        (assay.home / folder).mkdir(parents=True)
    (assay.home / ".assay-home.json.0123.tmp").write_text("{", encoding="utf-8")
    assert assay("import", write_csv(tmp_path / "a.csv", ROWS), *SERIES).code == 0
    (assay.home / "lake" / "catalog.sqlite").touch()  # killed before the first commit
    (assay.home / "runs" / "20990101-x.json").write_text('{"command', encoding="utf-8")
    said = assay("status")
    assert (said.code, said.err) == (0, "")
    assert "run `assay build`" in said.out
    assert assay("query", "select 1").code == 1


def test_batches_that_are_gone_or_damaged_are_named_and_can_be_mended(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone(built, tmp_path / "first").rename(tmp_path / "moved")  # and a home that was moved can be built on
    assay = Command(capsys, tmp_path / "moved")
    file = write_csv(tmp_path / "more.csv", hourly(120))
    batch_id = assay("import", file, *SERIES, "--json").document["imported"][0]["batch_id"]
    (batch,) = assay.home.glob(f"bronze/klines/*/*/{batch_id}.parquet")
    batch.write_bytes(b"PAR1" + NOISE)
    said = assay("build")
    assert (said.code, said.is_one_line()) == (1, True), said
    assert f"a batch of bronze is damaged: '{batch}'; move it away" in said.err
    batch.unlink()
    assert assay("import", file, *SERIES).code == 0
    assert assay("build", "--full-refresh").code == 0
    assert assay.rows("select count(*) as n from silver.crypto_prices_cleaned") == [{"n": 120}]
    assert assay("status", "--json").document["unpublished_batches"] == 0


def test_a_locked_lake_is_named_after_the_time_that_was_set(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assay = Command(capsys, clone(built, tmp_path / "home"))
    monkeypatch.setenv("ASSAY_LAKE__LOCK_TIMEOUT_S", "0.1")
    with (assay.home / "lake" / "writer.lock").open("w") as held:
        held.write("process 4711")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        said = assay("build", "--json")
        assert (said.code, said.err.count("\n")) == (3, 1)
        assert said.document["error"]["type"] == "LakeBusyError"
        assert said.document["error"]["what"] == "process 4711 is writing to the lake"
        assert assay("status").code == 0  # readers do not wait
    assert assay("build").out.startswith("nothing new: silver and gold are up to date\n")


def test_too_little_room_is_said_before_anything_begins(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assay = Command(capsys, clone(built, tmp_path / "home"))
    monkeypatch.setenv("ASSAY_LAKE__MIN_FREE_BYTES", "1EiB")
    for words in (("import", write_csv(tmp_path / "b.csv", hourly(120)), *SERIES), ("build",)):
        said = assay(*words)
        assert (said.code, said.is_one_line()) == (3, True), said
        assert "left on the disk" in said.err


def test_a_disk_that_fills_up_costs_nothing_but_the_run(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assay = Command(capsys, clone(built, tmp_path / "home"))
    file = write_csv(tmp_path / "more.csv", hourly(2_000))

    def said_with_room_for(size: int, *words: str | Path) -> tuple[int, str]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))  # a child's limit is its parent's
        try:
            process = child(assay.home, *words)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        said = finished(process)
        assert said.is_one_line(), said
        return said.code, said.err

    def bronze() -> list[Path]:
        return sorted(path for path in (assay.home / "bronze").rglob("*") if path.is_file())

    before = bronze()
    code, complaint = said_with_room_for(20_000, "import", file, *SERIES)
    assert (code, "file would exceed the size limit" in complaint) == (3, True), complaint
    assert bronze() == before
    assert assay("import", file, *SERIES).code == 0
    expected = hashes(open_frozen(assay.home, NOW))
    # With room for nothing no table is changed; with room for a part the next build takes up the rest.
    code, complaint = said_with_room_for(20_000, "build")
    assert code == 3, complaint
    assert hashes(open_frozen(assay.home, NOW)) == expected
    code, complaint = said_with_room_for((assay.home / "lake" / "catalog.sqlite").stat().st_size, "build")
    assert code == 3, complaint
    assert assay("build").code == 0
    assert assay.rows("select count(*) as n from silver.crypto_prices_cleaned") == [{"n": 2_000}]


def test_imports_and_builds_at_once_end_as_if_one_after_the_other(tmp_path: Path, assay: Command) -> None:
    file = write_csv(tmp_path / "a.csv", ROWS)
    more = write_csv(tmp_path / "b.csv", hourly(120))
    imports = finished_all([child(assay.home, "import", file, *SERIES, "--json") for _ in range(3)])
    assert [(said.code, said.err) for said in imports] == [(0, "")] * 3
    assert sorted(said.document["imported"][0]["is_new"] for said in imports) == [False, False, True]
    at_once = finished_all(
        [child(assay.home, *words, "--json") for words in (("build",), ("build",), ("import", more, *SERIES))]
    )
    assert [(said.code, said.err) for said in at_once] == [(0, "")] * 3
    assert sum(said.document["new_batches"] for said in at_once[:2]) in (1, 2)  # the import may come before a build
    assert assay("build").code == 0
    assert assay.rows("select count(*) as n from silver.crypto_prices_cleaned") == [{"n": 120}]
    assert assay.rows("select count(*) as n from silver.kline_revisions") == [{"n": 220}]


def test_a_build_that_is_stopped_says_so_and_the_next_one_goes_on(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assay = Command(capsys, clone(built, tmp_path / "home"))
    assert assay("import", write_csv(tmp_path / "b.csv", hourly(120)), *SERIES).code == 0
    lock = assay.home / "lake" / "writer.lock"
    for number, code, word in ((signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")):
        lock.unlink()
        process = child(assay.home, "build", "--full-refresh", "--json")  # some seconds of work, whatever is new
        while not lock.exists():  # from here on it is at work
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(number)  # at once: test_signals does so at any moment of it
        said = finished(process)
        assert (said.code, said.err) == (code, f"assay: {word}\n")
        assert said.document["error"]["exit_code"] == code
    assert assay("build").code == 0
    assert assay.rows("select count(*) as n from silver.crypto_prices_cleaned") == [{"n": 120}]
