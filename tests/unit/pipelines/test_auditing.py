"""``assay audit`` over what people bring: functions, SQL, files; without a home, and with bars that are made up."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from assay.cli.app import run
from assay.domain.errors import BadInputError, HomeError
from assay.domain.interval import Interval
from assay.pipelines.made_bars import made_bars

FUNCTIONS = """
import pandas as pd
import polars as pl
import numpy as np
from assay.evidence.causality import audit_split

def trend(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.select("open_time", trend=pl.col("close").rolling_mean(10))

def smooth(bars: pd.DataFrame):
    return bars["close"].rolling(5, center=True).mean()

def either(bars):
    return bars.set_index(bars.index)["close"].shift(1)

def split():
    return audit_split(np.arange(10), train=np.arange(6), test=np.arange(6, 10))

def broken(bars):
    raise ValueError("not today")
"""
SQL = "select open_time, {}(close) over (order by open_time) as other from bars"


@pytest.fixture(autouse=True)
def _no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(FUNCTIONS)
    Path("lag.sql").write_text(SQL.format("lag"))
    Path("lead.sql").write_text(SQL.format("lead"))
    made_bars(Interval.parse("1h"), count=300).write_parquet("bars.parquet")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    code = run(["audit", *words, "--json", "--bars", "bars.parquet"])
    return code, json.loads(capsys.readouterr().out)


def test_functions_of_both_libraries_and_sql_are_audited(capsys: pytest.CaptureFixture[str]) -> None:
    for subject in ("mine.py:trend", "mine.py:either", "mine.py:split", "lag.sql"):
        code, document = said(capsys, subject)
        assert (code, document["is_causal"]) == (0, True), subject
    for subject, kind in (("mine.py:smooth", "centred_window"), ("lead.sql", "future_value")):
        code, document = said(capsys, subject)
        audits = document["audits"]
        assert isinstance(audits, list)
        assert (code, [one["kind"] for one in audits[0]["findings"]]) == (4, [kind]), subject


def test_text_and_report_name_the_leak(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "lead.sql", "--bars", "bars.parquet", "--report", "leak.html"]) == 4
    text = capsys.readouterr().out
    assert "future_value in other: the value of 1 bar later is read" in text
    assert "written to leak.html" in text
    assert "lead.sql" in Path("leak.html").read_text()


def test_folder_that_a_report_needs_is_made_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["audit", "lag.sql", "--bars", "bars.parquet", "--report"]
    for last in ("written to new/deep/lag.html, in the new folder new", "written to new/deep/lag.html"):
        assert run([*asked, "new/deep/lag.html"]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == last


def test_table_in_a_file_is_held_against_its_target(capsys: pytest.CaptureFixture[str]) -> None:
    bars = pl.read_parquet("bars.parquet").with_columns(answer=pl.col("close").shift(-4) / pl.col("close"))
    bars.with_columns(copy=pl.col("answer") * 2).write_parquet("table.parquet")
    code, document = said(capsys, "table.parquet", "--target", "answer")
    audits = document["audits"]
    assert isinstance(audits, list)
    assert code == 4
    assert [(one["kind"], one["column"]) for one in audits[0]["findings"]] == [("target_copy", "copy")]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["nowhere.py:f"], "no such file"),
        (["mine.py"], "no function named"),
        (["mine.py:nothing"], "no such function"),
        (["mine.py:broken"], "fails on the whole"),
        (["rsy:14"], "unknown indicator"),
        (["rsi:14", "--report", "leak.pdf"], "unknown kind of report"),
        (["rsi:14", "--interval", "7q"], "unknown interval"),
        (["rsi:14", "--bars", "gone.parquet"], "no such file"),
        (["rsi:14", "--seed", "-1"], "not a seed"),
        (["direction_7h", "--interval", "1d"], "whole number of bars"),
        (["lag.sql", "--target", "answer"], "no such target"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(words: list[str], what: str) -> None:
    with pytest.raises(BadInputError, match=what):
        run(["audit", *words])


def test_sql_reads_nothing_but_the_bars_and_is_one_select() -> None:
    for name, text in (
        ("read.sql", "select * from 'bars.parquet'"),
        ("two.sql", "select 1; select 2"),
        ("drop.sql", "drop table bars"),
    ):
        Path(name).write_text(text)
        with pytest.raises(BadInputError):
            run(["audit", name])


def test_bars_of_a_series_need_a_home() -> None:
    with pytest.raises(HomeError, match="no Assay home"):
        run(["audit", "rsi:14", "--symbol", "BTC-USDT"])
