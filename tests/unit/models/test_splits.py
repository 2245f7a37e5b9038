"""Walk-forward splits: no label ever looks across, whatever the times are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import AssayError, BadInputError, NoDataError
from assay.models.splits import walk_forward


@st.composite
def spans(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Return starts with ties and gaps, and ends at irregular distances: a later label may be known earlier."""
    steps = draw(st.lists(st.sampled_from([0, 1, 1, 1, 2, 50]), min_size=1, max_size=80))
    lengths = draw(st.lists(st.integers(1, 30), min_size=len(steps), max_size=len(steps)))
    starts = np.cumsum(steps)
    return starts.tolist(), (starts + lengths).tolist()


@given(spans=spans(), folds=st.integers(1, 6), embargo=st.sampled_from([0, 1, 10]))
def test_no_training_span_ever_reaches_into_its_test_block(
    spans: tuple[list[int], list[int]], folds: int, embargo: int
) -> None:
    start, end = np.array(spans[0]), np.array(spans[1])
    try:
        result = walk_forward(start, end, folds=folds, embargo_us=embargo, min_rows=1)
    except NoDataError:
        return
    assert len(result) == folds
    for fold in result:
        assert fold.test_start == min(start[fold.test])
        # Brute force: no pair of a training and a test span has a moment in common, embargo included.
        for i in fold.train:
            assert all(end[i] + embargo <= start[j] for j in fold.test)
        # Nothing is thrown away needlessly: every earlier row that was left out would have reached across.
        usable = [i for i in range(start.size) if end[i] + embargo <= fold.test_start]
        assert fold.train.tolist() == usable
    tested = np.concatenate([fold.test for fold in result])
    assert tested.tolist() == list(range(tested[0], start.size))
    assert not any(start[a.test[-1]] == start[b.test[0]] for a, b in pairwise(result))


def test_hourly_rows_with_a_day_ahead_lose_the_day_before_the_test() -> None:
    start = np.arange(700)
    folds = walk_forward(start, start + 24, folds=6, min_rows=50)
    assert [fold.test[0] for fold in folds] == [100, 200, 300, 400, 500, 600]
    # The label of row r is known at r + 24; the last with r + 24 <= 100 is row 76.
    assert folds[0].train.tolist() == list(range(77))


def test_embargo_moves_training_further_back() -> None:
    start = np.arange(300)
    fold = walk_forward(start, start + 10, folds=1, embargo_us=7)[0]
    assert fold.train[-1] == 150 - 10 - 7


def test_row_after_an_outage_purges_by_time_and_not_by_rows() -> None:
    # 100 hourly rows, an outage of 50 hours, 100 more: at the test's start every earlier label of 24 h is known.
    start = np.concatenate((np.arange(100), np.arange(150, 250)))
    fold = walk_forward(start, start + 24, folds=1)[0]
    assert fold.train.tolist() == list(range(100))


def test_too_little_data_is_refused_in_words() -> None:
    start = np.arange(100)
    with pytest.raises(NoDataError, match=r"too few labelled rows .* '100'; each of 7 blocks needs 100"):
        walk_forward(start, start + 1, folds=6)


def test_training_block_eaten_up_by_the_purge_is_refused() -> None:
    start = np.arange(300)
    with pytest.raises(NoDataError, match="after purging"):
        walk_forward(start, start + 100, folds=1, min_rows=100)


def test_no_rows_at_all_are_refused() -> None:
    none = np.zeros(0, dtype=np.int64)
    with pytest.raises(NoDataError):
        walk_forward(none, none, folds=1, min_rows=0)


@pytest.mark.parametrize(
    ("start", "end", "options", "words"),
    [
        ([1, 0], [2, 2], {"folds": 1}, "order of time"),
        ([0, 1], [1, 1], {"folds": 1}, "end after it starts"),
        ([0, 1], [1], {"folds": 1}, "a start and an end"),
        ([0, 1], [1, 2], {"folds": 0}, "at least one fold"),
        ([0, 1], [1, 2], {"folds": 1, "embargo_us": -1}, "embargo"),
    ],
)
def test_nonsense_is_refused(start: list[int], end: list[int], options: dict[str, int], words: str) -> None:
    with pytest.raises(BadInputError, match=words) as caught:
        walk_forward(np.array(start), np.array(end), **options)
    assert isinstance(caught.value, AssayError)
