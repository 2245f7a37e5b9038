"""From an answer to its batch in bronze: typed rows with their lineage, rows set aside, and what the answer proves.

One function a kind of batch, all of them pure: the same answer gives the same batch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from assay.domain.instrument import Market, SeriesId
from assay.domain.symbol import Symbol
from assay.lake import bronze
from assay.lake.bronze import AskedRange, BatchHeader
from assay.pipelines.ingesting.client import Answer
from assay.pipelines.ingesting.questions import KlinesQuestion
from assay.pipelines.ingesting.sources import OF_ONE_SYMBOL
from assay.venues.datasets import INSTRUMENTS, KLINES, MOMENT, ORDER_BOOKS, TICKERS, TRADES
from assay.venues.parsed import Parsed
from assay.venues.spec import Request, Role, VenueSpec
from assay.venues.tables import IDENTICAL_DUPLICATE, OFF_GRID
from assay.venues.transport import Response

FORMAT = "json"
LIVE = timedelta(hours=1)
"""A bar that came later than this after it could be had was loaded as history."""
_SHOWN_BYTES = 2_000
_FAILURE_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("venue", "endpoint", "parameters", "kind", "cause"), pl.String()),
        **dict.fromkeys(("asked_at", "known_at"), MOMENT),
        **dict.fromkeys(("slot", "batch_id"), pl.String()),
    }
)
_QUARANTINE_SCHEMA = pl.Schema({"row_number": pl.Int64(), "cause": pl.String(), "raw": pl.String()})


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
    rows = _placed(answer.parsed, {"market": series.market.value, "symbol": series.symbol, "interval": series.interval})
    usable = rows.filter(pl.col("defect").is_null())
    defects = rows["defect"].value_counts()
    found: dict[str, int] = dict(defects.iter_rows())
    header = _header(KLINES, answer, question.slot, accepted=usable.height)
    header = replace(
        header,
        counts={
            **header.counts,
            "identical_duplicates": found.get(IDENTICAL_DUPLICATE, 0),
            "restated": 0,
            "provisional": int(usable["is_provisional"].sum()),
            "off_grid": found.get(OFF_GRID, 0),
        },
        ranges=bronze.ranges_of(usable),
        asked=_asked(series, question, answer),
    )
    known_at, available = pl.col("known_at"), pl.col("close_time") + spec.publication_delay
    is_live = known_at <= available + LIVE
    rows = _lineage(rows, header).with_columns(
        available_at=pl.when(is_live).then(known_at).otherwise(available), recorded_at=known_at
    )
    return Batch(header, answer.response.body, rows, _quarantine(answer.parsed, header))


def snapshot_batch(dataset: str, answer: Answer, slot: str, *, symbol: Symbol | None = None) -> Batch:
    """Return the batch of an answer that shows a moment."""
    place: dict[str, object] = {}
    if dataset in (TICKERS, INSTRUMENTS, ORDER_BOOKS, TRADES):
        place["market"] = Market.SPOT.value
    if dataset in OF_ONE_SYMBOL:
        place |= {"symbol": symbol, "venue_symbol": answer.param(Role.SYMBOL)}
        assert symbol is not None, f"{answer.request.endpoint} is asked for one symbol"
    if dataset == ORDER_BOOKS:
        place["depth_limit"] = int(answer.param(Role.LIMIT) or 0)
    rows = _placed(answer.parsed, place)
    header = _header(dataset, answer, slot, accepted=rows.height)
    rows = _lineage(rows, header).with_columns(available_at=pl.col("known_at"))
    return Batch(header, answer.response.body, rows, _quarantine(answer.parsed, header))


def poison_batch(request: Request, response: Response, cause: str, slot: str) -> Batch:
    """Return the batch of an answer that cannot be read at all: the body is kept, and shown in quarantine."""
    header = BatchHeader(
        batch_id=_identity(request, slot, response.body),
        dataset=bronze.POISON,
        venue=request.venue,
        endpoint=request.endpoint,
        parameters=dict(request.params),
        known_at=response.received_at,
        body_sha256=hashlib.sha256(response.body).hexdigest(),
        content_format=FORMAT,
        counts={"quarantined": 1},
        ranges=(),
        slot=slot,
    )
    rows = _lineage(pl.DataFrame({"endpoint": [request.endpoint]}), header).select(
        "batch_id", "venue", "known_at", "endpoint", parameters=pl.lit(_parameters(request)), cause=pl.lit(cause)
    )
    shown = response.body[:_SHOWN_BYTES].decode("utf-8", errors="replace")
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
        content_format=FORMAT,
        counts={"rows_read": len(told), "accepted": len(told), "quarantined": 0},
        ranges=(),
        slot=slot,
    )
    rows = pl.DataFrame([{**row, "batch_id": header.batch_id} for row in told], schema=_FAILURE_SCHEMA)
    return Batch(header, body, rows, pl.DataFrame(schema=_QUARANTINE_SCHEMA))


def _header(dataset: str, answer: Answer, slot: str, *, accepted: int) -> BatchHeader:
    request, body = answer.request, answer.response.body
    parsed = answer.parsed
    return BatchHeader(
        batch_id=_identity(request, slot, body),
        dataset=dataset,
        venue=request.venue,
        endpoint=request.endpoint,
        parameters=dict(request.params),
        known_at=answer.response.received_at,
        body_sha256=hashlib.sha256(body).hexdigest(),
        content_format=FORMAT,
        counts={"rows_read": parsed.received, "accepted": accepted, "quarantined": parsed.rejected.height},
        ranges=(),
        slot=slot,
    )


def _identity(request: Request, slot: str, body: bytes) -> str:
    digest = hashlib.sha256(body).hexdigest()
    return bronze.batch_id(request.venue, request.endpoint, dict(request.params), slot=slot, body_sha256=digest)


def _parameters(request: Request) -> str:
    return json.dumps(dict(request.params), sort_keys=True)


def _placed(parsed: Parsed, place: Mapping[str, object]) -> pl.DataFrame:
    """Return the rows with where in the answer each stood, from 1, and with the columns that the question says."""
    rejected = {int(position) for position in parsed.rejected["position"]}
    numbers = [position + 1 for position in range(parsed.received) if position not in rejected]
    constants = {name: pl.lit(value if isinstance(value, int) else str(value)) for name, value in place.items()}
    if "depth_limit" in constants:
        constants["depth_limit"] = constants["depth_limit"].cast(pl.Int64)
    return parsed.rows.with_columns(pl.Series("row_number", numbers, dtype=pl.Int64), **constants)


def _lineage(rows: pl.DataFrame, header: BatchHeader) -> pl.DataFrame:
    return rows.with_columns(
        pl.lit(header.venue).alias("venue"),
        pl.lit(header.batch_id).alias("batch_id"),
        pl.lit(header.known_at).cast(MOMENT).alias("known_at"),
    )


def _quarantine(parsed: Parsed, header: BatchHeader) -> pl.DataFrame:
    rows = parsed.rejected.select(pl.col("position") + 1, "cause", "raw").rename({"position": "row_number"})
    return _lineage(rows, header)


def is_cut(question: KlinesQuestion, answer: Answer) -> bool:
    """Whether the venue may have had more bars than it was allowed to send.

    A full page that reaches the end of what was asked for is whole. One that does not may hold rows that fill no bar of
    their own, such as a bar that is said twice.
    """
    latest = answer.parsed.rows.filter(pl.col("open_time") < question.end)["close_time"].max()
    is_short = not isinstance(latest, datetime) or latest < question.end
    return answer.parsed.received >= question.limit and is_short


def _asked(series: SeriesId, question: KlinesQuestion, answer: Answer) -> tuple[AskedRange, ...]:
    """Return what the answer proves: nothing about bars that had not closed, or that lie beyond the end of a full page.

    A run of finished bars ends at a hole, at a row that was set aside, and at a bar that was still open.
    """
    interval = series.interval
    opened, closed = pl.col("open_time"), pl.col("close_time")
    bars = answer.parsed.rows.filter(
        (pl.col("defect") != OFF_GRID).fill_null(value=True),
        ~pl.col("is_provisional"),
        opened >= question.start,
        opened < question.end,
    )
    bars = bars.select(opened, closed).unique().sort("open_time")
    end = min(question.end, interval.floor(answer.venue_now))
    if is_cut(question, answer):
        if bars.is_empty():
            return ()
        last_open, last_close = bars.row(-1)
        # The cut may go through the rows of one bar: it is asked for again, unless there was no other.
        end = min(end, last_open if last_open > question.start else last_close)
        bars = bars.filter(opened < end)
    if end <= question.start:
        return ()
    run = (opened != closed.shift(1)).fill_null(value=True).cum_sum().alias("run")
    runs = bars.group_by(run, maintain_order=True).agg(opened.first(), closed.last())
    complete = tuple((first, last) for _, first, last in runs.iter_rows())
    return (AskedRange(series.market.value, str(series.symbol), interval.code, question.start, end, complete),)
