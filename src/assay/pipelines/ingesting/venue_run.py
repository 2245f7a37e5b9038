"""One venue's part of a run: every question asked once, every answer in bronze before the next thing depends on it."""

from __future__ import annotations

import asyncio
from datetime import datetime

from assay.domain.duration import parse_duration, slot_of
from assay.domain.spans import Spans
from assay.features.compile import use_cache_dir
from assay.lake.coverage import CoverageLedger
from assay.pipelines.ingesting import batches
from assay.pipelines.ingesting.access import Access
from assay.pipelines.ingesting.archive import ArchiveRun
from assay.pipelines.ingesting.asking import Asking
from assay.pipelines.ingesting.plan import SeriesPlan, VenuePlan
from assay.pipelines.ingesting.progress import Progress
from assay.pipelines.ingesting.questions import KlinesQuestion, Poll, is_probe, last_end, next_questions
from assay.pipelines.ingesting.report import VenueReport
from assay.pipelines.ingesting.snapshots import SnapshotPlan
from assay.pipelines.workspace import Workspace
from assay.venues import scan
from assay.venues.transport import Transport

_MANY_PAGES = 500


class VenueRun:
    """One venue, asked everything that its plan says.

    Parameters
    ----------
    workspace : Workspace
        Where the answers go.
    plan : VenuePlan
        What is asked.
    access : Access
        How the venue is reached.
    transport : Transport
        The way to it, open.
    ledger : CoverageLedger
        What bronze proves so far; it is kept up to date with what arrives.
    progress : callable
        Told of every question.
    """

    def __init__(
        self,
        workspace: Workspace,
        plan: VenuePlan,
        *,
        access: Access,
        transport: Transport,
        ledger: CoverageLedger,
        progress: Progress,
    ) -> None:
        self._home = workspace.home
        self._pages = 0
        self._every = parse_duration(workspace.settings.ingest.every)
        self._clock = access.timing.clock
        self._plan = plan
        self._ledger = ledger
        self._progress = progress
        self._archive: ArchiveRun | None = None
        self._asking = Asking(workspace, plan, access=access, transport=transport, ledger=ledger)
        self.report = self._asking.report

    def use_archive(self, archive: ArchiveRun) -> None:
        """Load from `archive` what it has, before the venue is asked for the rest."""
        self._archive = archive

    async def run(self) -> VenueReport:
        """Ask everything, and return what came of it."""
        self._now = self._clock.now()
        self._slot = slot_of(self._now, self._every).isoformat()
        # What shows a moment comes first: history does not run away.
        async with asyncio.TaskGroup() as tasks:
            for snapshot in self._plan.snapshots:
                tasks.create_task(self._snapshot(snapshot))
            for series in self._plan.series:
                tasks.create_task(self._series(series))
        await self._asking.finish(self._slot)
        for one in self._plan.series:
            end = last_end(one.series.interval, one.end, self._now)
            # The bar that is still open is no part of the proof.
            end = min(end, one.series.interval.floor(self._now))
            self.report.proofs.append(self._ledger.series(one.series).proof(one.start, max(one.start, end)))
        return self.report

    async def _snapshot(self, plan: SnapshotPlan) -> None:
        request = plan.request
        slot = plan.slot or slot_of(self._now, plan.every).isoformat()
        if self._ledger.has_slot(request.venue, request.endpoint, dict(request.params), slot):
            self.report.tally(plan.dataset).skipped += 1
            return
        self._progress(0, 1)
        answer = await self._asking.answer(request, slot, pair=None if plan.is_named else str(plan.symbol))
        if answer is not None:
            delay = self._plan.spec.publication_delay
            await self._asking.write(
                batches.snapshot_batch(plan.dataset, answer, slot, symbol=plan.symbol, delay=delay)
            )
        self._progress(1, 0)

    async def _series(self, plan: SeriesPlan) -> None:
        """Ask for what is missing of one series, in rounds: what a question brings decides what is asked next."""
        series, spec = plan.series, self._plan.spec
        within = series.interval.ceil(plan.start), last_end(series.interval, plan.end, self._now)
        poll = Poll(
            self._now,
            self._ledger.settle_of(series.interval),
            self._slot,
            *self._ledger.asked_since(series, self._slot),
            self._ledger.resting(series, self._now),
        )
        asked, archive = Spans(), self._archive
        if plan.only is not None:
            asked = Spans.of([within]) - plan.only
        while questions := next_questions(spec, self._ledger.series(series), within, poll=poll, asked=asked):
            # The first question may be where the series begins; nobody looks for files of before.
            if archive and not is_probe(questions):
                await archive.fill(series, within, self._now)
                archive = None
                continue
            self._progress(0, len(questions))
            await self._get_ready_for(len(questions))
            found = await asyncio.gather(*(self._page(plan, question) for question in questions))
            asked |= Spans.of(found)

    async def _get_ready_for(self, pages: int) -> None:
        """Load the fast reader of pages once there are enough of them to make up for the time that it takes."""
        is_due = self._pages < _MANY_PAGES <= self._pages + pages
        self._pages += pages
        if is_due:
            use_cache_dir(self._home.cache / "numba")
            await asyncio.to_thread(scan.prepare)

    async def _page(self, plan: SeriesPlan, question: KlinesQuestion) -> tuple[datetime, datetime]:
        """Ask one question for bars, and return what of its range need not be asked for again in this run."""
        whole = question.start, question.end
        answer = await self._asking.answer(
            question.request, question.slot, pair=None if plan.is_named else str(plan.series.symbol)
        )
        self._progress(1, 0)
        if answer is None:
            return whole
        batch = batches.klines_batch(self._plan.spec, plan.series, question, answer)
        await self._asking.write(batch)
        asked = batch.header.asked
        is_cut = bool(asked) and batches.is_cut(question, answer)
        return (question.start, asked[0].end) if is_cut else whole
