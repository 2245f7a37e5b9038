"""A demo home kept up with its own clock: every minute what is new is asked for, built and predicted from."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from assay.domain.duration import slot_of
from assay.domain.errors import AssayError, HomeError, LakeBusyError
from assay.pipelines.building import build
from assay.pipelines.demoing import DemoPlan, ask, in_its_time, read_plan
from assay.pipelines.maintaining import maintain_if_due
from assay.pipelines.predicting import predict
from assay.pipelines.runs import exclusive, forget, noted
from assay.pipelines.schedule import due_slots
from assay.pipelines.simulating import simulated
from assay.pipelines.workspace import Workspace
from assay.venues.timing import machine_seconds

if TYPE_CHECKING:
    from assay.domain.clock import Clock
    from assay.settings import Settings
    from assay.venues.sandbox.exchange import Exchange

EVERY = timedelta(minutes=1)
_TIDIED_EVERY = timedelta(minutes=5)
COMMAND = "follow"
_NOTES_KEPT = 60


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of one minute: `error` says why nothing did, if so."""

    slot: datetime
    new_batches: int = 0
    predictions: int = 0
    seconds: float = 0.0
    error: str = ""


def follow(
    workspace: Workspace,
    *,
    slots: int = 0,
    machine: Clock | None = None,
    wait: Callable[[float], object] = time.sleep,
    elapsed: Callable[[], float] = machine_seconds,
    tell: Callable[[Followed], None] = lambda _: None,
) -> int:
    """Bring a demo home up to its clock in every minute; return in how many.

    Parameters
    ----------
    workspace : Workspace
        Of a demo home.
    slots : int, default 0
        Stop after so many minutes; 0 never stops.
    machine : Clock, optional
        Drives the time of the home; the machine's own clock if none is given.
    wait : callable
        Waits for so many seconds.
    elapsed : callable
        Seconds that nobody can set.
    tell : callable
        Told what came of each minute.

    Raises
    ------
    HomeError
        If the home is no demo home.
    """
    plan = read_plan(workspace.home)
    if plan is None:
        todo = "run `assay demo` first, or `assay run --every 1m` for a home with other data"
        raise HomeError("this home holds no demo", value=workspace.home.root, todo=todo)
    told = in_its_time(workspace, machine)
    living = Workspace(_sparing(plan.settings(told.settings)), told.home, told.clock, told.say)
    due = due_slots(EVERY, clock=living.clock, elapsed=elapsed, wait=wait)
    count = 0
    for slot in islice(due, slots or None):
        # Made anew, because it remembers whole days of every coin that it was ever asked about.
        tell(_once(living, plan, simulated(plan.seed, living.clock), slot))
        count += 1
    return count


def _sparing(settings: Settings) -> Settings:
    # With as little to do as a minute brings, a second thread finds nothing and costs as much as the first.
    return settings.model_copy(update={"lake": settings.lake.model_copy(update={"threads": 1})})


def _once(workspace: Workspace, plan: DemoPlan, exchange: Exchange, slot: datetime) -> Followed:
    started = time.perf_counter()
    try:
        with exclusive(workspace, timeout_s=0.0), noted(workspace, COMMAND) as summary:
            ingested = ask(workspace, plan, exchange)
            build(workspace)
            predicted = predict(workspace)
            if slot == slot_of(slot, _TIDIED_EVERY):
                maintain_if_due(workspace)
            summary |= {"new_batches": ingested.new_batches, "predictions": predicted.live}
    except LakeBusyError as error:
        return Followed(slot, error=str(error))
    except AssayError as error:  # noted; the next minute may go better, and takes in what this one did not
        return Followed(slot, error=str(error), seconds=round(time.perf_counter() - started, 3))
    finally:
        forget(workspace, COMMAND, keep=_NOTES_KEPT)
        _return_memory()
    seconds = round(time.perf_counter() - started, 3)
    return Followed(slot, ingested.new_batches, predicted.live, seconds)


def _return_memory() -> None:
    """Give back what a refresh leaves for later, idle until the next minute.

    The simulated exchange holds itself (its caches hold its methods), and its arrays are large but few: Python, which
    counts objects, would let many of them gather. Of what is freed then, the C library would keep a fifth.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # not every C library can
        ctypes.CDLL(None).malloc_trim(0)
