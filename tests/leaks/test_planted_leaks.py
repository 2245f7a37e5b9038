"""Every planted mistake is found and called by its name, and no honest twin is accused."""

from __future__ import annotations

import pytest
from _pytest.mark import ParameterSet

from assay.evidence.causality import Leak
from assay.evidence.causality.report import report_html
from tests.leaks import rare
from tests.leaks.cases import Case
from tests.leaks.page import HONEST, PAGE, PLANTED, row_of, rows_of_page


def each(cases: list[Case]) -> list[ParameterSet]:
    return [pytest.param(case, marks=[pytest.mark.soak] * case.is_seldom, id=case.name) for case in cases]


@pytest.mark.parametrize("case", each(PLANTED))
def test_planted_leak_is_found_with_its_name_column_and_lag(case: Case) -> None:
    audit = case.audit()
    assert not audit.is_causal
    assert audit.certificate is None
    assert {one.kind for one in audit.findings} <= {case.kind, *case.also}, audit.text()
    found = [one for one in audit.findings if one.kind is case.kind and one.column == case.column]
    assert len(found) == 1, audit.text()
    assert case.lag in (None, found[0].lag), audit.text()
    # A person can act on it: it says why and what to do.
    assert len(found[0].cause) > 10
    assert len(found[0].todo) > 10
    # The page of the docs says what was found, and the report shows it.
    assert row_of(case, found[0]) in rows_of_page(PAGE.read_text(encoding="utf-8"))
    report = report_html([audit])
    assert found[0].kind in report
    assert ("<svg" in report) or not (found[0].evidence and found[0].evidence.times)


@pytest.mark.parametrize("case", each(HONEST))
def test_honest_twin_is_not_accused(case: Case) -> None:
    audit = case.audit()
    assert audit.is_causal, audit.text()
    assert all(check.is_passed for check in audit.checks)


def test_an_audit_leaves_no_trace_and_says_the_same_again() -> None:
    case = next(case for case in PLANTED if case.name == "mean_kept_in_a_global")
    kept = rare._MEANS
    kept["close"] = 77.0
    try:
        first, second = case.audit(), case.audit()
        assert (rare._MEANS, rare._MEANS is kept) == ({"close": 77.0}, True)
    finally:
        kept.clear()
    # What an earlier call has kept hides nothing.
    assert first.text() == second.text()
    assert [one.kind for one in first.findings] == [Leak.HIDDEN_STATE]


def test_page_lists_every_planted_leak_and_no_other() -> None:
    rows = rows_of_page(PAGE.read_text(encoding="utf-8"))
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [case.what for case in PLANTED]


def test_enough_is_planted_and_every_kind_is_among_it() -> None:
    assert sum(not case.is_seldom for case in PLANTED) >= 40
    assert sum(not case.is_seldom for case in HONEST) >= 28
    names = [case.name for case in (*PLANTED, *HONEST)]
    assert len(set(names)) == len(names)
    assert {case.kind for case in PLANTED if not case.is_seldom} == set(Leak) - {Leak.UNEXPLAINED}
