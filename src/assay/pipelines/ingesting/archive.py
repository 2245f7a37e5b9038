"""Loading history from an archive of files: closed months where one file saves many questions, then closed days.

Nothing here fills a seam. Every file is a batch that says which bars it was of and which it held; what it lacked, and
what no file is of, is what the exchange itself is asked for next, by the same ledger as ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.domain.spans import Span, Spans
from assay.lake.coverage import CoverageLedger
from assay.lake.coverage_proof import SeriesCoverage
from assay.pipelines.ingesting import batches
from assay.pipelines.ingesting.asking import Asking
from assay.pipelines.ingesting.plan import VenuePlan
from assay.pipelines.ingesting.progress import Progress
from assay.pipelines.ingesting.questions import KlinesQuestion
from assay.venues.binance_archive.spec import DAILY, checksum_endpoint, file_endpoint
from assay.venues.requests import Value, file_request, period_of
from assay.venues.spec import Role

AT_ONCE = 3
"""Files in memory at a time."""
MOST_BARS = 200_000
"""A file of more bars is too large to be read at once; its days are read instead."""
PRICE = 2
"""What a file costs: two questions, one of them for its checksum."""
_ASIDE = timedelta(hours=12)
"""Nobody asks for the file of a day or a month that has just ended: it is not there so soon."""
_DAY, _MONTH = Interval.parse("1d"), Interval.parse("1M")


@dataclass(frozen=True, slots=True)
class File:
    """One file of the archive: ``monthly`` of ``2024-01``, or ``daily`` of ``2024-01-31``."""

    period: str
    date: str

    @property
    def span(self) -> Span:
        """Which bars it is of, by open time."""
        return period_of(self.date)

    def days(self) -> list[File]:
        """Return the files of the days of a month."""
        return [File("daily", f"{day:%Y-%m-%d}") for day in _DAY.opens(*self.span)]


class ArchiveRun:
    """The archive, asked for the files that one run can use.

    Parameters
    ----------
    plan : VenuePlan
        The archive.
    asking : Asking
        The way to it.
    ledger : CoverageLedger
        What bronze proves so far.
    page : int
        How many bars one question to the exchange brings: what a file is measured by.
    progress : callable
        Told of every file.
    """

    def __init__(
        self, plan: VenuePlan, asking: Asking, *, ledger: CoverageLedger, page: int, progress: Progress
    ) -> None:
        self._spec = plan.spec
        self._asking = asking
        self._ledger = ledger
        self._page = page
        self._progress = progress
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def fill(self, series: SeriesId, within: Span, now: datetime) -> None:
        """Load what the archive has of the bars of `series` in the range that were never asked for."""
        months = [*files_worth(self._ledger.series(series), "monthly", within, now=now, page=self._page)]
        large = [one for one in months if series.interval.count(*one.span) > MOST_BARS]
        await self._load(series, [one for one in months if one not in large])
        if series.interval.code in DAILY:
            # The days of the month that runs, of months too large for one file, and of those that have no file yet.
            days = files_worth(self._ledger.series(series), "daily", within, now=now, page=self._page)
            await self._load(series, [*days])

    async def _load(self, series: SeriesId, files: list[File]) -> None:
        self._progress(0, len(files))
        await asyncio.gather(*(self._one(series, one) for one in files))

    async def _one(self, series: SeriesId, file: File) -> None:
        async with self._gate:
            batch = await self._read(series, file)
            if batch is not None:
                await self._asking.write(batch)
        self._progress(1, 0)

    async def _read(self, series: SeriesId, file: File) -> batches.Batch | None:
        """Return the batch of a file; None if it is not there, or is not what its checksum says."""
        values: dict[Role, Value] = {
            Role.SYMBOL: self._spec.symbols.to_wire(series.symbol),
            Role.INTERVAL: self._spec.wire_interval(series.interval),
            Role.PERIOD: file.date,
        }
        beside = file_request(self._spec, checksum_endpoint(series.market, file.period), values)
        said = await self._asking.answer(beside, "", may_be_absent=True)
        if said is None:
            return None
        digest = {"sha256": str(said.parsed.rows["sha256"][0])}
        request = file_request(self._spec, file_endpoint(series.market, file.period), values, **digest)
        answer = await self._asking.answer(request, "", may_be_absent=True)
        if answer is None:
            return None
        # A file is never a full page: it holds all that there is.
        question = KlinesQuestion(request, *file.span, limit=MOST_BARS + 1, slot="")
        return await asyncio.to_thread(batches.klines_batch, self._spec, series, question, answer)


def files_worth(coverage: SeriesCoverage, period: str, within: Span, *, now: datetime, page: int) -> Iterator[File]:
    """Yield the files that save more questions than they cost, the oldest first.

    Parameters
    ----------
    coverage : SeriesCoverage
        Bars that were asked for in vain are not looked for in a file: whoever holds them has said so.
    period : str
        ``monthly`` or ``daily``.
    within : (datetime, datetime)
        The range to complete.
    now : datetime
        Files of what has just ended are not there yet.
    page : int
        Bars that one question to the exchange brings.
    """
    interval, length = coverage.series.interval, _MONTH if period == "monthly" else _DAY
    in_vain = Spans.of((hole.start, hole.end) for hole in coverage.holes(*within) if hole.times)
    fresh = Spans.of(coverage.missing(*within)) - in_vain
    form = "%Y-%m" if period == "monthly" else "%Y-%m-%d"
    seen: datetime | None = None
    for start, end in fresh:
        for opened in length.opens(length.floor(start), end):
            closed = length.close_time(opened)
            if opened == seen or closed + _ASIDE > now:
                continue
            seen = opened
            lacking = sum(interval.count(*span) for span in fresh.clip(opened, closed))
            if lacking > PRICE * page:
                yield File(period, opened.strftime(form))
