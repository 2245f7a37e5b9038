"""What is audited: anything that makes a table from a table.

>>> import polars as pl
>>> subject = Subject.of(lambda bars: bars.select("open_time", change=pl.col("close").diff()), name="change")
>>> subject.name, subject.target
('change', '')
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assay.domain.errors import BadInputError
from assay.evidence.causality.source import source_of

Compute = Callable[..., Any]
"""Takes a frame (and others by name), Polars or pandas, and returns a frame, a series or an array."""

TOLERANCE = 1e-10
"""Differences below this part of a value, or of the usual size of its column, are rounding: libraries that sum in
blocks give other last digits when rows are taken away."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A computation, and what its columns mean.

    Attributes
    ----------
    name : str
    compute : callable
        Gets the frame, and the other tables by their names; returns a frame, a series, or an array as long as the
        frame.
    key : tuple of str
        Columns that tell series apart; by default those of venue, market, symbol and interval that are there.
    time : str
        Column of the time of a row; by default open_time, time, timestamp, date, or the first column of moments.
    known_at : str
        Column of the output: from when on a row may be used.
    target : str
        Column of the output that is the label: it may look ahead, and the others are held against it.
    tolerance : float
        Largest difference that is none, as a part of the value; 0 is bit for bit.
    config, code : str
        What a certificate is about; the code is read from the function by default.
    """

    name: str
    compute: Compute
    key: tuple[str, ...] = ()
    time: str = ""
    known_at: str = ""
    target: str = ""
    tolerance: float = TOLERANCE
    config: str = ""
    code: str = ""

    @classmethod
    def of(cls, given: Subject | Compute, **changes: object) -> Subject:
        """Return a function as a subject, or a subject with other fields.

        Raises
        ------
        BadInputError
            If it can be called as neither.
        """
        if isinstance(given, Subject):
            return dataclasses.replace(given, **changes)  # type: ignore[arg-type]
        if not callable(given):
            todo = "give a function that takes a frame and returns one"
            raise BadInputError("nothing that can be audited", value=given, todo=todo)
        name = str(getattr(given, "__qualname__", type(given).__name__)).rpartition("<locals>.")[2]
        subject = cls(name, given)
        return dataclasses.replace(subject, **changes) if changes else subject  # type: ignore[arg-type]

    @property
    def source(self) -> str:
        """The text of the code: the function, and what it uses of its own module."""
        return self.code or source_of(self.compute)
