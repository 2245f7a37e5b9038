"""From an answer to its batch in bronze: typed rows with their lineage, rows set aside, and what the answer proves.

One function a kind of batch, all of them pure: the same answer gives the same batch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.domain.instrument import SeriesId
from assay.domain.interval import EPOCH
from assay.domain.symbol import Symbol
from assay.lake import bronze
from assay.lake.bronze import AskedRange, BatchHeader, BatchRange
from assay.pipelines.ingesting.client import Answer
from assay.pipelines.ingesting.questions import KlinesQuestion
from assay.pipelines.ingesting.sources import OF_ONE_SYMBOL
from assay.venues.datasets import COIN_HISTORY, FUNDING_RATES, INSTRUMENTS, KLINES, MOMENT, ORDER_BOOKS, TICKERS, TRADES
from assay.venues.parsed import Parsed
from assay.venues.spec import Request, Role, VenueSpec
from assay.venues.tables import IDENTICAL_DUPLICATE, OFF_GRID
from assay.venues.transport import Response

JSON, ZIP = "json", "zip"
LIVE = timedelta(hours=1)
"""A bar that came later than this after it could be had was loaded as history."""
_OF_OLD = {FUNDING_RATES: "funding_time", COIN_HISTORY: "event_time"}
"""Datasets that hold what was there before it was asked for, and by which column."""
_SHOWN_BYTES = 2_000
_FAILURE_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("venue", "endpoint", "parameters", "kind", "cause"), pl.String()),
        **dict.fromkeys(("asked_at", "known_at"), MOMENT),
        **dict.fromkeys(("slot", "batch_id"), pl.String()),
    }
)
_MICROSECOND = timedelta(microseconds=1)
_QUARANTINE_SCHEMA = pl.Schema({"row_number": pl.Int64(), "cause": pl.String(), "raw": pl.String()})
_NOTHING_SET_ASIDE = pl.DataFrame(
    schema={**_QUARANTINE_SCHEMA, "venue": pl.String(), "batch_id": pl.String(), "known_at": MOMENT}
)


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch, ready to be written."""

    header: BatchHeader
    body: bytes
    rows: pl.DataFrame
    quarantined: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Failure:
    """A question to which no usable answer came.

    `kind` is ``outage`` (nobody there), ``budget`` (no more requests allowed for now) or ``refused`` (asking again
    does not help). `cause` says everything, `brief` what many failures have in common.
    """

    request: Request
    kind: str
    cause: str
    brief: str
    asked_at: datetime
    slot: str


def klines_batch(spec: VenueSpec, series: SeriesId, question: KlinesQuestion, answer: Answer) -> Batch:
    """Return the batch of an answer with bars."""
    parsed = answer.parsed
    defect = parsed.rows["defect"]
    usable = parsed.rows if defect.null_count() == len(defect) else parsed.rows.filter(defect.is_null())
    header = _header(KLINES, answer, question.slot, accepted=usable.height)
    header = replace(
        header,
        counts={
            **header.counts,
            "identical_duplicates": int((defect == IDENTICAL_DUPLICATE).sum()),
            "restated": 0,
            "provisional": int(usable["is_provisional"].sum()),
            "off_grid": int((defect == OFF_GRID).sum()),
        },
        ranges=_ranges(series, usable["open_time"]),
        asked=_asked(series, question, answer),
    )
    place = {"market": series.market.value, "symbol": str(series.symbol), "interval": series.interval.code}
    rows = _lineage(_placed(parsed, place), header)
    known_at = rows["known_at"]
    available_at = _available_at(rows["close_time"] + spec.publication_delay, known_at, header)
    rows = rows.hstack([available_at.alias("available_at"), known_at.alias("recorded_at")])
    return Batch(header, answer.response.body, rows, _quarantine(parsed, header))


def _available_at(published: pl.Series, known_at: pl.Series, header: BatchHeader) -> pl.Series:
    """Return when a live system would have had each row: what came long after it was published is history."""
    return known_at.zip_with(published >= header.known_at - LIVE, published)


def _ranges(series: SeriesId, opened: pl.Series) -> tuple[BatchRange, ...]:
    """Return which open times of its series an answer speaks about."""
    if opened.is_empty():
        return ()
    first, last = opened.min(), opened.max()
    assert isinstance(first, datetime), first
    assert isinstance(last, datetime), last
    return (BatchRange(series.market.value, str(series.symbol), series.interval.code, first, last, len(opened)),)


def snapshot_batch(
    dataset: str, answer: Answer, slot: str, *, symbol: Symbol | None = None, delay: timedelta = timedelta()
) -> Batch:
    """Return the batch of an answer that shows a moment, or what was paid by then.

    `delay` is how long after it was paid funding can be had: that of old is available from then on, and not from now.
    """
    place: dict[str, str | int] = {}
    if dataset in (TICKERS, INSTRUMENTS, ORDER_BOOKS, TRADES, FUNDING_RATES):
        place["market"] = answer.endpoint.market.value
    if dataset in OF_ONE_SYMBOL:
        assert symbol is not None, f"{answer.request.endpoint} is asked for one symbol"
        place |= {"symbol": str(symbol), "venue_symbol": str(answer.param(Role.SYMBOL))}
    if dataset == ORDER_BOOKS:
        place["depth_limit"] = int(answer.param(Role.LIMIT) or 0)
    rows = _placed(answer.parsed, place)
    header = _header(dataset, answer, slot, accepted=rows.height)
    rows = _lineage(rows, header)
    available_at = rows["known_at"]
    if dataset in _OF_OLD:
        available_at = _available_at(rows[_OF_OLD[dataset]] + delay, rows["known_at"], header)
    rows = rows.hstack([available_at.alias("available_at")])
    return Batch(header, answer.response.body, rows, _quarantine(answer.parsed, header))


def poison_batch(request: Request, response: Response, cause: str, slot: str, *, body_format: str = JSON) -> Batch:
    """Return the batch of an answer that cannot be read at all: the body is kept, and shown in quarantine."""
    digest = hashlib.sha256(response.body).hexdigest()
    header = BatchHeader(
        batch_id=_identity(request, slot, digest),
        dataset=bronze.POISON,
        venue=request.venue,
        endpoint=request.endpoint,
        parameters=dict(request.params),
        known_at=response.received_at,
        body_sha256=digest,
        content_format=body_format,
        counts={"quarantined": 1},
        ranges=(),
        slot=slot,
    )
    rows = _lineage(pl.DataFrame({"endpoint": [request.endpoint]}), header).select(
        "batch_id", "venue", "known_at", "endpoint", parameters=pl.lit(_parameters(request)), cause=pl.lit(cause)
    )
    shown = response.body[:_SHOWN_BYTES].decode("utf-8", errors="replace")
    if body_format == ZIP:
        shown = f"a zip of {len(response.body):,} bytes"
    quarantined = pl.DataFrame([(0, cause, shown)], schema=_QUARANTINE_SCHEMA, orient="row")
    return Batch(header, response.body, rows, _lineage(quarantined, header))


def failures_batch(venue: str, failures: Sequence[Failure], known_at: datetime, slot: str) -> Batch:
    """Return the batch that says which questions of a run were not answered."""
    told = [
        {
            "venue": venue,
            "endpoint": one.request.endpoint,
            "parameters": _parameters(one.request),
            "kind": one.kind,
            "cause": one.cause,
            "asked_at": one.asked_at,
            "known_at": known_at,
            "slot": one.slot,
        }
        for one in failures
    ]
    body = json.dumps(told, default=datetime.isoformat, sort_keys=True).encode()
    digest = hashlib.sha256(body).hexdigest()
    header = BatchHeader(
        batch_id=bronze.batch_id(venue, bronze.FAILURES, {}, slot=slot, body_sha256=digest),
        dataset=bronze.FAILURES,
        venue=venue,
        endpoint=bronze.FAILURES,
        parameters={},
        known_at=known_at,
        body_sha256=digest,
        content_format=JSON,
        counts={"rows_read": len(told), "accepted": len(told), "quarantined": 0},
        ranges=(),
        slot=slot,
    )
    rows = pl.DataFrame([{**row, "batch_id": header.batch_id} for row in told], schema=_FAILURE_SCHEMA)
    return Batch(header, body, rows, pl.DataFrame(schema=_QUARANTINE_SCHEMA))


def _header(dataset: str, answer: Answer, slot: str, *, accepted: int) -> BatchHeader:
    request, body = answer.request, answer.response.body
    parsed, digest = answer.parsed, hashlib.sha256(body).hexdigest()
    return BatchHeader(
        batch_id=_identity(request, slot, digest),
        dataset=dataset,
        venue=request.venue,
        endpoint=request.endpoint,
        parameters=dict(request.params),
        known_at=answer.response.received_at,
        body_sha256=digest,
        content_format=answer.endpoint.body_format,
        counts={"rows_read": parsed.received, "accepted": accepted, "quarantined": parsed.rejected.height},
        ranges=(),
        slot=slot,
    )


def _identity(request: Request, slot: str, digest: str) -> str:
    return bronze.batch_id(request.venue, request.endpoint, dict(request.params), slot=slot, body_sha256=digest)


def _parameters(request: Request) -> str:
    return json.dumps(dict(request.params), sort_keys=True)


def _placed(parsed: Parsed, place: Mapping[str, str | int]) -> pl.DataFrame:
    """Return the rows with where in the answer each stood, from 1, and with the columns that the question says."""
    numbers = np.arange(1, parsed.received + 1)
    if parsed.rejected.height:
        numbers = np.delete(numbers, parsed.rejected["position"].to_numpy())
    constants = [_constant(name, value, parsed.rows.height) for name, value in place.items()]
    return parsed.rows.hstack([pl.Series("row_number", numbers, dtype=pl.Int64), *constants])


def _constant(name: str, value: str | int | datetime, height: int) -> pl.Series:
    # Put together column by column: a page has a thousand rows, and planning a query over it takes longer than it.
    if isinstance(value, datetime):
        return pl.Series(name, [(value - EPOCH) // _MICROSECOND]).cast(MOMENT).new_from_index(0, height)
    return pl.Series(name, [value]).new_from_index(0, height)


def _lineage(rows: pl.DataFrame, header: BatchHeader) -> pl.DataFrame:
    told: dict[str, str | datetime] = {"venue": header.venue, "batch_id": header.batch_id, "known_at": header.known_at}
    return rows.hstack([_constant(name, value, rows.height) for name, value in told.items()])


def _quarantine(parsed: Parsed, header: BatchHeader) -> pl.DataFrame:
    if parsed.rejected.is_empty():
        return _NOTHING_SET_ASIDE
    rows = parsed.rejected.select(pl.col("position") + 1, "cause", "raw").rename({"position": "row_number"})
    return _lineage(rows, header)


def is_cut(question: KlinesQuestion, answer: Answer) -> bool:
    """Whether the venue may have had more bars than it was allowed to send.

    A full page that reaches the end of what was asked for is whole. One that does not may hold rows that fill no bar of
    their own, such as a bar that is said twice.
    """
    if answer.parsed.received < question.limit:
        return False
    rows = answer.parsed.rows
    latest = rows["close_time"].filter(rows["open_time"] < question.end).max()
    return not isinstance(latest, datetime) or latest < question.end


def _asked(series: SeriesId, question: KlinesQuestion, answer: Answer) -> tuple[AskedRange, ...]:
    """Return what the answer proves: nothing about bars that had not closed, or that lie beyond the end of a full page.

    A run of finished bars ends at a hole, at a row that was set aside, and at a bar that was still open.
    """
    interval = series.interval
    runs = _runs(answer.parsed.rows, question)
    end = min(question.end, interval.floor(answer.venue_now))
    if is_cut(question, answer):
        if not runs:
            return ()
        last_close = runs[-1][1]
        last_open = interval.floor(last_close - _MICROSECOND)
        # The cut may go through the rows of one bar: it is asked for again, unless there was no other.
        end = min(end, last_open if last_open > question.start else last_close)
        runs = [(first, min(last, end)) for first, last in runs if first < end]
    has_open = _lacks_open(question, answer, end)
    if end <= question.start and not has_open:
        return ()
    # A row that was set aside stands for a bar in which something was traded.
    omits_empty = answer.endpoint.omits_empty and answer.parsed.rejected.is_empty()
    end = max(end, question.start)
    return (AskedRange(*series.key[1:], question.start, end, tuple(runs), omits_empty, has_open),)


def _lacks_open(question: KlinesQuestion, answer: Answer, end: datetime) -> bool:
    """Whether the bar that is open was asked for and told of, but not as a bar on the grid."""
    if question.end <= end:
        return False
    rows = answer.parsed.rows
    told = rows["defect"].filter(rows["is_provisional"])
    return answer.endpoint.omits_empty if told.is_empty() else told.null_count() == 0


def _runs(rows: pl.DataFrame, question: KlinesQuestion) -> list[tuple[datetime, datetime]]:
    """Return the runs of finished bars that open in the range of the question, in order."""
    opened, closed, defect = rows["open_time"], rows["close_time"], rows["defect"]
    is_bar = ~rows["is_provisional"] & (opened >= question.start) & (opened < question.end)
    if defect.null_count() < len(defect):
        is_bar &= defect.ne_missing(pl.Series([OFF_GRID]))
    # Bars that open at one time close at one time.
    opens, first = np.unique(opened.filter(is_bar).to_numpy(), return_index=True)
    if not opens.size:
        return []
    closes = closed.filter(is_bar).to_numpy()[first]
    begins = np.flatnonzero(np.append(True, opens[1:] != closes[:-1]))
    ends = np.append(begins[1:], opens.size) - 1
    return list(zip(_moments(opens[begins]), _moments(closes[ends]), strict=True))


def _moments(stamps: NDArray[np.datetime64]) -> list[datetime]:
    return [moment.replace(tzinfo=UTC) for moment in stamps.tolist()]
