"""The holes that a backfill leaves, in the words of every other list of holes; the home need not be built yet.

The proof says which bars are neither final nor known to be on their way, and how often they were asked for. Why they
are missing is told as for ``assay gaps``: by the answers, the venue's lists, its other symbols and the tables, as far
as there are any.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from assay.domain.errors import NotBuiltError
from assay.domain.spans import Spans
from assay.lake.coverage_proof import CoverageProof
from assay.lake.kept import Kept
from assay.lake.sealed import documents_of
from assay.lake.version import NO_VERSION
from assay.pipelines.workspace import Workspace
from assay.selectors.coverage import SeriesHole, holes_of
from assay.selectors.kept import Reading, answer


class _Unbuilt(Reading):
    """A look at a home without tables: answers in bronze are all that there is."""

    def has(self, table: str) -> bool:  # noqa: ARG002  # none has any
        return False


def backfilled_holes(workspace: Workspace, proofs: Iterable[CoverageProof]) -> tuple[SeriesHole, ...]:
    """Return what the proofs lack, in parts of one cause each, by series and in order of time.

    Parameters
    ----------
    proofs : iterable of CoverageProof
        Bars that an answer holds are no holes, however early it came.

    Returns
    -------
    tuple of SeriesHole
        Those confirmed not to be there as well as those in doubt.
    """
    missing = {
        proof.series: Spans.of(
            (hole.start, hole.end) for hole in (*proof.confirmed_empty, *proof.missing) if not hole.is_held
        )
        for proof in proofs
    }
    missing = {series: spans for series, spans in missing.items() if spans}
    if not missing:
        return ()

    def told(reading: Reading) -> tuple[SeriesHole, ...]:
        return tuple(holes_of(reading, workspace, missing))

    try:
        return answer(workspace, ("holes of a backfill", tuple(missing.items())), told)
    except NotBuiltError:
        return told(_Unbuilt(None, NO_VERSION, Kept(), duckdb.connect, documents=documents_of(workspace.home)))
