"""Reading the lake for a page: all of an answer from one snapshot, and nothing computed twice for the same one.

A selector gives :func:`answer` a question's name and a function of a :class:`Reading`. With a workspace that is kept
open (:meth:`~assay.pipelines.workspace.Workspace.kept_open`) the answer, and every part of it that was asked for
through the reading, is kept until the lake changes; otherwise it is computed each time.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from assay.domain.errors import HomeError, NotBuiltError
from assay.domain.interval import utc
from assay.lake import as_of as moments
from assay.lake.kept import Kept
from assay.lake.sealed import Documents, documents_of
from assay.lake.version import DataVersion, list_tables, read_version
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_Answer = TypeVar("_Answer")
_ATTEMPTS = 3


class _MovedError(Exception):
    """The lake went on between the look at its version and the first read."""


class Reading:
    """One look at the lake: all that is read through it is of one snapshot and one point of view.

    The lake is opened with the first read, so that an answer whose parts are all kept costs no connection.

    Attributes
    ----------
    as_of : datetime or None
        What was known at that moment; None is now.
    available_at : datetime or None
        What a system that ran at that moment would have had; None is now.
    version : DataVersion
        The snapshot.
    kept : Kept
        Where parts of answers are kept.
    documents : Documents
        Papers of models; each says the same for ever.
    """

    def __init__(
        self,
        as_of: datetime | None,
        version: DataVersion,
        kept: Kept,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        *,
        documents: Documents,
        available_at: datetime | None = None,
    ) -> None:
        self.documents = documents
        self.as_of = as_of
        self.available_at = available_at
        self.version = version
        self.kept = kept
        self._connect = connect
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def is_now(self) -> bool:
        """Whether no moment is asked of."""
        return self.as_of is None and self.available_at is None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The lake, at this snapshot."""
        if self._connection is None:
            connection = self._connect()
            if read_version(connection) != self.version:
                raise _MovedError
            self._connection = connection
        return self._connection

    def part(
        self,
        name: Hashable,
        compute: Callable[[Reading], _Answer],
        *,
        weigh: Callable[[_Answer], int] | None = None,
    ) -> _Answer:
        """Return what `compute` makes of this reading, from memory if it was asked for before."""
        return self.kept.get(self.version, (name, self.as_of, self.available_at), lambda: compute(self), weigh=weigh)

    def has(self, table: str) -> bool:
        """Whether the lake has the table ``schema.table``."""
        return table in self.part("tables", lambda one: list_tables(one.connection, one.version))

    def table(self, name: str, what: str = "") -> str:
        """Return SQL for a table from this point of view, to stand after FROM.

        Raises
        ------
        NotBuiltError
            If the lake does not have it yet; `what` is what a person would call it.
        """
        if not self.has(name):
            todo = "run `assay ingest` and `assay build`, or wait for the build that is under way"
            raise NotBuiltError(f"the lake holds no {what or name} yet", todo=todo)
        return moments.relation(name, self.as_of, self.available_at)

    def rows(self, sql: str, values: list[object] | None = None) -> list[dict[str, Any]]:
        """Return the rows of a query by the names of its columns."""
        found = self.connection.execute(sql, values or [])
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def answer(
    workspace: Workspace,
    question: Hashable,
    compute: Callable[[Reading], _Answer],
    *,
    as_of: datetime | None = None,
    available_at: datetime | None = None,
    weigh: Callable[[_Answer], int] | None = None,
) -> _Answer:
    """Return what `compute` makes of the lake as it is now, as it was known `as_of`, or as it was `available_at`.

    Parameters
    ----------
    workspace : Workspace
    question : hashable
        What is asked, with all that the answer depends on besides the lake and the two moments.
    compute : callable
    as_of, available_at : datetime, optional
    weigh : callable, optional
        Bytes of an answer, for those that are large.

    Raises
    ------
    BadInputError
        If a moment has no time zone.
    NotBuiltError
        If nothing was ever built.
    """
    moment = None if as_of is None else utc(as_of)
    available = None if available_at is None else utc(available_at)
    kept = Kept() if workspace.pool is None else workspace.pool.kept
    documents = documents_of(workspace.home)
    for _ in range(_ATTEMPTS if workspace.pool else 0):
        version = workspace.data_version()
        try:
            with contextlib.ExitStack() as opened:
                connect = functools.partial(opened.enter_context, workspace.lake())
                reading = Reading(moment, version, kept, connect, documents=documents, available_at=available)
                return reading.part(question, compute, weigh=weigh)
        except _MovedError:
            continue
        except HomeError:  # the catalogue may have been made anew while it was read
            if workspace.data_version() == version:
                raise
    with workspace.lake() as lake:  # a writer that commits all the time does not keep us from one snapshot
        now = read_version(lake)
        reading = Reading(moment, now, kept, lambda: lake, documents=documents, available_at=available)
        return reading.part(question, compute, weigh=weigh)
