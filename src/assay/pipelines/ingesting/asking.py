"""Asking one API, and keeping what it says: every answer in bronze, and every question without one noted."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from assay.domain.errors import AssayError, StorageError, TerminalError, TransientError
from assay.lake import bronze
from assay.lake.coverage import CoverageLedger
from assay.lake.origin import REAL, claim_origin, simulated_origin
from assay.pipelines.ingesting import batches
from assay.pipelines.ingesting.access import Access
from assay.pipelines.ingesting.batches import Batch, Failure
from assay.pipelines.ingesting.client import Answer, UnreadableAnswerError, VenueClient
from assay.pipelines.ingesting.plan import VenuePlan
from assay.pipelines.ingesting.report import VenueReport
from assay.pipelines.workspace import Workspace
from assay.venues.budget import BudgetSpentError
from assay.venues.circuit import VenueDownError
from assay.venues.errors import VenueError
from assay.venues.retry import GaveUpError, RefusedError
from assay.venues.spec import Request
from assay.venues.transport import CertificateError, Transport, TransportError

OUTAGE, BUDGET, REFUSED = "outage", "budget", "refused"
_BAD_REQUEST, _NOT_FOUND = 400, 404
_BRIEF = 80
_log = logging.getLogger(__name__)


class Asking:
    """One API, asked over one transport.

    Parameters
    ----------
    workspace : Workspace
        Where the answers go.
    plan : VenuePlan
        The API, and where it is.
    access : Access
        How it is reached.
    transport : Transport
        The way to it, open.
    ledger : CoverageLedger
        What bronze proves so far; it is kept up to date with what arrives.

    Attributes
    ----------
    report : VenueReport
        What came of it so far.
    """

    def __init__(
        self, workspace: Workspace, plan: VenuePlan, *, access: Access, transport: Transport, ledger: CoverageLedger
    ) -> None:
        self._home = workspace.home
        self._bronze = workspace.home.bronze_store
        self._origin = ""
        self._clock = access.timing.clock
        self._spec = plan.spec
        self._ledger = ledger
        self._client = VenueClient(plan, access, transport)
        self._gate = asyncio.Semaphore(access.concurrency)
        self._lost: tuple[str, str, str] | None = None  # why it is not asked any more: kind, cause, brief
        self.report = VenueReport(plan.spec.name, plan.base_url, self._client.traffic)

    async def answer(
        self, request: Request, slot: str, *, pair: str | None = None, may_be_absent: bool = False
    ) -> Answer | None:
        """Return the answer, or None after noting why there is none.

        Parameters
        ----------
        request : Request
        slot : str
            What the answer is kept under.
        pair : str, optional
            A pair that nobody named: that it is not traded is no failure.
        may_be_absent : bool
            Whether it is no failure that nothing is there.

        Raises
        ------
        HomeError
            If the answer is of another market, simulated or real, than the home holds.
        StorageError
            If the disk refuses.
        """
        async with self._gate:
            began = self._clock.now()
            body_format = self._spec.endpoint(request.endpoint).body_format
            if self._lost:
                self._fail(Failure(request, *self._lost, began, slot))
                return None
            try:
                answer = await self._client.ask(request)
            except UnreadableAnswerError as error:
                self.report.poison += 1
                await self.write(
                    batches.poison_batch(request, error.response, error.cause, slot, body_format=body_format)
                )
                return None
            except StorageError:
                raise
            except (TransientError, TerminalError) as error:
                if may_be_absent and isinstance(error, RefusedError) and error.response.status == _NOT_FOUND:
                    return None
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

    async def write(self, batch: Batch) -> None:
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

    async def finish(self, slot: str) -> VenueReport:
        """Keep which questions were not answered, and return what came of all."""
        if self.report.failures:
            venue, now = self._spec.venue, self._clock.now()
            await self.write(batches.failures_batch(venue, self.report.failures, now, slot))
        return self.report


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
