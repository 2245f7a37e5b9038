"""Rules as people write them: what they say, and that they can say nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from assay.backtest.rules import parse_rule
from assay.domain.errors import BadInputError

A = np.array([1.0, 2.0, 3.0, np.nan, 5.0])
B = np.array([2.0, 2.0, 2.0, 2.0, np.nan])
COLUMNS = {"a": A, "b": B, "rsi:14@4h": A}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < 2", [1, 0, 0, 0, 0]),
        ("2<=a", [0, 1, 1, 0, 1]),
        ("a == 2", [0, 1, 0, 0, 0]),
        ("a > b", [0, 0, 1, 0, 0]),
        ("a > -1e0", [1, 1, 1, 0, 1]),
        ("rsi:14@4h > 2", [0, 0, 1, 0, 1]),
        ("a crosses above 2", [0, 0, 1, 0, 0]),
        ("b Crosses Below a", [0, 0, 1, 0, 0]),
        ("a < 2 or a > 2 and b > 2", [1, 0, 0, 0, 0]),  # `and` binds closer
        ("(a < 2 or a > 2) and b >= 2", [1, 0, 1, 0, 0]),
        ("a < 9 AND b < 9 AND a >= b", [0, 1, 1, 0, 0]),
    ],
)
def test_rule_holds_where_its_comparisons_do_and_nowhere_else(text: str, expected: list[int]) -> None:
    assert parse_rule(text).holds(COLUMNS).tolist() == [bool(one) for one in expected]


def test_rule_names_each_column_once_and_keeps_its_text() -> None:
    rule = parse_rule("  a < b\n and (a > 1 or b < 3)")
    assert (rule.columns, rule.text) == (("a", "b"), "a < b and (a > 1 or b < 3)")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "missing at its end"),
        ("a", "a comparison is missing"),
        ("a <", "missing at its end"),
        ("1 < 2", "it names no column"),
        ("a < 2)", "nothing can follow"),
        ("(a < 2", "a bracket is not closed"),
        ("a != 2", "not understood"),
        ("a < 1 < 2", "nothing can follow"),
        ("a crosses 2", "no comparison"),
        ("and < 2", "in the place of 'and'"),
        ("not a < 2", "no comparison"),
        ("__import__('os').system('true')", "not understood"),
        ("a < b[0]", "not understood"),
        ("a < 2x", "not understood"),
        ("a < \N{ARABIC-INDIC DIGIT THREE}", "not understood"),
        ("a < 1e999", "a number beyond all: '1e999'"),
        ("(" * 21 + "a < 1" + ")" * 21, "brackets in one another"),
        ("a < 1 or " * 200 + "a < 1", "without end"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        parse_rule(text)


def test_names_that_python_takes_for_numbers_are_columns() -> None:
    assert parse_rule("nan < 2 or inf > 3").columns == ("nan", "inf")
