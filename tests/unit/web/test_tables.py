"""Tables sorted and searched by their address."""

from __future__ import annotations

import math

import pytest

from assay.domain.errors import BadInputError
from assay.web.tables import Column, Sort, arrange, headers, matching, read_sort, search_of

Row = tuple[str, float | None]
COLUMNS: tuple[Column[Row], ...] = (
    Column("name", "Name", lambda row: row[0]),
    Column("size", "Size", lambda row: row[1], is_number=True, hide="w1"),
)
ROWS: list[Row] = [("b", 1.0), ("a", None), ("d", math.nan), ("c", 2.0), ("e", 1.0)]


@pytest.mark.parametrize(("is_descending", "names"), [(True, "cbead"), (False, "becad")])
def test_rows_without_a_value_come_last_either_way(is_descending: bool, names: str) -> None:
    found = arrange(ROWS, COLUMNS, Sort("size", is_descending=is_descending))
    assert "".join(name for name, _ in found) == names


def test_numbers_begin_with_the_largest_and_names_with_a() -> None:
    default = Sort("name")
    assert read_sort({}, COLUMNS, default) == default
    assert read_sort({"sort": "size"}, COLUMNS, default) == Sort("size", is_descending=True)
    assert read_sort({"sort": "name"}, COLUMNS, default) == Sort("name")
    assert read_sort({"sort": "size", "dir": "asc"}, COLUMNS, default) == Sort("size")


@pytest.mark.parametrize("query", [{"sort": "size; drop table"}, {"sort": "size", "dir": "sideways"}])
def test_unknown_column_or_direction_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadInputError, match="no (column|direction)"):
        read_sort(query, COLUMNS, Sort("name"))


def test_click_on_the_sorted_column_turns_it_round() -> None:
    name, size = headers(COLUMNS, Sort("size", is_descending=True))
    assert (size.aria_sort, size.next_direction, size.css) == ("descending", "asc", "n w1")
    assert (name.aria_sort, name.next_direction) == ("", "asc")


def test_search_ignores_case_and_cuts_what_is_too_long() -> None:
    assert [name for name, _ in matching(ROWS, "A", lambda row: (row[0], None))] == ["a"]
    assert search_of({"q": f"  {'x' * 500} "}) == "x" * 60
