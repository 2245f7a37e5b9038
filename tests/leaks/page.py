"""The table of planted leaks in the docs: made by running them, ``python -m tests.leaks.page`` writes it anew."""

from __future__ import annotations

from pathlib import Path

from assay.evidence.causality import Finding
from tests.leaks import full_sample, future_values, longer_bars, other_tables, rare, targets
from tests.leaks.cases import CASES, Case

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "causality.md"
BEGIN, END = "<!-- planted leaks: written by tests/leaks/page.py -->", "<!-- end of planted leaks -->"
THEMES = (future_values, full_sample, longer_bars, other_tables, targets, rare)
"""Each plants its functions when it is imported; the page shows them in this order."""

_ORDER = [module.__name__ for module in THEMES]
PLANTED = sorted(CASES.planted, key=lambda case: _ORDER.index(case.function.__module__))
HONEST = sorted(CASES.honest, key=lambda case: _ORDER.index(case.function.__module__))


def row_of(case: Case, found: Finding) -> str:
    """Return the row of the table that tells what was found of a mistake."""
    ahead = "" if case.lag is None else f"{found.lag}"
    return f"| {case.what} | `{found.kind}` | {f'`{found.column}`' if found.column else 'rows'} | {ahead} |"


def rows_of_page(text: str) -> list[str]:
    """Return the rows of the table in a page."""
    table = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip().splitlines()
    return table[2:]


def _write() -> None:
    rows: list[str] = []
    for case in PLANTED:
        findings = case.audit().findings
        rows.extend(row_of(case, one) for one in findings if one.kind is case.kind and one.column == case.column)
    head = ["| mistake | found | in | bars ahead |", "|---|---|---|---|"]
    text = PAGE.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    PAGE.write_text("\n".join([before, *head, *rows, after]), encoding="utf-8")


if __name__ == "__main__":
    _write()
