"""The use case: all venues of a plan at once, in this process, until nothing is left to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor

from assay.domain.duration import parse_duration, slot_of
from assay.lake.coverage_cache import read_coverage
from assay.lake.disk import check_budget
from assay.lake.origin import REAL, check_origin
from assay.lake.storage import check_free_space
from assay.pipelines.ingesting.access import Access, access_of
from assay.pipelines.ingesting.archive import ArchiveRun
from assay.pipelines.ingesting.asking import Asking
from assay.pipelines.ingesting.plan import IngestPlan, VenuePlan
from assay.pipelines.ingesting.progress import Progress, silent
from assay.pipelines.ingesting.report import IngestResult, VenueReport
from assay.pipelines.ingesting.stopping import run_tasks
from assay.pipelines.ingesting.venue_run import VenueRun
from assay.pipelines.workspace import Workspace
from assay.venues.datasets import KLINES


def ingest(
    workspace: Workspace, plan: IngestPlan, *, access: Access | None = None, progress: Progress = silent
) -> IngestResult:
    """Ask every venue of `plan` for what bronze lacks, and write what arrives at once.

    It may be killed at any moment, and any number of processes may do it at once: a batch is there whole or not at
    all, the same answer is the same batch, and what is not there is asked for by the next run.

    Parameters
    ----------
    workspace : Workspace
        The home; no lock is needed.
    plan : IngestPlan
        What to ask.
    access : Access, optional
        How venues are reached; over the network as the settings say, if nothing is said.
    progress : callable, optional
        Called with how many questions more are done, and how many more there are to ask.

    Returns
    -------
    IngestResult
        Also says what could not be had; a venue that is down keeps nobody else from being asked.

    Raises
    ------
    HomeError
        If the home holds a simulated market and the venues are real, or the other way round.
    StorageError
        If the disk refuses; what arrived before stays.
    """
    check_free_space(workspace.home.root, int(workspace.settings.lake.min_free_bytes))
    check_budget(workspace.home, int(workspace.settings.lake.disk_budget))
    if access is None:
        if not all(one.is_undocumented for one in plan.venues):
            check_origin(workspace.home, REAL)
        access = access_of(workspace.settings.ingest, workspace.clock)
    started = access.timing.clock.now()
    try:
        reports = _completed(_all(workspace, plan, access, progress))
    except BaseExceptionGroup as group:
        raise next(_leaves(group)) from group
    slot = slot_of(started, parse_duration(workspace.settings.ingest.every)).isoformat()
    return IngestResult(tuple(reports), slot, started)


def _completed(work: Coroutine[object, object, list[VenueReport]]) -> list[VenueReport]:
    """Run `work` to its end, in a thread of its own where an event loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run_tasks(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _all(workspace: Workspace, plan: IngestPlan, access: Access, progress: Progress) -> list[VenueReport]:
    async with asyncio.TaskGroup() as tasks:
        runs = [tasks.create_task(_venue(workspace, one, access, progress)) for one in plan.venues]
    return [report for run in runs for report in run.result()]


async def _venue(workspace: Workspace, plan: VenuePlan, access: Access, progress: Progress) -> list[VenueReport]:
    settings = workspace.settings.ingest
    ledger = await asyncio.to_thread(
        read_coverage,
        workspace.home,
        plan.spec.venue,
        settle=settings.settle_length,
        confirmations=settings.confirmations,
    )
    async with access.connect(plan, access.timing.clock) as transport:
        run = VenueRun(workspace, plan, access=access, transport=transport, ledger=ledger, progress=progress)
        if plan.archive is None:
            return [await run.run()]
        async with access.connect(plan.archive, access.timing.clock) as way:
            asking = Asking(workspace, plan.archive, access=access, transport=way, ledger=ledger)
            page = plan.spec.feeding(KLINES).page_limit or 1
            run.use_archive(ArchiveRun(plan.archive, asking, ledger=ledger, page=page, progress=progress))
            report = await run.run()
            slot = slot_of(access.timing.clock.now(), parse_duration(settings.every)).isoformat()
            return [report, await asking.finish(slot)]


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """Yield the errors of a group and of the groups in it."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
