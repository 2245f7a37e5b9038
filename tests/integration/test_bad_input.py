"""Whatever a person or a disk does wrong: one clear line, an exit code, nothing half-written, and a way on."""

from __future__ import annotations

import gzip
import os
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assay.pipelines.building import build
from tests.integration.command import SERIES, Command
from tests.integration.conftest import NOW, ROWS, bring_in, open_frozen
from tests.made_klines import HEADER, write_csv

LINES = [row.line() for row in ROWS]
TEXT = "\n".join([HEADER, *LINES]) + "\n"
PACKED = gzip.compress(TEXT.encode(), mtime=0)
NOISE = random.Random(1).randbytes(4_000)
PLAIN = "time,open,high,low,close,volume\n"


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
