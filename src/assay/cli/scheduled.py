"""``assay run --every``: the built-in schedule, a line a run, until it is interrupted."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from assay.cli.render import emit, printable

if TYPE_CHECKING:
    from assay.pipelines.running import RunResult
    from assay.pipelines.workspace import Workspace

_KEPT = 1_000


def keep_running(
    workspace: Workspace, job: Callable[[], RunResult], *, every: timedelta, runs: int, as_json: bool
) -> None:
    """Do `job` in every slot; what fails is said and tried again in the next one.

    Parameters
    ----------
    workspace : Workspace
        The home. While another main job is at work on it, a slot is skipped.
    job : callable
        The main job, once.
    every : timedelta
        Length of a slot.
    runs : int
        Stop after so many slots; 0 never stops.
    as_json : bool
        One document at the end, and the lines on stderr.

    Raises
    ------
    BadInputError, HomeError
        What no later slot can mend.
    """
    from assay.pipelines.schedule import due_slots  # noqa: PLC0415
    from assay.venues.timing import machine_seconds  # noqa: PLC0415

    out = sys.stderr if as_json else sys.stdout
    notes: deque[dict[str, object]] = deque(maxlen=_KEPT)
    slots = due_slots(every, clock=workspace.clock, elapsed=machine_seconds, wait=time.sleep)
    for slot in islice(slots, runs or None):
        note = _once(workspace, job, slot)
        notes.append(note)
        print(_line(slot, note), file=out, flush=True)
    emit({"every_s": every.total_seconds(), "runs": list(notes)}, as_json=as_json, text=lambda: f"{len(notes)} slots")


def _once(workspace: Workspace, job: Callable[[], RunResult], slot: datetime) -> dict[str, object]:
    from assay.domain.errors import AssayError, BadInputError, HomeError, LakeBusyError  # noqa: PLC0415
    from assay.pipelines.maintaining import maintain_if_due  # noqa: PLC0415
    from assay.pipelines.runs import exclusive  # noqa: PLC0415

    note: dict[str, object] = {"slot": slot.isoformat(), "started_at": workspace.clock.now().isoformat()}
    started = time.perf_counter()
    try:
        with exclusive(workspace, timeout_s=0.0):
            result = job()
            maintain_if_due(workspace)
    except LakeBusyError as error:
        return note | {"status": "skipped", "error": str(error)}
    except (BadInputError, HomeError):
        raise
    except AssayError as error:
        return note | {"status": "failed", "error": str(error)}
    prediction, evidence = result.answer.prediction, result.answer.evidence
    return note | {
        "status": "incomplete" if result.lacking else "ok",
        "seconds": round(time.perf_counter() - started, 3),
        "new_batches": 0 if result.ingested is None else result.ingested.new_batches,
        "error": result.lacking or None,
        "series": str(result.answer.resolution.series),
        "as_of": prediction.as_of.isoformat(),
        "close": prediction.close,
        "probability_up": prediction.probability_up,
        "signal": prediction.signal,
        "verdict": evidence.verdict.value,
        "gold_hash": result.gold_hash,
    }


def _line(slot: datetime, note: dict[str, object]) -> str:
    begin = f"{slot:%Y-%m-%d %H:%M} UTC  {note['status']}"
    if "signal" not in note:
        return f"{begin}: {printable(str(note['error']))}"
    told = (
        f"{begin}: {note['new_batches']} new batches, {note['series']} close {note['close']:,.10g}, "
        f"P(up) = {note['probability_up']:.3f}, {note['signal']} ({note['verdict']}), {note['seconds']:.0f} s"
    )
    return f"{told}; {printable(str(note['error']))}" if note["error"] else told
