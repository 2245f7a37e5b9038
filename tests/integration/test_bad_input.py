"""Whatever a person or a disk does wrong: one clear line, an exit code, nothing half-written, and a way on."""

from __future__ import annotations

import fcntl
import gzip
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assay.pipelines.building import build
from tests.integration.command import SERIES, Command, child, clone, finished, finished_all
from tests.integration.conftest import NOW, bring_in, hashes, open_frozen
from tests.made_klines import HEADER, hourly, write_csv

ROWS = hourly(100)
LINES = [row.line() for row in ROWS]
TEXT = "\n".join([HEADER, *LINES]) + "\n"
PACKED = gzip.compress(TEXT.encode(), mtime=0)
NOISE = random.Random(1).randbytes(4_000)
PLAIN = "time,open,high,low,close,volume\n"


@pytest.fixture
def assay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command on a home that is not there yet."""
    return Command(capsys, tmp_path / "home")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a home that the tests below copy."""
    folder = tmp_path_factory.mktemp("built")
    workspace = open_frozen(folder / "home", NOW)
    bring_in(workspace, write_csv(folder / "a.csv", ROWS), recorded_at=NOW)
    build(workspace)
    return workspace.home.root


def holds_no_batch(home: Path) -> bool:
    return not [path for path in home.rglob("*") if path.suffix in (".parquet", ".zst", ".tmp")]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("blank.csv", b"\n \r\n\n", "the file is empty"),
        ("header.csv", HEADER, "a header and no rows"),
        ("noise.csv", NOISE, "a binary file, not text"),
        ("utf16.csv", TEXT.encode("utf-16"), "a binary file, not text"),
        ("text.parquet", TEXT, "not a readable Parquet file"),
        ("half.parquet", b"PAR1" + NOISE, "not a readable Parquet file"),
        ("plain.csv.gz", TEXT, "not a gzip file"),
        ("half.csv.gz", PACKED[: len(PACKED) // 2], "the gzip file is truncated"),
        ("cut.csv.gz", PACKED[:-3], "the gzip file is truncated"),
        ("hurt.csv.gz", PACKED[:200] + b"\xff" * 9 + PACKED[209:], "the gzip file is damaged"),
        ("page.csv", "<html><body>Not found</body></html>\n", "no column recognised"),
        ("book.xlsx", b"PK\x03\x04", "not a kind of file that is read"),
        ("old.csv", PLAIN + "1969-12-31,1,1,1,1,1\n1960-01-01,1,1,1,1,1\n", "not a single acceptable row"),
        ("late.csv", PLAIN + "2201-01-01,1,1,1,1,1\n", "not a single acceptable row"),
        ("offgrid.csv", PLAIN + "2024-01-01 00:30,1,1,1,1,1\n", "no bar opens on the 1h grid"),
        (
            "days.csv",
            PLAIN + "".join(f"2024-01-0{day},1,1,1,1,1\n" for day in range(1, 8)),
            "bars are 1d apart, not 1h",
        ),
    ],
)
def test_a_file_of_no_use_is_one_line_and_leaves_nothing(
    assay: Command, tmp_path: Path, name: str, content: str | bytes, complaint: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = assay("import", file, *SERIES)
    assert (said.code, said.is_one_line()) == (2, True), said
    assert complaint in said.err
    assert holds_no_batch(assay.home)
    said = assay("import", file, *SERIES, "--json")
    assert said.document["error"]["exit_code"] == said.code == 2
    assert complaint in said.document["error"]["what"] + said.document["error"]["todo"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("a.csv", *SERIES, "--symbol", "FOO"), "not a symbol: 'FOO'"),
        (("a.csv", *SERIES, "--symbol", "BTC-USDT'; drop table x"), "not a symbol"),
        (("a.csv", *SERIES, "--symbol", "ßUSDT"), "not a symbol: 'ßUSDT'"),
        (("a.csv", *SERIES, "--interval", "1H"), "unknown interval: '1H'; use one of 1s, 1m"),
        (("a.csv", *SERIES, "--interval", "60m"), "unknown interval"),
        (("a.csv", *SERIES, "--market", "futures"), "unknown market: 'futures'; use spot or usdm"),
        (("a.csv", *SERIES, "--venue", "../up"), "not a venue name"),
        (("a.csv", *SERIES, "--columns", "opn=open"), "not a column of a kline: 'opn'; did you mean open?"),
        (("a.csv", *SERIES, "--columns", "open=opn"), "the file has no such column: 'opn'; did you mean open?"),
        (("a.csv", *SERIES, "--columns", "open"), "not a column map"),
        (("a.csv", *SERIES, "--columns", "open=open,open=close"), "a column is mapped twice: 'open'"),
        (("a.csv", *SERIES, "--recorded-at", "2024-02-30"), "not a date or time"),
        (("a.csv", *SERIES, "--recorded-at", "0001-01-01T00:00:00+14:00"), "not a date or time"),
        (("a.csv", *SERIES, "--recorded-at", "9000-01-01"), "recorded-at lies in the future"),
        (("b.csv", *SERIES), "no such file or folder"),
        (("", *SERIES), "PATH is missing"),
        (("a.csv", "--interval", "1h"), "--venue is missing"),
        (("/dev/zero", *SERIES), "not a file"),
    ],
)
def test_wrong_words_are_one_line_and_import_nothing(
    assay: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "a.csv", ROWS)
    said = assay("import", *words)
    assert (said.code, said.is_one_line()) == (2, True), said
    assert complaint in said.err
    assert holds_no_batch(assay.home)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("query", "select 1", "--as-of", "yesterday"), "not a date or time: 'yesterday'"),
        (("query", "selec 1"), "not valid SQL"),
        (("query", "select x from silver.crypto_prices_cleaned"), "the query failed"),
        (("klines", "DOGE-USDT"), "no series for the symbol: 'DOGE-USDT'; the lake holds BTC-USDT"),
        (("klines", "BTC-USDT", "--interval", "1q"), "unknown interval"),
        (("klines", "BTC-USDT", "--since", "2024-02-01", "--until", "2024-01-01"), "the range is empty"),
        (("run",), "say where the data comes from"),
        (("run", "--recorded", "--plan", "nowhere.yaml"), "the recordings plan cannot be read"),
    ],
)
def test_wrong_questions_to_a_lake_are_one_line(
    built: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], complaint: str
) -> None:
    said = Command(capsys, built)(*words)
    assert said.is_one_line(), said
    assert said.code in (1, 2)
    assert complaint in said.err


BAD_VALUES = [
    (4, "NaN", "close is NaN"),
    (4, "inf", "close is infinite"),
    (4, "-1", "close is not positive"),
    (4, "0", "close is not positive"),
    (4, "1e13", "close is above 1e+12"),
    (4, "5e-324", "close is below 1e-20"),
    (4, "1e999", "close is infinite"),
    (4, "1_0", "close is not a number"),
    (4, "", "close is missing"),
    (2, "1", "high '1' is below low"),
    (5, "-1", "volume is negative"),
    (5, "1e300", "volume is above 1e+18"),
    (5, "1e17", "volume '1e17' at high"),
    (7, "inf", "quote_volume is infinite"),
    (0, "-86400000", "open_time is not a time"),
    (0, "99999999999999999999", "open_time is not a time"),
    (8, "1.5", "num_trades is not a whole number"),
    (8, "99999999999999999999", "num_trades is not a whole number"),
]


NAMES = [
    b"a b.csv", b"quo'te.csv", b'dou"ble.csv', b"new\nline.csv", "mü€.csv".encode(), b"'; drop table x;--.csv",
    b"[x].csv", b"%s{}.csv", b"-dash.csv", b"\x1b[31mred.csv", b"st*r.csv", b"\xff\xfe.csv",
]  # fmt: skip


STRANGE: dict[str, tuple[str, datetime | None]] = {
    # open, high, low, close, volume, quote_volume of each of three days; when they were recorded
    "DUST-BTC": ("1e-10,1.1e-10,1e-10,1.05e-10,10,1.02e-9", NOW),
    "ROUND-BTC": ("0.001,0.0011,0.001,0.00105,3,0.00", NOW),
    "WRONG-BTC": ("100,101,99,100,3,3", NOW),
    "LARGE-BTC": ("1e12,1e12,1e12,1e12,1e6,1e18", NOW),
    "STILL-BTC": ("5,5,5,5,0,0", NOW),
    "OPEN-BTC": ("5,5,5,5,1,5", datetime(2010, 1, 1, tzinfo=UTC)),
    "ONE-BTC": ("5,5,5,5,1,5", None),
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a home in a folder with an odd name, from a file with bad rows and from files with odd names."""
    folder = tmp_path_factory.mktemp("odd")
    workspace = open_frozen(folder / "sp ace 'q\" [ab]* ü {{x}} #%41; --", NOW)
    bring_in(workspace, _some_bad(folder / "some_bad.csv"), recorded_at=NOW)
    for symbol, (bar, recorded_at) in STRANGE.items():
        lines = [f"2024-01-{day + 1:02},{bar}" for day in range(3 if symbol != "ONE-BTC" else 1)]
        file = folder / f"{symbol}.csv"
        file.write_text("\n".join([PLAIN.strip() + ",quote_volume", *lines]), encoding="utf-8")
        bring_in(workspace, file, symbol, recorded_at=recorded_at, interval="1d")
    (folder / "files").mkdir()
    for number, name in enumerate(NAMES):
        file = Path(os.fsdecode(os.fsencode(folder / "files") + b"/" + name))
        write_csv(folder / "one.csv", ROWS[number : number + 10]).rename(file)
        bring_in(workspace, file, "ETH-USDT", recorded_at=NOW)
    build(workspace)
    return workspace.home.root


def _some_bad(file: Path) -> Path:
    lines = list(LINES)
    for number, (column, value, _) in enumerate(BAD_VALUES):
        fields = lines[2 * number].split(",")
        fields[column] = value
        lines[2 * number] = ",".join(fields)
    lines[60] = "what is this"
    file.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return file


def test_good_rows_stay_and_each_bad_one_is_set_aside_with_its_cause(
    odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = Command(capsys, tmp_path / "other")("import", _some_bad(tmp_path / "some_bad.csv"), *SERIES, "--json")
    assert (said.code, said.err) == (0, "")
    report = said.document["imported"][0]["report"]
    bad = len(BAD_VALUES) + 1
    assert (report["rows_read"], report["accepted"], report["quarantined"]) == (100, 100 - bad, bad)
    assay = Command(capsys, odd)
    causes = assay.rows("select row_number, cause from silver.quarantined_rows order by row_number")
    assert [row["row_number"] for row in causes] == [*range(2, 2 + 2 * len(BAD_VALUES), 2), 62]  # line 1 is the header
    for row, (_, _, cause) in zip(causes, BAD_VALUES, strict=False):
        assert row["cause"].startswith(cause)
    assert causes[-1]["cause"] == "wrong number of fields: 1 instead of 12"
    kept = assay.rows("select close from silver.crypto_prices_cleaned where symbol = 'BTC-USDT' order by open_time")
    touched = {2 * number for number in range(len(BAD_VALUES))} | {60}
    assert [row["close"] for row in kept] == [row.close for i, row in enumerate(ROWS) if i not in touched]
    shown = assay("status").out
    assert "close is infinite: … 2" in shown  # counted together, although the values differ


def test_strange_volumes_and_bars_that_never_close_do_not_stop_the_gates(
    odd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assay = Command(capsys, odd)
    days = assay.rows(
        "select symbol, vwap from gold.daily_crypto_metrics where date = '2024-01-02' and symbol <> 'ETH-USDT'"
    )
    vwap = {row["symbol"]: row["vwap"] for row in days if row["symbol"] in STRANGE}
    assert vwap == {
        "DUST-BTC": pytest.approx(1.02e-10, rel=1e-9),  # quote volume over volume
        "ROUND-BTC": pytest.approx(
            0.00105, rel=1e-12
        ),  # (0.0011 + 0.001 + 0.00105) / 3: the quote volume was rounded away
        "WRONG-BTC": pytest.approx(100, rel=1e-12),  # a quote volume of 3 for 3 coins at 100 is something else
        "LARGE-BTC": pytest.approx(1e12, rel=1e-12),
        "STILL-BTC": None,
    }
    never_closed = (
        "select symbol, count(*) as n from silver.crypto_prices_cleaned where symbol in ('OPEN-BTC', 'ONE-BTC') "
    )
    assert assay.rows(never_closed + "and not is_closed group by all order by all") == [
        {"symbol": "ONE-BTC", "n": 1},
        {"symbol": "OPEN-BTC", "n": 3},
    ]


def test_any_file_name_in_any_folder_goes_all_the_way(
    odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assay = Command(capsys, odd)
    sources = assay.rows(
        "select source from bronze.batches where source not like '%_bad.csv' and source not like '%BTC.csv' order by 1"
    )
    expected = [name.decode(errors="backslashreplace") for name in NAMES]
    assert [row["source"] for row in sources] == sorted(expected)
    count = "select count(*) as n from silver.crypto_prices_cleaned where symbol = 'ETH-USDT'"
    assert assay.rows(count) == [{"n": len(NAMES) + 9}]
    said = Command(capsys, tmp_path / "other")("import", odd.parent / "files", *SERIES)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert len(lines) == 1 + len(NAMES) + 1  # header, a line for each file, what to do next
    assert all(line.isprintable() for line in lines)


def test_a_folder_with_one_bad_file_imports_the_others_and_says_so(assay: Command, tmp_path: Path) -> None:
    write_csv(tmp_path / "files" / "good.csv", ROWS)
    (tmp_path / "files" / "bad.csv").write_text("nothing", encoding="utf-8")
    said = assay("import", tmp_path / "files", *SERIES)
    assert said.code == 2
    assert said.err == "assay: error: 1 of 2 files refused; the others were imported\n"
    assert "refused: " in said.out
    said = assay("import", tmp_path / "files", *SERIES, "--json")
    assert [(one["is_new"], one["error"] is None) for one in said.document["imported"]] == [
        (False, False),
        (False, True),
    ]


def _file(home: Path) -> None:
    home.write_text("not a folder", encoding="utf-8")


def _foreign(home: Path) -> None:
    home.mkdir()
    (home / "thesis.doc").write_text("mine", encoding="utf-8")


def _newer(home: Path) -> None:
    home.mkdir()
    (home / "assay-home.json").write_text('{"format": 2}', encoding="utf-8")


def _damaged(home: Path) -> None:
    home.mkdir()
    (home / "assay-home.json").write_text("", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (_file, "ASSAY_HOME is not a directory"),
        (_foreign, "ASSAY_HOME holds files that are not Assay's (thesis.doc)"),
        (_newer, "ASSAY_HOME was written by another version: 'format 2'"),
        (_damaged, "the home's format file is damaged"),
    ],
)
def test_a_home_that_is_not_ours_is_refused_and_left_alone(
    assay: Command, tmp_path: Path, spoil: Callable[[Path], None], complaint: str
) -> None:
    spoil(assay.home)
    before = {path: path.read_bytes() for path in [assay.home, *assay.home.rglob("*")] if path.is_file()}
    file = write_csv(tmp_path / "a.csv", ROWS)
    for words in (("import", file, *SERIES), ("build",), ("status",), ("query", "select 1")):
        said = assay(*words)
        assert (said.code, said.is_one_line()) == (1, True), said
        assert complaint in said.err
    assert {path: path.read_bytes() for path in [assay.home, *assay.home.rglob("*")] if path.is_file()} == before


def test_a_lake_with_nothing_in_it_says_what_to_do(assay: Command, tmp_path: Path) -> None:
    for words in (("build",), ("status",), ("query", "select 1")):
        said = assay(*words)
        assert (said.code, said.is_one_line()) == (1, True), said
        assert "run `assay import` first" in said.err
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
    assert assay("build").out == "nothing new: silver and gold are up to date\n"


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
    code, complaint = said_with_room_for((assay.home / "lake" / "catalog.sqlite").stat().st_size, "build")
    assert code == 3, complaint
    assert hashes(open_frozen(assay.home, NOW)) == expected
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
        process = child(assay.home, "build", "--json")
        while not lock.exists():  # from here on it is at work
            time.sleep(0.01)
        time.sleep(0.7)
        process.send_signal(number)
        said = finished(process)
        assert (said.code, said.err) == (code, f"assay: {word}\n")
        assert said.document["error"]["exit_code"] == code
    assert assay("build").code == 0
    assert assay.rows("select count(*) as n from silver.crypto_prices_cleaned") == [{"n": 120}]
