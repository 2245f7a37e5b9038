"""A page is read at once if it is as documented, else row by row, with the same result."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.venues.errors import PoisonPageError
from assay.venues.page import Count, Id, Milliseconds, Seconds, read_list, read_one, read_rows, split, transposed
from assay.venues.spec import Request

REQUEST = Request("v", "e", "/e", (), 1)


class Pair(NamedTuple):
    number: Count
    text: str


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.text())))
def test_row_by_row_gives_the_same_as_all_at_once(pairs: list[tuple[int, str]]) -> None:
    body = msgspec.json.encode(pairs)
    whole, apart = read_list(body, Pair, request=REQUEST), read_rows(split(body), Pair)
    assert list(whole.rows) == list(apart.rows) == pairs
    assert list(whole.positions) == list(apart.positions) == list(range(len(pairs)))
    assert not whole.rejected
    assert not apart.rejected
    assert whole.raws(whole.positions) == apart.raws(apart.positions)


def test_bad_rows_are_set_aside_with_place_cause_and_text() -> None:
    page = read_list(b'[[1,"a"], [2, 5 ],[3,"c"],[-1,"d"],"\xff"]', Pair, request=REQUEST)
    assert list(page.rows) == [(1, "a"), (3, "c")]
    assert list(page.positions) == [0, 2]
    assert [one.position for one in page.rejected] == [1, 3, 4]
    assert [one.raw for one in page.rejected] == ["[2, 5 ]", '[-1,"d"]', '"\ufffd"']
    assert "Expected `str`, got `int` - at `$[1]`" in page.rejected[0].cause
    assert ">= 0" in page.rejected[1].cause


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "the page is empty"),
        (b" \n", "the page is empty"),
        (b"<!DOCTYPE html>", "HTML"),
        (b'[[1,"a"],[2', "not JSON: Input data was truncated"),
        (b'{"a":1}', "not as documented: Expected `array`, got `object`"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_useless_page_is_poison_with_its_cause(body: bytes, cause: str) -> None:
    with pytest.raises(PoisonPageError, match=cause.replace("[", r"\[")):
        read_list(body, Pair, request=REQUEST)


def test_page_that_is_one_thing_is_poison_if_any_of_it_is_wrong() -> None:
    assert read_one(b'[[1,"a"]]', list[Pair], request=REQUEST) == [(1, "a")]
    with pytest.raises(PoisonPageError):
        read_one(b'[[1,"a"],[2,3]]', list[Pair], request=REQUEST)


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (Milliseconds, (1_704_067_200_000,), (1_704_067_200, 1_704_067_200_000_000, -1, 2**70)),
        (Seconds, (1_704_067_200,), (1_704_067_200_000, 0)),
        (Count, (0, 2**63 - 1), (-1, 2**63)),
        (Id, (-1, 7), (-2, 2**63)),
    ],
)
def test_whole_numbers_out_of_range_are_refused(kind: type[int], right: tuple[int], wrong: tuple[int]) -> None:
    for number in right:
        assert msgspec.json.decode(str(number), type=kind) == number
    for number in wrong:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(str(number), type=kind)


def test_columns_of_no_rows_are_empty() -> None:
    assert transposed([], ("a", "b")) == {"a": (), "b": ()}
