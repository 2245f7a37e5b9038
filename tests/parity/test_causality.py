"""I09: the causality prover. What is done of each row stands in README.md."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.command import Command

FEATURES = """
import polars as pl


def momentum(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.select("open_time", momentum=pl.col("close") / pl.col("close").shift(24) - 1)


def hopeful(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.select("open_time", momentum=pl.col("close").shift(-24) / pl.col("close") - 1)
"""


@pytest.fixture
def assay(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    (tmp_path / "features.py").write_text(FEATURES, encoding="utf-8")
    return Command(capsys, tmp_path / "home")


def test_I09_a_function_that_sees_the_future_is_named_with_column_and_lag_and_drawn(
    assay: Command, tmp_path: Path
) -> None:
    report = tmp_path / "leak.html"
    said = assay("audit", f"{tmp_path / 'features.py'}:hopeful", "--report", report, "--json")
    assert said.code == 4
    (found,) = said.document["audits"][0]["findings"]
    assert (found["kind"], found["column"], found["lag"]) == ("future_value", "momentum", 24)
    assert "shift" in found["cause"]
    page = report.read_text(encoding="utf-8")
    assert "24 bars ahead" in page
    assert "<svg" in page


def test_I09_an_honest_function_gets_a_certificate_of_its_code(assay: Command, tmp_path: Path) -> None:
    hashes = []
    for lag in (24, 48):
        (tmp_path / "features.py").write_text(FEATURES.replace("shift(24)", f"shift({lag})"), encoding="utf-8")
        said = assay("audit", f"{tmp_path / 'features.py'}:momentum", "--json")
        assert said.code == 0
        hashes.append(said.document["audits"][0]["certificate"]["code_hash"])
    assert hashes[0] != hashes[1]


@pytest.mark.parametrize("subject", ["rsi:14", "triple_barrier_24h_2_2"])
def test_I09_indicators_and_labels_are_audited_by_name(assay: Command, subject: str) -> None:
    said = assay("audit", subject, "--json")
    assert said.code == 0
    assert said.document["is_causal"] is True
    assert all(one["is_passed"] for one in said.document["audits"][0]["checks"])
