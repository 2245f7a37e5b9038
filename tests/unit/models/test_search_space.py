"""Where searches look: both ends are parameters that the estimator takes, and the reference says which they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.domain.errors import BadInputError
from assay.models.registry import TASKS, Task, known_estimators, new_estimator, search_space
from assay.models.search_space import Range

COLUMNS = ("hour_utc", "rsi_14")
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "estimators.md"
EVERY = [(task, name) for task in TASKS for name in known_estimators(task)]


@pytest.mark.parametrize(("task", "name"), EVERY)
def test_both_ends_of_every_range_are_taken_and_the_usual_value_lies_between(task: Task, name: str) -> None:
    usual = new_estimator(task, name, COLUMNS)
    for parameter, found in search_space(task, usual).items():
        assert found.least <= float(usual.parameters[parameter]) <= found.most, parameter
        for end in (found.least, found.most):
            value = int(end) if found.is_whole else end
            made = new_estimator(task, name, COLUMNS, {**usual.parameters, parameter: value})
            assert made.parameters[parameter] == value


def test_reference_says_every_range() -> None:
    lines = {line.split("`")[1]: line for line in REFERENCE.read_text().splitlines() if line.startswith("- `")}
    for task, name in EVERY:
        if name in ("voting", "calibrated"):
            continue
        for parameter, found in search_space(task, new_estimator(task, name, COLUMNS)).items():
            assert f"`{parameter}` {found.least:g} to {found.most:g}" in lines[name], (name, parameter)


def test_parts_have_the_names_of_the_whole() -> None:
    voting = new_estimator("direction", "voting", COLUMNS, {"members": "logistic,base_rate"})
    assert list(search_space("direction", voting)) == ["logistic.inverse_penalty"]
    calibrated = new_estimator("direction", "calibrated", COLUMNS, {"of": "xgboost"})
    assert "xgboost.depth" in search_space("direction", calibrated)
    assert search_space("direction", new_estimator("direction", "base_rate", COLUMNS)) == {}


def test_ranges_that_are_none_are_refused() -> None:
    for least, most, is_log in ((1.0, 1.0, False), (2.0, 1.0, False), (0.0, 1.0, True), (0.0, float("inf"), False)):
        with pytest.raises(BadInputError, match="not a range to search"):
            Range(least, most, is_log)
