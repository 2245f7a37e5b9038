"""Reading again what was set aside: a body that could not be read yesterday may be read by today's parser.

What comes out is a batch of its own, known from now on: a read as of yesterday stays what it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from assay.domain.errors import AssayError
from assay.domain.instrument import SeriesId
from assay.domain.interval import EPOCH
from assay.lake import bronze
from assay.lake.bronze import BatchHeader
from assay.lake.coverage_cache import read_coverage
from assay.lake.quarantine import Quarantined
from assay.pipelines.importing import ENDPOINT as IMPORTED
from assay.pipelines.ingesting import batches
from assay.pipelines.ingesting.batches import Batch
from assay.pipelines.ingesting.client import Answer
from assay.pipelines.ingesting.questions import KlinesQuestion
from assay.pipelines.ingesting.sources import OF_ONE_SYMBOL
from assay.pipelines.workspace import Workspace
from assay.venues.datasets import KLINES
from assay.venues.parsed import Parsed, Venue
from assay.venues.registry import find_api
from assay.venues.requests import moment_of, period_of
from assay.venues.spec import Endpoint, Request, Role
from assay.venues.transport import Response

OPEN, RETRIED, HEALED = "open", "retried", "healed"
_RETRY_OF = "retry_of"
# When exactly a question left is not kept; a bar that closed so shortly before its answer counts as unfinished.
_UNDER_WAY = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Retried:
    """What reading a batch again gave.

    Attributes
    ----------
    batch_id : str
        What was read again.
    new_batch_id : str or None
        The batch of what can be used now; None if nothing can.
    rows : int
        Rows in it.
    cause : str
        Why nothing can be used, or empty.
    """

    batch_id: str
    new_batch_id: str | None
    rows: int
    cause: str


def retry(workspace: Workspace, one: Quarantined) -> Retried:
    """Read the body of a batch again, and keep what can be used now; doing it twice changes nothing.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    header = one.header
    if header.endpoint == IMPORTED:
        return _useless(header, "it came from a file: mend the file and import it again")
    venue = find_api(header.venue, header.endpoint)
    if venue is None:
        return _useless(header, "there is no reader for this venue")
    body = bronze.read_body(workspace.home.bronze_store, header)
    endpoint = venue.spec.endpoint(header.endpoint)
    request = _request(endpoint, header)
    asked_at = header.known_at - _UNDER_WAY
    try:
        parsed = venue.handlers[endpoint.name](body, request, asked_at=asked_at)
    except AssayError as error:
        return _useless(header, f"it still cannot be read: {getattr(error, 'cause', error.what)}")
    response = Response(200, {}, body, asked_at=asked_at, received_at=workspace.clock.now())
    batch = _batch(venue, header, Answer(request, endpoint, response, parsed, asked_at))
    if header.dataset != bronze.POISON:
        aside = one.rows()["row_number"]
        batch = replace(batch, rows=batch.rows.filter(pl.col("row_number").is_in(aside.implode())))
    if batch.rows.is_empty():
        return _useless(header, _cause(parsed))
    batch = _of_its_own(batch, header)
    bronze.write_batch(
        workspace.home.bronze_store, batch.header, body=body, rows=batch.rows, quarantined=batch.quarantined.clear()
    )
    return Retried(header.batch_id, batch.header.batch_id, batch.rows.height, "")


def states(workspace: Workspace, found: list[Quarantined]) -> list[str]:
    """Return what has become of each batch since.

    ``retried``: it was read again, and something could be used. ``healed``: a later answer holds the same bars.
    ``open``: neither.
    """
    settings = workspace.settings.ingest
    ledgers = {
        venue: read_coverage(workspace.home, venue, settle=settings.settle_length, confirmations=settings.confirmations)
        for venue in {one.header.venue for one in found if find_api(one.header.venue, one.header.endpoint)}
    }
    told = []
    for one in found:
        header, state = one.header, OPEN
        venue = find_api(header.venue, header.endpoint)
        if venue is not None and header.endpoint != IMPORTED:
            again = _retry_header(header, venue.spec.endpoint(header.endpoint).dataset)
            if bronze.find_batch(workspace.home.bronze_store, again):
                state = RETRIED
            elif again.dataset == KLINES:
                series, start, end = _asked(venue, header)
                end = min(end, series.interval.floor(header.known_at))
                is_whole = not ledgers[header.venue].series(series).missing(series.interval.ceil(start), end)
                state = HEALED if start < end and is_whole else OPEN
        told.append(state)
    return told


def _useless(header: BatchHeader, cause: str) -> Retried:
    return Retried(header.batch_id, None, 0, cause)


def _cause(parsed: Parsed) -> str:
    causes = parsed.rejected["cause"]
    return f"its rows are still of no use: {causes[0]}" if causes.len() else "it holds no rows"


def _request(endpoint: Endpoint, header: BatchHeader) -> Request:
    params = tuple(sorted((name, text) for name, text in header.parameters.items() if name != _RETRY_OF))
    path, weight = endpoint.path_of(dict(params)), endpoint.weight.of(dict(params))
    return Request(header.venue, endpoint.name, path, params, weight, endpoint.not_in_query)


def _asked(venue: Venue, header: BatchHeader) -> tuple[SeriesId, datetime, datetime]:
    """Return the series that was asked for, and from when to when."""
    endpoint = venue.spec.endpoint(header.endpoint)

    def text(role: Role) -> str | None:
        parameter = endpoint.parameter(role)
        return header.parameters.get(parameter.name) if parameter else None

    def moment(role: Role, otherwise: datetime) -> datetime:
        parameter, found = endpoint.parameter(role), text(role)
        return otherwise if parameter is None or found is None else moment_of(parameter, found)

    symbol = venue.spec.symbols.to_symbol(text(Role.SYMBOL) or "")
    series = SeriesId(header.venue, endpoint.market, symbol, venue.spec.interval(text(Role.INTERVAL) or ""))
    if period := text(Role.PERIOD):
        return series, *period_of(period)
    return series, moment(Role.START, EPOCH), moment(Role.LAST, header.known_at)


def _batch(venue: Venue, header: BatchHeader, answer: Answer) -> Batch:
    dataset = answer.endpoint.dataset
    if dataset == KLINES:
        series, start, end = _asked(venue, header)
        question = KlinesQuestion(answer.request, start, end, int(answer.param(Role.LIMIT) or 1), header.slot)
        return batches.klines_batch(venue.spec, series, question, answer)
    symbol = venue.spec.symbols.to_symbol(answer.param(Role.SYMBOL) or "") if dataset in OF_ONE_SYMBOL else None
    delay = venue.spec.publication_delay
    return batches.snapshot_batch(dataset, answer, header.slot, symbol=symbol, delay=delay)


def _retry_header(header: BatchHeader, dataset: str) -> BatchHeader:
    """Return the header of what comes out of a batch: it says what it was made of."""
    parameters = {**header.parameters, _RETRY_OF: header.batch_id}
    digest = header.body_sha256
    identity = bronze.batch_id(header.venue, header.endpoint, parameters, slot=header.slot, body_sha256=digest)
    return replace(header, batch_id=identity, dataset=dataset, parameters=parameters)


def _of_its_own(batch: Batch, header: BatchHeader) -> Batch:
    """Return the batch under an id of its own. It proves nothing about what a venue has: coverage asks again."""
    again = _retry_header(header, batch.header.dataset)
    counts = {**batch.header.counts, "accepted": batch.rows.height, "quarantined": 0}
    own = replace(batch.header, batch_id=again.batch_id, parameters=again.parameters, counts=counts, asked=())
    rows = batch.rows.with_columns(pl.lit(own.batch_id).alias("batch_id"))
    if own.dataset == KLINES:
        # Which of two observations of a bar is the later one is told by when the body came.
        rows = rows.with_columns(pl.lit(header.known_at).cast(rows.schema["recorded_at"]).alias("recorded_at"))
        own = replace(own, ranges=bronze.ranges_of(rows.filter(pl.col("defect").is_null())))
    return Batch(own, batch.body, rows, batch.quarantined)
