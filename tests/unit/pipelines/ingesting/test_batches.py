"""One answer worked out by hand: what its batch holds, sets aside and proves."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest

from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake import bronze
from assay.pipelines.ingesting.batches import Failure, failures_batch, klines_batch, poison_batch
from assay.pipelines.ingesting.client import Answer
from assay.pipelines.ingesting.questions import KlinesQuestion
from assay.venues.binance.parse import parse_klines
from assay.venues.binance.spec import SPEC
from assay.venues.requests import klines_request
from assay.venues.transport import Response

SERIES = SeriesId.parse("binance:spot:BTC-USDT:1h")
DAY = datetime(2024, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row(hour: float, **changed: object) -> list[object]:
    """Return a bar as Binance writes it; `hour` counts from DAY."""
    opened = int((DAY + hour * HOUR).timestamp() * 1000)
    fields = dict(zip("ohlcv", ("2", "4", "1", "3", "5"), strict=True)) | changed
    return [opened, *fields.values(), opened + 3_599_999, "10", 3, "2", "4", "0"]


def asked(start: int, end: int, *, limit: int = 1_000, slot: str = "") -> KlinesQuestion:
    first, last = DAY + start * HOUR, DAY + end * HOUR
    request = klines_request(
        SPEC, Symbol("BTC", "USDT"), interval=Interval.parse("1h"), start=first, end=last, limit=limit
    )
    return KlinesQuestion(request, first, last, limit, slot)


def answered(question: KlinesQuestion, rows: list[list[object]], at: datetime, *, date: str = "") -> Answer:
    headers = {"date": date} if date else {}
    response = Response(200, headers, msgspec.json.encode(rows), asked_at=at, received_at=at + timedelta(seconds=1))
    venue_now = min(at, response.venue_time or at)
    parsed = parse_klines(response.body, question.request, asked_at=venue_now)
    return Answer(question.request, SPEC.endpoint("klines"), response, parsed, venue_now)


def test_answer_with_every_defect() -> None:
    # Asked for hours 0 to 9 at 8:30. Row by row: 1 hour 0; 2 hour 1; 3 hour 1 again; 4 hour 3 without a number, which
    # is set aside; 5 hour 4; 6 off the grid; 7 hour 5; 8 hour 8, which is open. Hours 2, 6 and 7 are not there.
    rows = [row(0), row(1), row(1), row(3, c="x"), row(4), row(4.5), row(5), row(8)]
    question = asked(0, 10, slot="2024-05-01T08:30:00+00:00")
    at = DAY + 8.5 * HOUR
    batch = klines_batch(SPEC, SERIES, question, answered(question, rows, at))
    assert batch.rows["row_number"].to_list() == [1, 2, 3, 5, 6, 7, 8]
    assert batch.rows["defect"].to_list() == [None, None, "identical_duplicate", None, "off_grid", None, None]
    assert batch.quarantined.select("row_number", "cause").rows() == [(4, "close is not a number")]
    assert batch.header.counts == {
        "rows_read": 8,
        "accepted": 5,
        "quarantined": 1,
        "identical_duplicates": 1,
        "restated": 0,
        "provisional": 1,
        "off_grid": 1,
    }
    (span,) = batch.header.ranges
    assert (span.first_open_time, span.last_open_time, span.rows) == (DAY, DAY + 8 * HOUR, 5)
    (proof,) = batch.header.asked
    # Hours 8 and 9 had not closed: nothing is proven about them.
    assert (proof.start, proof.end) == (DAY, DAY + 8 * HOUR)
    runs = [((first - DAY) // HOUR, (last - DAY) // HOUR) for first, last in proof.complete]
    assert runs == [(0, 2), (4, 6)]
    assert (batch.header.slot, batch.header.known_at) == (question.slot, at + timedelta(seconds=1))
    assert batch.header.body_sha256 == hashlib.sha256(batch.body).hexdigest()


def test_bar_is_available_when_it_came_unless_it_came_as_history() -> None:
    question = asked(0, 3)
    batch = klines_batch(SPEC, SERIES, question, answered(question, [row(0), row(1), row(2)], DAY + 3.5 * HOUR))
    came, delay = batch.header.known_at, SPEC.publication_delay
    assert batch.rows["available_at"].to_list() == [DAY + HOUR + delay, DAY + 2 * HOUR + delay, came]


@pytest.mark.parametrize("hour", [3, 4])
def test_bar_that_is_open_by_either_clock_is_not_finished(hour: int) -> None:
    question = asked(0, 4)
    date = (DAY + 3.5 * HOUR).strftime("%a, %d %b %Y %H:%M:%S GMT")
    rows = [row(0), row(1), row(2), row(3)]
    batch = klines_batch(SPEC, SERIES, question, answered(question, rows, DAY + (hour + 0.75) * HOUR, date=date))
    assert batch.rows["is_provisional"].to_list() == [False, False, False, True]
    assert batch.header.asked[0].complete == ((DAY, DAY + 3 * HOUR),)


def test_page_that_is_full_proves_nothing_beyond_it() -> None:
    question = asked(0, 100, limit=3)
    batch = klines_batch(SPEC, SERIES, question, answered(question, [row(5), row(6), row(7)], DAY + 200 * HOUR))
    (proof,) = batch.header.asked
    assert proof.start == DAY
    assert proof.end <= DAY + 8 * HOUR
    assert proof.complete[0][0] == DAY + 5 * HOUR


def test_empty_answer_proves_that_nothing_came() -> None:
    question = asked(0, 100, limit=3)
    batch = klines_batch(SPEC, SERIES, question, answered(question, [], DAY + 50 * HOUR))
    assert batch.rows.height == 0
    assert batch.header.ranges == ()
    assert [(one.end, one.complete) for one in batch.header.asked] == [(DAY + 50 * HOUR, ())]


def test_same_answer_is_the_same_batch_and_another_slot_another_one() -> None:
    early, late = DAY + 50 * HOUR, DAY + 51 * HOUR
    first, again = (
        klines_batch(SPEC, SERIES, asked(0, 2), answered(asked(0, 2), [row(0)], at)) for at in (early, late)
    )
    slotted = klines_batch(SPEC, SERIES, asked(0, 2, slot="s"), answered(asked(0, 2, slot="s"), [row(0)], late))
    assert first.header.batch_id == again.header.batch_id
    assert slotted.header.batch_id != again.header.batch_id


def test_page_that_cannot_be_read_is_kept_whole_and_shown_in_part() -> None:
    request = asked(0, 1).request
    body = b"\xff<html>" + b"x" * 5_000
    response = Response(200, {}, body, asked_at=DAY, received_at=DAY)
    batch = poison_batch(request, response, "the page is HTML or XML", "s")
    assert (batch.body, batch.header.dataset, batch.header.counts) == (body, bronze.POISON, {"quarantined": 1})
    (shown,) = batch.quarantined.rows(named=True)
    assert (shown["row_number"], shown["cause"]) == (0, "the page is HTML or XML")
    assert shown["raw"] == "�<html>" + "x" * (2_000 - 7)


def test_failures_of_a_run_are_one_batch() -> None:
    request = asked(0, 1).request
    failures = [Failure(request, "outage", "no connection", "no connection", DAY, slot) for slot in ("", "s")]
    batch = failures_batch("binance", failures, DAY + HOUR, "s")
    assert batch.rows.select("kind", "slot", "asked_at", "known_at").rows() == [
        ("outage", "", DAY, DAY + HOUR),
        ("outage", "s", DAY, DAY + HOUR),
    ]
    assert batch.rows["batch_id"].unique().to_list() == [batch.header.batch_id]
    assert batch.rows.schema["asked_at"] == pl.Datetime("us", "UTC")
    assert [one["slot"] for one in msgspec.json.decode(batch.body)] == ["", "s"]
