"""Walk-forward splits that no label can look across.

Time is cut into ``folds + 1`` blocks of equal row counts; each block after the first is foretold by a model that was
taught on what came before it. A label knows the price up to its span's end, so a training row is dropped (purged)
when its span reaches past the moment the test block begins.
Reference: López de Prado (2018), "Advances in Financial Machine Learning", chapter 7.

>>> import numpy as np
>>> start = np.arange(12) * 10
>>> for fold in walk_forward(start, start + 20, folds=2, min_rows=1):
...     print(fold.train.tolist(), fold.test.tolist())
[0, 1, 2] [4, 5, 6, 7]
[0, 1, 2, 3, 4, 5, 6] [8, 9, 10, 11]
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Row numbers to learn from and row numbers to be tested on, both in order of time."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    test_start: int
    """Microseconds: the moment of the first forecast of the block; all training labels are known by then."""


def walk_forward(
    span_start: NDArray[np.int64],
    span_end: NDArray[np.int64],
    *,
    folds: int,
    embargo_us: int = 0,
    min_rows: int = 100,
) -> tuple[Fold, ...]:
    """Split labelled rows into consecutive test blocks, each with all usable rows before it to learn from.

    Block k of the ``folds + 1`` blocks holds the rows from ``k * n // (folds + 1)`` on; block 0 is only learned from.
    Rows of the same moment are never parted: a boundary moves back to the first of them.

    Parameters
    ----------
    span_start : ndarray of int64, shape (n,)
        Moment of each row's forecast in microseconds, not decreasing.
    span_end : ndarray of int64, shape (n,)
        Moment at which each row's label is known, after its start.
    folds : int
        Test blocks, at least one.
    embargo_us : int, default 0
        Extra time between the end of the last training label and the start of the test block.
    min_rows : int, default 100
        Fewest rows a training or test block may have.

    Returns
    -------
    tuple of Fold, length `folds`
        Training rows are exactly those with ``span_end + embargo_us <= test_start``. No row is tested twice.

    Raises
    ------
    BadInputError
        If the spans are out of order or arguments out of range.
    NoDataError
        If a block would have too few rows.
    """
    _check(span_start, span_end, folds, embargo_us)
    min_rows = max(1, min_rows)
    count = span_start.size
    if count < (folds + 1) * min_rows:
        raise _too_little(count, folds, min_rows)
    cuts = [k * count // (folds + 1) for k in range(1, folds + 1)]
    cuts = [int(np.searchsorted(span_start, span_start[cut])) for cut in cuts] + [count]
    result = []
    for begin, end in pairwise(cuts):
        test_start = int(span_start[begin])
        train = np.flatnonzero(span_end[:begin] + embargo_us <= test_start)
        if end - begin < min_rows or train.size < min_rows:
            raise _too_little(count, folds, min_rows)
        result.append(Fold(train, np.arange(begin, end), test_start))
    return tuple(result)


def _too_little(count: int, folds: int, min_rows: int) -> NoDataError:
    todo = f"each of {folds + 1} blocks needs {min_rows} after purging; import a longer period or use fewer folds"
    return NoDataError("too few labelled rows to train and test on", value=count, todo=todo)


def _check(span_start: NDArray[np.int64], span_end: NDArray[np.int64], folds: int, embargo_us: int) -> None:
    if folds < 1:
        raise BadInputError("at least one fold is needed", value=folds)
    if embargo_us < 0:
        raise BadInputError("an embargo cannot be negative", value=embargo_us)
    if span_start.shape != span_end.shape or span_start.ndim != 1:
        raise BadInputError("every label needs a start and an end", value=f"{span_start.shape}, {span_end.shape}")
    if np.any(np.diff(span_start) < 0):
        raise BadInputError("rows must be in order of time", todo="sort them by the start of their spans")
    if np.any(span_end <= span_start):
        raise BadInputError("a label must end after it starts", todo="give spans as [forecast, known] in microseconds")
