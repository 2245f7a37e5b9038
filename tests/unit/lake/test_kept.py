"""Answers are kept for one version of the lake, within bounds, and computed once however many ask."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from assay.lake.kept import Kept


def test_the_answer_asked_for_longest_ago_goes_when_there_is_no_room() -> None:
    kept = Kept(most_bytes=300)
    for name in ("a", "b", "c"):
        kept.get(1, name, lambda name=name: name, weigh=lambda _: 100)  # type: ignore[misc]
    kept.get(1, "a", lambda: "again", weigh=lambda _: 100)
    kept.get(1, "d", lambda: "d", weigh=lambda _: 100)
    assert len(kept) == 3
    assert kept.weight == 300
    assert kept.get(1, "a", lambda: "computed") == "a"
    assert kept.get(1, "b", lambda: "computed", weigh=lambda _: 100) == "computed"


def test_an_answer_heavier_than_the_room_is_given_and_not_kept() -> None:
    kept = Kept(most_bytes=100)
    assert kept.get(1, "a", lambda: "large", weigh=lambda _: 101) == "large"
    assert len(kept) == 0


def test_a_new_version_forgets_the_old_one_and_a_late_answer_to_it_is_not_kept() -> None:
    kept = Kept()
    kept.get(1, "a", lambda: "old")
    kept.get(2, "a", lambda: "new")
    assert kept.get(1, "a", lambda: "old again") == "old again"
    assert kept.get(2, "a", lambda: "never") == "new"
    assert len(kept) == 1


def test_what_could_not_be_computed_is_tried_again() -> None:
    kept = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.get(1, "a", lambda: 1 // 0)
    assert kept.get(1, "a", lambda: 1) == 1


def test_an_answer_that_is_none_is_kept_like_any_other() -> None:
    kept = Kept()
    assert kept.get(1, "a", lambda: None) is None
    assert kept.get(1, "a", lambda: "computed") is None


def test_eight_threads_that_ask_at_once_compute_each_answer_once() -> None:
    kept, computed = Kept(), Counter[str]()
    together = threading.Barrier(8)
    found: list[list[str]] = []

    def compute(name: str) -> str:
        computed[name] += 1
        time.sleep(0.01)
        return name.upper()

    def ask() -> None:
        together.wait()
        found.append([kept.get(1, name, lambda name=name: compute(name)) for name in "abcd"])  # type: ignore[misc]

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [list("ABCD")] * 8
    assert computed == Counter("abcd")
