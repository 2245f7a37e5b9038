"""Sorting and searching a table by its address, so that it works without a script and a link shows what was seen.

>>> columns = (Column("name", "Name", lambda row: row[0]), Column("size", "Size", lambda row: row[1], is_number=True))
>>> rows = [("a", 2.0), ("b", None), ("c", 3.0)]
>>> [row[0] for row in arrange(rows, columns, Sort("size", is_descending=True))]
['c', 'a', 'b']
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from assay.domain.errors import BadInputError

Row = TypeVar("Row")
_LONGEST_SEARCH = 60


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column that can be sorted by.

    Attributes
    ----------
    key : str
        Its name in the address.
    title : str
    value : callable
        Row to what is compared; None and NaN come last either way.
    is_number : bool
        Right-aligned, and sorted from the largest first.
    hide : str
        CSS class that says from which width on it is shown.
    unit : str
        Shown small beside the title.
    """

    key: str
    title: str
    value: Callable[[Row], Any]
    is_number: bool = False
    hide: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Sort:
    """The column a table is sorted by, and which way."""

    key: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """A column's heading: what it says, and what a click on it asks for."""

    title: str
    unit: str
    key: str
    aria_sort: str
    next_direction: str
    css: str


def read_sort(query: Mapping[str, str], columns: Sequence[Column[Row]], default: Sort) -> Sort:
    """Return how ``?sort=&dir=`` asks for the table.

    Raises
    ------
    BadInputError
        If there is no such column or direction.
    """
    key, way = query.get("sort", ""), query.get("dir", "")
    if not key:
        return default
    column = next((one for one in columns if one.key == key), None)
    if column is None:
        raise BadInputError("no column to sort by", value=key, todo=f"use {', '.join(one.key for one in columns)}")
    if way not in ("", "asc", "desc"):
        raise BadInputError("no direction to sort in", value=way, todo="use asc or desc")
    return Sort(key, way == "desc" if way else column.is_number)


def arrange(rows: Iterable[Row], columns: Sequence[Column[Row]], sort: Sort) -> list[Row]:
    """Return the rows in the order of `sort`; equal ones stay as they were, and what has no value comes last."""
    value = next(column.value for column in columns if column.key == sort.key)
    known: list[Row] = []
    unknown: list[Row] = []
    for row in rows:
        found = value(row)
        is_known = found is not None and not (isinstance(found, float) and math.isnan(found))
        (known if is_known else unknown).append(row)
    return sorted(known, key=value, reverse=sort.is_descending) + unknown


def headers(columns: Sequence[Column[Row]], sort: Sort) -> list[Header]:
    """Return the headings of the table as it is sorted."""
    return [_header(column, sort) for column in columns]


def _header(column: Column[Row], sort: Sort) -> Header:
    is_sorted = column.key == sort.key
    aria = ("descending" if sort.is_descending else "ascending") if is_sorted else ""
    turned = "asc" if sort.is_descending else "desc"
    way = turned if is_sorted else ("desc" if column.is_number else "asc")
    css = " ".join(part for part in ("n" if column.is_number else "", column.hide) if part)
    return Header(column.title, column.unit, column.key, aria, way, css)


def search_of(query: Mapping[str, str]) -> str:
    """Return what ``?q=`` looks for; longer texts are cut."""
    return query.get("q", "").strip()[:_LONGEST_SEARCH]


def matching(rows: Iterable[Row], text: str, words: Callable[[Row], Iterable[str | None]]) -> list[Row]:
    """Return the rows one of whose words contains `text`, whatever the case."""
    wanted = text.casefold()
    return [row for row in rows if any(wanted in (word or "").casefold() for word in words(row))]
