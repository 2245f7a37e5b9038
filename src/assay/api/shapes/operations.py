"""Shapes for whoever runs the server: is it alive, and what state the data are in."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from assay.api.shapes.shape import IntervalCode, Market, Moment, Number, Series, Shape, Symbol, Venue, said


def _seconds(length: object) -> object:
    return length.total_seconds() if isinstance(length, timedelta) else length


_Seconds = BeforeValidator(_seconds)


class Alive(Shape):
    """The process answers."""

    status: Annotated[str, said("Always `ok`.", "ok")]
    version: Annotated[str, said("Of Assay.", "0.1.0")]


class Ready(Alive):
    """The lake can be read."""

    data_version: Annotated[int, said("Number of the lake's newest snapshot.", 412)]


class Source(Shape):
    """One dataset of one venue."""

    venue: Venue
    dataset: Annotated[str, said("What is fetched.", "klines")]
    answered_at: Annotated[datetime, said("When the latest answer came, UTC.", "2026-05-01T09:00:02Z")]
    age_s: Annotated[
        float, _Seconds, Field(validation_alias="age", description="How long ago that is, in s.", examples=[58.2])
    ]
    expected_every_s: Annotated[
        Number,
        _Seconds,
        Field(
            validation_alias="expected_every",
            description="How often an answer is due, in s; null for what is only fetched when asked for.",
            examples=[900],
        ),
    ]
    is_late: Annotated[bool, said("Whether more than two turns have passed since.", False)]
    batches: Annotated[int, said("Answers that the lake has taken in.", 96)]


class SeriesState(Shape):
    """How complete one series is; null: not known of a moment in the past."""

    venue: Venue
    market: Market
    symbol: Symbol
    interval: IntervalCode
    bars: Annotated[int, said("Stored.", 17_520)]
    missing_bars: Annotated[int, said("Missing between the first and the last.", 0)]
    coverage: Annotated[float, said("Bars over bars expected between the first and the last, 0 to 1.", 1.0)]
    holes: Annotated[int | None, said("Runs of missing bars.", 0)]
    first_open_time: Moment
    last_open_time: Moment
    provisional_bars: Annotated[int | None, said("Bars that may still change.", 1)]
    restated_bars: Annotated[int | None, said("Bars that the venue has changed.", 2)]
    outliers: Annotated[int | None, said("Suspect bars.", 0)]
    zero_volume_bars: Annotated[int | None, said("Bars without a trade.", 0)]


class Hole(Shape):
    """A run of missing bars: those that would open in `[start, end)`."""

    venue: Venue
    market: Market
    symbol: Symbol
    interval: IntervalCode
    start: Moment
    end: Moment
    bars: Annotated[int, said("How many are missing.", 12)]
    cause: Annotated[
        str,
        said("Why: `no_trades`, `not_listed`, `delisted`, `venue_outage`, `our_outage` or `unknown`.", "venue_outage"),
    ]
    evidence: Annotated[str, said("What the cause is told by.", "the venue did not answer then")]
    remedy: Annotated[
        str, said("What may still bring the bars: `ask` the venue again, `build`, or `nothing`.", "nothing")
    ]


class CauseCount(Shape):
    """How much of what is missing has a cause."""

    cause: Annotated[str, said("Which.", "no_trades")]
    holes: Annotated[int, said("Runs of missing bars.", 3)]
    bars: Annotated[int, said("Missing bars.", 14)]


class Gaps(Shape):
    """Holes with their causes, the latest first."""

    gaps: Annotated[list[Hole], said("The latest, at most `limit`.")]
    gap_count: Annotated[int, said("How many there are.", 3)]
    causes: Annotated[list[CauseCount], said("Of all of them, those of most bars first.")]
    healable_bars: Annotated[int, said("Missing bars that the venue may still be asked for.", 0)]


class SeriesDaysState(Shape):
    """One series, day by day; null on days before its first bar and after its last."""

    series: Series
    interval: IntervalCode
    bars: Annotated[list[int | None], said("Bars that are there, a number for each day.", [24, 24])]
    missing: Annotated[list[int | None], said("Bars that are not.", [0, 0])]
    causes: Annotated[
        list[dict[str, int] | None],
        said(
            "Missing bars by cause, those before its first bar and after its last included as far as the venue was "
            "asked; null where none is missing.",
            [None, {"venue_outage": 3}],
        ),
    ]


class CoverageDays(Shape):
    """How complete every series is, day by day; the least complete first. Series of weeks and months are left out."""

    days: Annotated[list[date], said("UTC days, in order.", ["2026-04-30", "2026-05-01"])]
    series: list[SeriesDaysState]


class OutageState(Shape):
    """A time in which a venue did not answer."""

    venue: Venue
    endpoints: Annotated[list[str], said("What was asked in vain.", ["klines"])]
    start: Annotated[datetime, said("When the first of the questions was asked, UTC.", "2026-05-01T08:00:00Z")]
    end: Annotated[datetime | None, said("When it answered again, UTC; null: not yet.", "2026-05-01T08:12:00Z")]
    questions: Annotated[int, said("Questions that were given up.", 3)]
    cause: Annotated[str, said("Of the first one.", "503 Service Unavailable")]


class TestState(Shape):
    """One quality test, or a table that could not be built."""

    name: Annotated[str, said("Name.", "klines_are_in_order")]
    kind: Annotated[str, said("`test` or `model`.", "test")]
    status: Annotated[str, said("pass, warn, fail, error or skipped.", "pass")]
    failures: Annotated[int, said("Rows that broke it.", 0)]
    message: Annotated[str, said("What is wrong; empty if nothing is.")]
    table: Annotated[str, said("What was tested or could not be built.", "silver.crypto_prices_cleaned")]
    is_gate: Annotated[bool, said("Whether it stops a build; otherwise it only warns.", True)]
    sample: Annotated[list[dict[str, str | None]], said("The first of those rows, at most 20, every value as text.")]


class TestStates(Shape):
    """The quality tests of the last build, the failed ones first, then those that warn."""

    built_at: Annotated[datetime, said("When, UTC.", "2026-05-01T09:00:10Z")]
    is_whole: Annotated[bool, said("Whether the build came to its last test.", True)]
    results: list[TestState]


class Run(Shape):
    """One run of a command."""

    command: Annotated[str, said("Which.", "build")]
    started_at: Annotated[datetime | None, said("UTC; null if its note cannot be read.", "2026-05-01T09:00:05Z")]
    seconds: Annotated[Number, said("How long it took, in s.", 4.2)]
    status: Annotated[str, said("ok, failed or unreadable.", "ok")]
    error: Annotated[str, said("Why it failed; empty if it did not.")]


class Status(Shape):
    """The state of the data."""

    is_built: Annotated[bool, said("Whether there are tables.", True)]
    freshness: list[Source]
    series: list[SeriesState]
    missing_bars: Annotated[int, said("Of all series together.", 0)]
    holes: Annotated[list[Hole], said("The latest, at most 500.")]
    causes: Annotated[
        list[CauseCount], said("Of all holes, those before the first and after the last bar of a series included.")
    ]
    hole_count: Annotated[int | None, said("How many there are.", 0)]
    defects: Annotated[dict[str, int], said("Suspect rows by kind.", {"off_grid": 2})]
    quarantined: Annotated[dict[str, int], said("Rows that were set aside, by cause.", {"high below low": 1})]
    outages: Annotated[list[OutageState], said("Of the last 30 days; none as of a moment.")]
    tests: Annotated[TestStates | None, said("Null as of a moment, and before the first build.")]
    runs: Annotated[list[Run], said("The latest 20, newest first.")]
