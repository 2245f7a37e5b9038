"""Which files of an archive are worth asking for: those that save more questions than they cost."""

from __future__ import annotations

from datetime import datetime

import pytest

from assay.domain.errors import BadInputError
from assay.domain.instrument import SeriesId
from assay.domain.spans import NOTHING, Spans
from assay.lake.coverage_proof import SeriesCoverage
from assay.pipelines.ingesting.archive import File, files_worth
from assay.pipelines.ingesting.sources import read_sources, sources_of
from tests.unit.venues.sandbox.reading import at

NOW = at(2024, 5, 20, 15)


def worth(
    interval: str,
    period: str,
    start: datetime,
    *,
    settled: Spans = NOTHING,
    in_vain: Spans = NOTHING,
    now: datetime = NOW,
) -> list[str]:
    series = SeriesId.parse(f"binance:spot:BTC-USDT:{interval}")
    lacking = {"a batch": in_vain} if in_vain else {}
    coverage = SeriesCoverage(series, 3, settled=settled, held=settled, in_vain=lacking)
    return [one.date for one in files_worth(coverage, period, (start, now), now=now, page=1_000)]


def test_closed_months_of_minutes_are_and_the_month_that_runs_is_not() -> None:
    assert worth("1m", "monthly", at(2024, 2, 10)) == ["2024-02", "2024-03", "2024-04"]
    assert worth("1m", "daily", at(2024, 5, 18)) == []  # two questions bring a day of minutes
    assert worth("1s", "daily", at(2024, 5, 18)) == ["2024-05-18", "2024-05-19"]


def test_months_of_hours_are_not() -> None:
    assert worth("1h", "monthly", at(2020, 1, 1)) == []
    assert worth("15m", "monthly", at(2024, 3, 1)) == ["2024-03", "2024-04"]


def test_a_month_of_which_little_is_wanted_or_lacks_is_not() -> None:
    assert worth("1m", "monthly", at(2024, 4, 30, 12)) == []
    most = Spans.of([(at(2024, 3, 2), at(2024, 4, 30, 12))])
    assert worth("1m", "monthly", at(2024, 3, 1), settled=most) == []
    some = Spans.of([(at(2024, 3, 4), at(2024, 4, 30, 12))])
    assert worth("1m", "monthly", at(2024, 3, 1), settled=some) == ["2024-03"]


def test_bars_that_were_asked_for_in_vain_are_not_looked_for_in_files() -> None:
    before_the_listing = Spans.of([(at(2024, 1, 1), at(2024, 3, 20))])
    assert worth("1m", "monthly", at(2024, 1, 1), in_vain=before_the_listing) == ["2024-03", "2024-04"]


def test_holes_in_one_month_ask_for_its_file_once() -> None:
    held = Spans.of([(at(2024, 4, day), at(2024, 4, day, 6)) for day in range(2, 29)])
    assert worth("1m", "monthly", at(2024, 4, 1), settled=held) == ["2024-04"]


def test_a_file_of_what_has_just_ended_is_not_asked_for() -> None:
    assert worth("1s", "daily", at(2024, 5, 18), now=at(2024, 5, 20, 11)) == ["2024-05-18"]


def test_a_month_has_its_days() -> None:
    days = File("monthly", "2024-02").days()
    assert (len(days), days[0], days[-1].span) == (
        29,
        File("daily", "2024-02-01"),
        (at(2024, 2, 29), at(2024, 3, 1)),
    )


def test_an_archive_is_no_source_of_ingest() -> None:
    assert sources_of("binance_archive") == ()
    with pytest.raises(BadInputError, match="assay backfill"):
        read_sources(["binance_archive"])
