"""One venue's part of a run: every question asked once, every answer in bronze before the next thing depends on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from assay.domain.duration import parse_duration, slot_of
from assay.domain.errors import AssayError, StorageError, TerminalError, TransientError
from assay.domain.spans import Spans
from assay.features.compile import use_cache_dir
from assay.lake import bronze
from assay.lake.coverage import CoverageLedger
from assay.lake.origin import REAL, claim_origin, simulated_origin
from assay.pipelines.ingesting import batches
from assay.pipelines.ingesting.access import Access
from assay.pipelines.ingesting.batches import Batch, Failure
from assay.pipelines.ingesting.client import Answer, UnreadableAnswerError, VenueClient
from assay.pipelines.ingesting.plan import SeriesPlan, SnapshotPlan, VenuePlan
from assay.pipelines.ingesting.questions import KlinesQuestion, Poll, last_end, next_questions
from assay.pipelines.ingesting.report import VenueReport
from assay.pipelines.workspace import Workspace
from assay.venues import scan
from assay.venues.budget import BudgetSpentError
from assay.venues.circuit import VenueDownError
from assay.venues.errors import VenueError
from assay.venues.retry import GaveUpError, RefusedError
from assay.venues.spec import Request
from assay.venues.transport import CertificateError, Transport, TransportError

OUTAGE, BUDGET, REFUSED = "outage", "budget", "refused"
_BAD_REQUEST = 400
_MANY_PAGES = 500
_BRIEF = 80
_log = logging.getLogger(__name__)
Progress = Callable[[int, int], None]
"""Told by how much what was done, and what is to do, have grown."""


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
        self._bronze = workspace.home.bronze
        self._origin = ""
        self._pages = 0
        self._every = parse_duration(workspace.settings.ingest.every)
        self._clock = access.timing.clock
        self._plan = plan
        self._ledger = ledger
        self._progress = progress
        self._client = VenueClient(plan, access, transport)
        self._gate = asyncio.Semaphore(access.concurrency)
        self._lost: tuple[str, str, str] | None = None  # why the venue is not asked any more: kind, cause, brief
        self.report = VenueReport(plan.spec.name, plan.base_url, self._client.traffic)

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
        if self.report.failures:
            name = self._plan.spec.name
            await self._write(batches.failures_batch(name, self.report.failures, self._clock.now(), self._slot))
        for one in self._plan.series:
            end = last_end(one.series.interval, one.end, self._now)
            # The bar that is still open is no part of the proof.
            end = min(end, one.series.interval.floor(self._now))
            self.report.proofs.append(self._ledger.series(one.series).proof(one.start, max(one.start, end)))
        return self.report

    async def _snapshot(self, plan: SnapshotPlan) -> None:
        request = plan.request
        slot = slot_of(self._now, plan.every).isoformat()
        if self._ledger.has_slot(request.venue, request.endpoint, dict(request.params), slot):
            self.report.tally(plan.dataset).skipped += 1
            return
        self._progress(0, 1)
        answer = await self._answer(request, slot, pair=None if plan.is_named else str(plan.symbol))
        if answer is not None:
            await self._write(batches.snapshot_batch(plan.dataset, answer, slot, symbol=plan.symbol))
        self._progress(1, 0)

    async def _series(self, plan: SeriesPlan) -> None:
        """Ask for what is missing of one series, in rounds: what a question brings decides what is asked next."""
        series, spec = plan.series, self._plan.spec
        within = series.interval.ceil(plan.start), last_end(series.interval, plan.end, self._now)
        poll = Poll(self._now, self._ledger.settle, self._slot, *self._ledger.asked_since(series, self._slot))
        asked = Spans()
        while questions := next_questions(spec, self._ledger.series(series), within, poll=poll, asked=asked):
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
        answer = await self._answer(
            question.request, question.slot, pair=None if plan.is_named else str(plan.series.symbol)
        )
        self._progress(1, 0)
        if answer is None:
            return whole
        batch = batches.klines_batch(self._plan.spec, plan.series, question, answer)
        await self._write(batch)
        asked = batch.header.asked
        is_cut = bool(asked) and batches.is_cut(question, answer)
        return (question.start, asked[0].end) if is_cut else whole

    async def _answer(self, request: Request, slot: str, *, pair: str | None) -> Answer | None:
        """Return the answer, or None after noting why there is none; `pair` is one that nobody named."""
        async with self._gate:
            began = self._clock.now()
            if self._lost:
                self._fail(Failure(request, *self._lost, began, slot))
                return None
            try:
                answer = await self._client.ask(request)
            except UnreadableAnswerError as error:
                self.report.poison += 1
                await self._write(batches.poison_batch(request, error.response, error.cause, slot))
                return None
            except StorageError:
                raise
            except (TransientError, TerminalError) as error:
                self._note(request, error, began, slot, pair=pair)
                return None
            self._claim(answer)
            return answer

    def _claim(self, answer: Answer) -> None:
        """Refuse to mix a simulated market with the real one, or with another simulated one."""
        simulated = answer.response.simulated
        origin = simulated_origin(simulated) if simulated else REAL
        if origin != self._origin:
            claim_origin(self._home, origin)
            self._origin = origin

    def _note(
        self, request: Request, error: TransientError | TerminalError, began: datetime, slot: str, *, pair: str | None
    ) -> None:
        kind = (
            BUDGET if isinstance(error, BudgetSpentError) else OUTAGE if isinstance(error, TransientError) else REFUSED
        )
        if _concerns_all(error):
            self._lost = kind, str(error), _brief(error)
        if kind == REFUSED and pair and isinstance(error, VenueError):
            if pair not in self.report.not_traded:
                self.report.not_traded.append(pair)
            return
        self._fail(Failure(request, kind, str(error), _brief(error), began, slot))

    def _fail(self, failure: Failure) -> None:
        self.report.failures.append(failure)
        told = failure.request.venue, failure.request.endpoint, failure.kind, failure.cause
        _log.info("venue=%s endpoint=%s kind=%s cause=%r", *told)

    async def _write(self, batch: Batch) -> None:
        """Commit a batch, and only then let the ledger know."""
        is_new = await asyncio.to_thread(
            bronze.write_batch,
            self._bronze,
            batch.header,
            body=batch.body,
            rows=batch.rows,
            quarantined=batch.quarantined,
        )
        self._ledger.add(batch.header)
        if batch.header.dataset not in (bronze.POISON, bronze.FAILURES):
            self.report.count(batch, is_new=is_new)


def _concerns_all(error: TransientError | TerminalError) -> bool:
    """Whether no other question would fare better: the venue is down, or has shut us out, or is none."""
    if isinstance(error, RefusedError):
        return error.response.status != _BAD_REQUEST
    return isinstance(error, VenueDownError | CertificateError)


def _brief(error: TransientError | TerminalError) -> str:
    """Return what went wrong without what differs from question to question."""
    if isinstance(error, VenueDownError):
        return "the venue is down"
    last = error.__cause__
    if isinstance(error, GaveUpError) and isinstance(last, AssayError):
        return last.what if isinstance(last, TransportError) else _brief_of(last)
    return _brief_of(error)


def _brief_of(error: AssayError) -> str:
    value = f": {str(error.value)[:_BRIEF]!r}" if error.value else ""
    todo = f"; {error.todo}" if error.todo else ""
    return f"{error.what}{value}{todo}"
