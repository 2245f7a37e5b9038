"""A parity test is named after the row of the scope that it is about, and the README says what of that row is done."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
COUNTS = {
    "S": 17, "R": 8, "L": 11, "I": 9, "M": 11, "B": 7, "P": 6, "A": 3, "W": 13, "O": 10,
}  # fmt: skip
KNOWN = {f"{letter}{number:02}" for letter, count in COUNTS.items() for number in range(1, count + 1)}
NAME = re.compile(r"^def (test_\w+)\(", flags=re.MULTILINE)


def _names() -> dict[str, list[str]]:
    """Return the names of the tests of every other file here."""
    files = sorted(path for path in HERE.glob("test_*.py") if path.name != Path(__file__).name)
    return {path.name: NAME.findall(path.read_text(encoding="utf-8")) for path in files}


def test_every_parity_test_is_named_after_a_row_of_the_scope() -> None:
    names = _names()
    assert sum(map(len, names.values())) > 10
    strangers = [
        f"{file}: {name}"
        for file, all_of_it in names.items()
        for name in all_of_it
        if not re.match(r"test_[A-Z]\d\d_[a-z]", name) or name[5:8] not in KNOWN
    ]
    assert strangers == []


def test_the_readme_says_what_is_done_of_every_row_that_has_a_test_and_of_no_other() -> None:
    text = (HERE / "README.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| ([A-Z]\d\d) \|", text, flags=re.MULTILINE)
    assert described == sorted(set(described), key=lambda row: (list(COUNTS).index(row[0]), row))
    assert set(described) == {name[5:8] for names in _names().values() for name in names}
