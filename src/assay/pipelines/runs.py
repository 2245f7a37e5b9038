"""The log of runs: one small file each, written when the run ends, however it ends."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Iterator

from assay.domain.errors import AssayError
from assay.lake.lock import file_lock
from assay.lake.storage import write_atomically
from assay.pipelines.workspace import Workspace


@contextlib.contextmanager
def exclusive(workspace: Workspace, *, timeout_s: float) -> Iterator[None]:
    """Be the only main job on this home for the block; commands beside it are not kept from anything.

    Raises
    ------
    LakeBusyError
        If another one does not end within `timeout_s` seconds.
    """
    with file_lock(workspace.home.run_lock, timeout_s=timeout_s, on_wait=workspace.say):
        yield


@contextlib.contextmanager
def noted(workspace: Workspace, command: str) -> Iterator[dict[str, object]]:
    """Note the block as a run of `command`; what the block puts into the yielded dict becomes part of the note.

    A run that was killed leaves no note: what it did is in the tables, and is gone on with by the next one.
    """
    started = workspace.clock.now()
    begun = time.perf_counter()
    summary: dict[str, object] = {}
    outcome: dict[str, object] = {"status": "ok"}
    try:
        yield summary
    except AssayError as error:
        outcome = {"status": "failed", "error": str(error)}
        raise
    except BaseException as error:
        outcome = {"status": "failed", "error": type(error).__name__}
        raise
    finally:
        note = {
            "command": command,
            "started_at": started.isoformat(),
            "seconds": round(time.perf_counter() - begun, 3),
            **outcome,
            **summary,
        }
        name = f"{started:%Y%m%dT%H%M%S.%f}-{command}-{uuid.uuid4().hex[:8]}.json"
        # A full disk must not hide what went wrong behind a second error.
        with contextlib.suppress(AssayError):
            write_atomically(workspace.home.runs / name, json.dumps(note, default=str).encode() + b"\n")


def forget(workspace: Workspace, command: str, *, keep: int) -> None:
    """Delete all but the newest notes of `command`: those of a job that runs every minute would hide all others."""
    notes = sorted(workspace.home.runs.glob(f"*-{command}-*.json"))
    for note in notes[: len(notes) - keep]:
        note.unlink(missing_ok=True)
