"""A demo home kept up with its own clock: every minute what is new is asked for, built and predicted from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from assay.domain.errors import AssayError, HomeError, LakeBusyError
from assay.pipelines.building import build
from assay.pipelines.demoing import DemoPlan, ask, in_its_time, read_plan
from assay.pipelines.predicting import predict
from assay.pipelines.runs import exclusive, forget, noted
from assay.pipelines.schedule import due_slots
from assay.pipelines.simulating import simulated
from assay.pipelines.workspace import Workspace
from assay.venues.timing import machine_seconds

if TYPE_CHECKING:
    from assay.venues.sandbox.exchange import Exchange

EVERY = timedelta(minutes=1)
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
    wait: Callable[[float], object] = time.sleep,
    tell: Callable[[Followed], None] = lambda _: None,
) -> int:
    """Bring a demo home up to its clock in every minute; return in how many.

    Parameters
    ----------
    workspace : Workspace
        Of a demo home.
    slots : int, default 0
        Stop after so many minutes; 0 never stops.
    wait : callable
        Waits for so many seconds.
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
    told = in_its_time(workspace)
    living = Workspace(plan.settings(told.settings), told.home, told.clock, told.say)
    exchange = simulated(plan.seed, living.clock)
    due = due_slots(EVERY, clock=living.clock, elapsed=machine_seconds, wait=wait)
    count = 0
    for slot in islice(due, slots or None):
        tell(_once(living, plan, exchange, slot))
        count += 1
    return count


def _once(workspace: Workspace, plan: DemoPlan, exchange: Exchange, slot: datetime) -> Followed:
    started = time.perf_counter()
    try:
        with exclusive(workspace, timeout_s=0.0), noted(workspace, COMMAND) as summary:
            ingested = ask(workspace, plan, exchange)
            build(workspace)
            predicted = predict(workspace)
            summary |= {"new_batches": ingested.new_batches, "predictions": predicted.live}
    except LakeBusyError as error:
        return Followed(slot, error=str(error))
    except AssayError as error:  # noted; the next minute may go better, and takes in what this one did not
        return Followed(slot, error=str(error), seconds=round(time.perf_counter() - started, 3))
    finally:
        forget(workspace, COMMAND, keep=_NOTES_KEPT)
    seconds = round(time.perf_counter() - started, 3)
    return Followed(slot, ingested.new_batches, predicted.live, seconds)
