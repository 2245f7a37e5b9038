"""What a parser returns: the rows that can be used, and those that cannot, each with its cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from assay.venues.errors import VenueError
from assay.venues.spec import Request, VenueSpec

REJECTED_SCHEMA = pl.Schema({"position": pl.Int64(), "cause": pl.String(), "raw": pl.String()})
"""Columns of :attr:`Parsed.rejected`: where the row stood in the page (from 0), why it was set aside, its text."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One page, read.

    Parameters
    ----------
    rows : polars.DataFrame, shape (n_rows, n_columns)
        Columns of the dataset, in the order of the page.
    rejected : polars.DataFrame, shape (n_rejected, 3)
        Columns of :data:`REJECTED_SCHEMA`, in the order of the page.
    """

    rows: pl.DataFrame
    rejected: pl.DataFrame

    @property
    def received(self) -> int:
        """How many rows the venue sent."""
        return self.rows.height + self.rejected.height


class Handler(Protocol):
    """Reads the answers of one endpoint; pure, and the same for answers that came by REST, stream or file."""

    def __call__(self, body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
        """Read `body`, the answer to `request` that was sent at `asked_at`.

        Raises
        ------
        PoisonPageError
            If the page as a whole cannot be used. A row that cannot be used never raises.
        VenueError
            If the body is an error of the venue.
        """
        ...


class ErrorReader(Protocol):
    """Reads a venue's error bodies."""

    def __call__(self, body: bytes) -> VenueError | None:
        """Return the error that `body` is, or None if it is none."""
        ...


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue with all that reads it: its declaration, one handler an endpoint, and the reader of its errors."""

    spec: VenueSpec
    handlers: Mapping[str, Handler]
    read_error: ErrorReader
