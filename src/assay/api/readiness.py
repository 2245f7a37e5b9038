"""Whether the lake can be read yet, and if not, why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.api.problems import Problem, problem_of
from assay.domain.errors import AssayError, NotBuiltError
from assay.lake.catalog import is_made
from assay.lake.manifest import has_table
from assay.lake.reads import CLEANED

if TYPE_CHECKING:
    from assay.pipelines.workspace import Workspace

_RETRY = {"retry-after": "10"}


def explained(workspace: Workspace) -> Problem | None:
    """Return why nothing can be read from the lake, or None when it can be."""
    try:
        if is_made(workspace.home):
            with workspace.lake() as lake:
                if has_table(lake, CLEANED):
                    return None
    except NotBuiltError:
        pass
    except AssayError as error:
        return problem_of(error)
    if workspace.is_being_written():
        todo = "ask again in a moment: the first build of a lake takes up to a minute or two"
        return Problem(503, "being-built", "the lake is being built", todo=todo, headers=_RETRY)
    todo = "run `assay run`, or `assay ingest` and `assay build`; `assay demo` makes a simulated one"
    return Problem(503, "not-built", "the lake has not been built", todo=todo, headers=_RETRY)


def not_built(error: NotBuiltError) -> Problem:
    """Return what it is to a client that a part of the lake has not been built."""
    return Problem(503, "not-built", error.what, error.value, error.todo, headers=_RETRY)
