"""The same computation again and again, on data without its future or with another one."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.domain.errors import AssayError, BadInputError
from assay.evidence.causality import frames
from assay.evidence.causality.changes import Changes
from assay.evidence.causality.frames import FloatArray, IntArray
from assay.evidence.causality.output import BoolArray, Output, Overlay, read_output
from assay.evidence.causality.state import Place, State, captured_frames
from assay.evidence.causality.subject import Subject
from assay.evidence.causality.table import Table

END = np.iinfo(np.int64).max
"""After everything."""
_KEPT_BYTES = 64_000_000
_COARSE = 0.02
START = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Another result, laid on the rows of the whole.

    Attributes
    ----------
    values : float64 array, shape (n_rows, n_columns)
    present : bool array, shape (n_rows,)
        Whether it has the row.
    own : int64 array
        When the rows were known that only it has.
    """

    values: FloatArray
    present: BoolArray
    own: IntArray


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows get other values: those known in ``(after, until]``, of some columns or of all.

    Attributes
    ----------
    every : int
        If not 0: of the moments in the span only each so-many-th.
    first : int
        The number of the first of them.
    happened : tuple of int
        Only rows of which what they tell happened in ``(from, to]``, whenever they came.
    """

    after: int
    until: int = END
    up: bool = True
    columns: tuple[str, ...] | None = None
    every: int = 0
    first: int = 0
    happened: tuple[int, int] = (START, END)


class Experiment:
    """A subject, its data, and what it makes of parts of them.

    Parameters
    ----------
    subject : Subject
    frame : DataFrame or Series
    sources : mapping of str to DataFrame
    seed : int
        Of the values that are put in the place of the future's.

    Raises
    ------
    BadInputError
        If the frame is none, or the subject fails on it.
    """

    def __init__(self, subject: Subject, frame: Any, sources: Mapping[str, Any], *, seed: int) -> None:  # noqa: ANN401
        self.subject = subject
        self.table = Table.of(frame, key=subject.key, time=subject.time)
        rng = np.random.default_rng(seed)
        self.sources = {name: Table.of(source) for name, source in sources.items()}
        self.captured: dict[str, tuple[Place, Table]] = {}
        for place in captured_frames(subject.compute):
            # A table without a time is a constant, and the frame itself may be within reach as well.
            if len(place.value) and frames.time_name(place.value):
                self.captured[place.name] = (place, Table.of(place.value))
        self.moments: IntArray = np.unique(np.concatenate([one.known for one in self.tables]))
        self.state = State(subject.compute)
        self.is_stateful = False
        self.calls = self.refused = 0
        self._changes = {id(one): Changes(one, rng) for one in self.tables}
        self.state.cool(self._try)
        whole = self.compute(self._all)
        assert isinstance(whole, Output)
        if not whole.values.size:
            lacking = "rows" if whole.columns else "columns"
            todo = "give bars on which it has something to say"
            raise BadInputError(f"nothing to audit: {subject.name} returns a table without {lacking}", todo=todo)
        self.whole = whole
        self.overlay = Overlay(whole, subject.tolerance, series=len(self.table.names))
        values = whole.values
        self.is_coarse = np.array([_is_coarse(values[:, at]) for at in range(values.shape[1])], dtype=np.bool_)
        self._seen: dict[Span, Seen | None] = {}
        self.is_stateful = bool(self.state.changes())

    @property
    def tables(self) -> list[Table]:
        """The frame, the sources, and what the subject reads without being given it."""
        return [self.table, *self.sources.values(), *(table for _, table in self.captured.values())]

    @functools.cached_property
    def place(self) -> IntArray:
        """Shape (n_rows,): the number of the last moment that each row of the whole may know of; -1 for none."""
        return self.place_of(self.whole.known)

    @functools.cached_property
    def is_made_up(self) -> BoolArray:
        """Shape (n_rows,): whether the input has no row with the key of each row of the whole."""
        whole, table = self.whole, self.table
        if whole.rows is not None:
            return np.zeros(whole.time.size, dtype=np.bool_)
        count = len(table.names) + 1
        ticks = np.unique(table.time)
        at = np.minimum(np.searchsorted(ticks, whole.time), ticks.size - 1)
        is_cross = whole.series < 0
        keys = np.searchsorted(ticks, table.time) * count + table.series
        is_there = np.isin(at * count + whole.series, keys) | is_cross
        return np.asarray(~(is_there & (ticks[at] == whole.time)), dtype=np.bool_)

    @functools.cached_property
    def has_late(self) -> bool:
        """Whether some row came after what it tells had happened."""
        return any(bool((one.known > one.event).any()) for one in self.tables)

    def place_of(self, known: IntArray) -> IntArray:
        """Return the number of the last moment at or before each of some."""
        return np.searchsorted(self.moments, known, side="right") - 1

    def again(self) -> Seen:
        """Compute on everything once more, without putting the state back."""
        found = self._read(self.compute(self._all, is_fresh=False))
        assert found is not None
        return found

    def until(
        self, moment: int, *, is_fresh: bool = True, with_captured: bool = True, by_event: bool = False
    ) -> Seen | None:
        """Compute on what was known at a moment, or on what had happened; None if the subject refuses so little."""

        def rows(table: Table) -> IntArray:
            is_left = not with_captured and any(table is one for _, one in self.captured.values())
            times = np.minimum(table.event, table.known) if by_event else table.known
            return np.flatnonzero(times <= (END if is_left else moment))

        if not rows(self.table).size:
            return None
        return self._read(self.compute(lambda one: (frames.take(one.frame, rows(one)), rows(one)), is_fresh=is_fresh))

    def remembered(self, span: Span) -> Seen | None:
        """As :meth:`changed`; the last ones are kept, for columns that ask for the same."""
        if span not in self._seen:
            if len(self._seen) * self.whole.values.nbytes > _KEPT_BYTES:
                self._seen.clear()
            self._seen[span] = self.changed(span)
        return self._seen[span]

    def changed(self, span: Span) -> Seen | None:
        """Compute on data with other values in a span; None if the subject refuses them."""

        def other(table: Table) -> tuple[Any, IntArray]:
            rows = (table.known > span.after) & (table.known <= span.until)
            if span.happened != (START, END):
                rows &= (table.event > span.happened[0]) & (table.event <= span.happened[1])
            if span.every:
                rows &= np.searchsorted(self.moments, table.known) % span.every == span.first
            frame = self._changes[id(table)].frame(rows, up=span.up, columns=span.columns)
            return frame, np.arange(len(table))

        return self._read(self.compute(other))

    def columns_free(self) -> list[str]:
        """Return the columns whose values can be changed, of all tables."""
        return list(dict.fromkeys(name for one in self.tables for name in one.free))

    def differ(self, seen: Seen, rows: IntArray | slice = slice(None), tolerance: float | None = None) -> BoolArray:
        """Return in which cells a result differs from the whole; a row that it lacks differs in none."""
        found = self.overlay.differ(self.whole.values[rows], seen.values[rows], tolerance)
        return np.asarray(found & seen.present[rows, None], dtype=np.bool_)

    def compute(self, given: Callable[[Table], tuple[Any, IntArray]], *, is_fresh: bool = True) -> Output | None:
        """Run the subject on what `given` makes of each table; None if it refuses anything but the whole."""
        if self.is_stateful and is_fresh:
            self.state.restore()
        frame, kept = given(self.table)
        others = {name: given(one)[0] for name, one in self.sources.items()}
        before = {name: place.value for name, (place, _) in self.captured.items()}
        is_whole = not self.calls
        self.calls += 1
        try:
            for place, table in self.captured.values():
                place.put(given(table)[0])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = self.subject.compute(frame, **others)
                return read_output(result, frame, self.table, kept, self.subject)
        except (Exception, SystemExit) as error:  # whatever a stranger's function raises; it may not end the audit
            if is_whole and isinstance(error, AssayError):
                raise
            if is_whole:
                raise _refusal(self.subject, error) from error
            self.refused += 1
            return None
        finally:
            for name, (place, _) in self.captured.items():
                place.put(before[name])

    def _try(self) -> None:
        """Run the subject on everything, whatever it may raise."""
        others = {name: self._all(one)[0] for name, one in self.sources.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.subject.compute(self._all(self.table)[0], **others)

    def _all(self, table: Table) -> tuple[Any, IntArray]:
        rows = np.arange(len(table))
        return frames.take(table.frame, rows), rows

    def _read(self, output: Output | None) -> Seen | None:
        if output is None:
            return None
        values, present, own = self.overlay.lay(output)
        return Seen(values, present, output.known[own])


def _refusal(subject: Subject, error: BaseException) -> AssayError:
    todo = "it has to take a frame (and the other tables by name) and return one; run it on these bars by itself"
    return BadInputError(f"{subject.name} fails on the whole of the data", value=_named(error), todo=todo)


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _is_coarse(values: FloatArray) -> bool:
    """Whether one value is frequent: a change in one direction may then change nothing."""
    there = values[~np.isnan(values)]
    return there.size > 0 and bool(np.unique(there, return_counts=True)[1].max() > max(_COARSE * there.size, 1))


def spread(items: Collection[int], count: int) -> list[int]:
    """Return up to `count` of some numbers, evenly spread over them.

    >>> spread(range(10), 4)
    [0, 3, 6, 9]
    """
    found = sorted(items)
    if len(found) <= count:
        return found
    return [found[int(at)] for at in np.linspace(0, len(found) - 1, count).round()]
