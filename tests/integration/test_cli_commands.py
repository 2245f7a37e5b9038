"""The commands on a lake, as people and programs use them: pipes, terminals, formats, closed streams."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.lake.lock import file_lock
from assay.pipelines.building import build
from tests.integration.command import SERIES, Command, child, environment, finished, words_of
from tests.integration.conftest import NOW, bring_in, open_frozen
from tests.made_klines import hourly, write_csv

ROWS = hourly(300, holes=((100, 110),))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a home of 290 hours with one hole."""
    folder = tmp_path_factory.mktemp("built")
    workspace = open_frozen(folder / "home", NOW)
    bring_in(workspace, write_csv(folder / "a.csv", ROWS))
    build(workspace)
    return workspace.home.root


@pytest.fixture
def assay(built: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command on that home."""
    return Command(capsys, built)


def test_status_says_what_is_there(assay: Command) -> None:
    document = assay("status", "--json").document
    (series,) = document["series"]
    assert (series["bars"], series["holes"], series["missing_bars"], series["provisional_bars"]) == (290, 1, 10, 1)
    assert series["coverage"] == pytest.approx(290 / 300)
    shown = assay("status").out
    assert "binance:spot:BTC-USDT:1h" in shown
    assert "96.67 %" in shown
    assert "not built" not in shown


def test_status_says_that_a_writer_is_at_work(built: Path, assay: Command) -> None:
    assert assay("status", "--json").document["is_being_written"] is False
    with file_lock(open_frozen(built, NOW).home.writer_lock, timeout_s=0):
        assert assay("status", "--json").document["is_being_written"] is True
        assert "another command is writing to the lake now" in assay("status").out


def test_status_starts_without_what_reads_rows(built: Path) -> None:
    code = (
        "import sys; from assay.cli import main; main(['--home', sys.argv[1], 'status']); "
        "slow = {'polars', 'pyarrow', 'pandas', 'numpy', 'rich', 'obstore', 'psycopg'}; "
        "print(*slow & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, built], capture_output=True, text=True, check=True)
    assert "binance:spot:BTC-USDT:1h" in done.stdout
    assert done.stderr.split() == []


def test_every_answer_is_one_document_with_json(assay: Command, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", ROWS)
    for words in (
        ("status",),
        ("build",),
        ("query", "select 1 as one, null as nothing, 'nan'::double as nan"),
        ("klines", "btcusdt"),
        ("import", file, *SERIES),
        ("config", "show"),
    ):
        said = assay(*words, "--json")
        assert (said.code, said.err) == (0, ""), words
        assert said.out.count("\n") == 1
        assert said.document is not None


def test_one_query_in_three_formats_says_the_same(assay: Command) -> None:
    sql = "select open_time, close, is_closed, quote_volume from silver.crypto_prices_cleaned order by 1 limit 3"
    rows = assay.rows(sql)
    assert [row["close"] for row in rows] == [row.close for row in ROWS[:3]]
    table = list(csv.DictReader(io.StringIO(assay("query", sql, "--format", "csv").out)))
    assert [float(row["close"]) for row in table] == [row["close"] for row in rows]
    assert [row["open_time"] for row in table] == [row["open_time"] for row in rows]
    assert assay("query", sql).out.count("\n") == 4
    assert assay("query", sql, "--format", "xml").code == 2


def test_a_table_on_the_screen_is_cut_and_says_so_and_csv_is_not(assay: Command) -> None:
    sql = "select close from silver.crypto_prices_cleaned"
    assert assay("query", sql).out.splitlines()[-1] == "… 90 more rows; --format csv prints them all"
    assert len(assay("query", sql, "--format", "csv").out.splitlines()) == 291


def test_what_a_stranger_wrote_does_not_reach_the_terminal_as_it_is(assay: Command) -> None:
    said = assay("query", "select chr(27) || '[31m' || chr(10) || 'x' as text")
    assert said.out == "text\n\\x1b[31m\\nx\n"


def test_a_reader_that_stops_early_ends_the_query_quietly(built: Path) -> None:
    words = words_of(built, "query", "select a.range, b.range from range(1000) a, range(300) b", "--format", "csv")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "range,range_1\n"
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=600), complaint) == (141, "")


@pytest.mark.parametrize(
    ("redirection", "code", "out", "err"),
    [
        (">&-", 141, "", ""),
        ("2>&-", 2, "", ""),
        ("--json 2>&-", 2, "UsageError", ""),
    ],
)
def test_a_stream_that_the_shell_closed_is_no_bug(
    tmp_path: Path, redirection: str, code: int, out: str, err: str
) -> None:
    word = "version" if redirection == ">&-" else "nonsense"
    line = " ".join(words_of(tmp_path, word)) + f" {redirection}"
    run = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, env=environment(), timeout=600)
    assert (run.returncode, run.stderr) == (code, err)
    assert out in run.stdout
    assert bool(out) == bool(run.stdout)


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_a_terminal_that_knows_ascii_only_gets_its_answer(built: Path) -> None:
    said = finished(child(built, "query", "select chr(215) || chr(8364) as text", "--as-of", "2030-01-01", **ASCII))
    assert (said.code, said.out, said.err) == (0, "text\n\\xd7\\u20ac\n", "")


def test_sql_that_is_no_text_is_bad_input(built: Path) -> None:
    process = subprocess.Popen(
        [*words_of(built, "query"), b"select '\xff'"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    said = finished(process)
    assert (said.code, said.is_one_line()) == (2, True), said
    assert "it is not UTF-8 text" in said.err


def test_progress_on_a_terminal_survives_any_file_name() -> None:
    script = (
        "import time; from assay.cli.progress import PATIENCE_S, working\n"
        "with working('importing') as say: say('importing [/red]x.csv'); time.sleep(PATIENCE_S + 0.6)"
    )
    reader, writer = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", script], stderr=writer, env=environment(COLUMNS="80"))
    os.close(writer)
    drawn = _drain(reader)
    assert process.wait(timeout=600) == 0, drawn
    assert b"importing [/red]x.csv" in drawn


def _drain(reader: int) -> bytes:
    drawn = b""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            part = os.read(reader, 65_536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        drawn += part
    os.close(reader)
    return drawn


def test_json_of_a_failure_is_the_only_thing_on_stdout(assay: Command) -> None:
    said = assay("query", "select nothing", "--json")
    assert json.loads(said.out)["error"]["exit_code"] == said.code == 2
    assert said.err.count("\n") == 1
