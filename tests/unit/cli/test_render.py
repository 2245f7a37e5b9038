"""One object, shown as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from assay.cli.render import emit, table, to_json
from assay.domain.instrument import Market


@dataclass(frozen=True, slots=True)
class Answer:
    accuracy: float
    since: datetime


def test_json_knows_every_kind_of_value_an_answer_holds() -> None:
    document = {
        "answer": Answer(float("nan"), datetime(2024, 1, 1, tzinfo=UTC)),
        Market.SPOT: [Market.USDM, date(2024, 1, 1), timedelta(minutes=1), Path("a/b")],
        "numpy": [np.float64(1.5), np.float64("inf"), np.int64(2), np.bool_(True), np.arange(3)],
        "plain": (None, True, 3, 0.1, "ü"),
    }
    assert json.loads(to_json(document)) == {
        "answer": {"accuracy": None, "since": "2024-01-01T00:00:00+00:00"},
        "spot": ["usdm", "2024-01-01", 60.0, "a/b"],
        "numpy": [1.5, None, 2, True, [0, 1, 2]],
        "plain": [None, True, 3, 0.1, "ü"],
    }


def test_float_keeps_all_its_digits_in_json() -> None:
    assert json.loads(to_json(0.1 + 0.2)) == 0.1 + 0.2


def test_text_is_made_only_when_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"n": 1}, as_json=True, text=lambda: pytest.fail("made for nobody"))
    assert capsys.readouterr().out == '{"n": 1}\n'
    emit({"n": 1}, as_json=False, text=lambda: "one")
    assert capsys.readouterr().out == "one\n"


def test_table_aligns_numbers_right_and_words_left() -> None:
    shown = table(("layer", "rows", "share"), [("bronze", 12345, 0.5), ("gold", None, 1 / 3)])
    assert shown.splitlines() == [
        "layer     rows         share",
        "bronze  12,345           0.5",
        "gold         -  0.3333333333",
    ]


def test_table_without_rows_is_its_header() -> None:
    assert table(("layer", "rows"), []) == "layer  rows"
