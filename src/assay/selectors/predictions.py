"""What was foretold of each series, what such forecasts have been worth, and what happened."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId, check_venue
from assay.domain.interval import utc
from assay.lake.reads import Span
from assay.pipelines import coin_bars
from assay.pipelines.champions import Standing, chosen, standings
from assay.pipelines.serving import read_bars
from assay.pipelines.tasks import find_task
from assay.pipelines.workspace import Workspace
from assay.selectors import series as series_
from assay.selectors.asked_now import Said, said_at, said_last
from assay.selectors.bars import series_bars
from assay.selectors.foretold import (
    MADE_FIRST,
    PREDICTIONS,
    PredictionBrief,
    SymbolPrediction,
    brief_of,
    briefs,
    latest_of_each_model,
    latest_predictions,
    shown,
)
from assay.selectors.kept import Reading, answer
from assay.selectors.outcomes import TOLD, PastPrediction, against

__all__ = [
    "MadePrediction",
    "PastOf",
    "PastPrediction",
    "PredictionBrief",
    "PredictionHistory",
    "SymbolPrediction",
    "briefs",
    "built_predictions",
    "latest_predictions",
    "predict",
    "prediction_history",
    "predictions",
]

_SERIES = "venue, market, symbol, interval"
_IS_SERIES = "venue = ? and market = ? and symbol = ? and interval = ?"
_MOST = 100_000
_USUAL = "1h"


@dataclass(frozen=True, slots=True)
class PredictionHistory:
    """Past forecasts of one series, the latest first. `known` of them have an outcome, `right` of those were right.

    `task` is what they foretell, and `tasks` are all of which there are forecasts of the series.
    """

    series: str
    interval: str
    rows: tuple[PastPrediction, ...]
    known: int
    right: int
    task: str
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MadePrediction:
    """The forecast that was made at a moment, with the evidence of its model. `asked` is the moment as asked.

    `others` are what other models said at that moment of the same task.
    """

    series: str
    interval: str
    asked: datetime
    prediction: PastPrediction
    brief: PredictionBrief
    others: tuple[PastPrediction, ...] = ()


def predictions(
    workspace: Workspace,
    *,
    venue: str | None = None,
    task: str = "",
    as_of: datetime | None = None,
    available_at: datetime | None = None,
) -> tuple[SymbolPrediction, ...]:
    """Return the latest forecast of each series and task with its evidence, sorted; none if nothing was foretold.

    Where a champion foretells a task, it is the champion's; what the model of the build says of the same is in
    :func:`built_predictions`.

    Raises
    ------
    BadInputError
        If `venue` cannot name one, or `task` none.
    NoDataError
        If the lake has nothing of `venue`.
    """
    if task:
        find_task(workspace, task)  # a misspelt one would look like one that nobody foretells
    wanted = None if venue is None else check_venue(venue)
    standing = standings(workspace, as_of=as_of)
    found = answer(
        workspace,
        ("predictions", standing),
        lambda reading: _by_champions(workspace, reading, standing),
        as_of=as_of,
        available_at=available_at,
    )
    if wanted is not None:
        series_.check_venue_known(workspace, wanted)
    return tuple(one for one in found if wanted in (None, one.venue) and task in ("", one.brief.task))


def _by_champions(workspace: Workspace, reading: Reading, found: tuple[Standing, ...]) -> tuple[SymbolPrediction, ...]:
    """Return the latest forecasts; of who is champion now, whoever was it when the table was written."""
    latest: dict[tuple[str, ...], SymbolPrediction] = {_place(one): one for one in latest_predictions(reading)}
    if not found:
        return tuple(latest.values())
    of_each = {(*_place(one), one.brief.model_version): one for one in latest_of_each_model(reading)}
    built = {_place(one): one for one in latest_of_each_model(reading) if not one.brief.model_version}
    places = {(key.venue, key.interval) for key in (one.key for one in found)}
    for series in series_.all_series(reading):
        for task in sorted({one.key.task for one in found if (series.venue, series.interval.code) in places}):
            by = chosen(workspace, found, task, series)
            if by is None:
                continue
            place: tuple[str, ...] = (*series.key, task)
            told = of_each.get((*place, by.version))
            if told is None or told.brief.as_of != latest[place].brief.as_of:
                said = said_last(workspace, reading, found, task=task, series=series)
                told = shown(reading, said.row) if said.row else told
            if told is not None:
                latest[place] = told
    for place in [one for one in latest if one in built and not _has_champion(workspace, found, one)]:
        latest[place] = built[place]  # nobody is champion any more
    return tuple(latest[place] for place in sorted(latest))


def _place(one: SymbolPrediction) -> tuple[str, ...]:
    return one.venue, one.market, one.symbol, one.interval, one.brief.task


def _has_champion(workspace: Workspace, found: tuple[Standing, ...], place: tuple[str, ...]) -> bool:
    return chosen(workspace, found, place[4], SeriesId.of(*place[:4])) is not None


def built_predictions(
    workspace: Workspace, *, as_of: datetime | None = None, available_at: datetime | None = None
) -> tuple[SymbolPrediction, ...]:
    """Return the latest forecast of each series by the model that is fitted with each build, with its evidence."""

    def built(reading: Reading) -> tuple[SymbolPrediction, ...]:
        return tuple(one for one in latest_of_each_model(reading) if not one.brief.model_version)

    return answer(workspace, "built predictions", built, as_of=as_of, available_at=available_at)


@dataclass(frozen=True, slots=True)
class PastOf:
    """Which forecasts.

    Attributes
    ----------
    task : str
        What was foretold; left out, the direction over ``model.horizon_hours``, or what there is.
    model : str
        Only of this estimator, or of this version of the registry.
    is_built : bool
        Only of what is fitted with each build.
    """

    task: str = ""
    model: str = ""
    is_built: bool = False


_OF_ALL = PastOf()


def prediction_history(
    workspace: Workspace,
    symbol: str,
    *,
    limit: int = 200,
    of: PastOf = _OF_ALL,
    as_of: datetime | None = None,
    available_at: datetime | None = None,
) -> PredictionHistory:
    """Return the latest forecasts of a series against what happened.

    Parameters
    ----------
    workspace : Workspace
    symbol : str
        Any spelling, ``venue:market:SYMBOL`` or an asset.
    limit : int, default 200
        At most so many, from 1 to 100,000.
    of : PastOf, optional
    as_of, available_at : datetime, optional
        A forecast was to be had when it was known; what happened after it, when its bars were.

    Raises
    ------
    BadInputError, NoDataError
        If no series answers to the symbol, nothing was foretold of it or of the task, or `limit` is out of range.
    """
    if not 1 <= limit <= _MOST:
        raise BadInputError("limit out of range", value=limit, todo=f"give a number from 1 to {_MOST}")
    asking = _Asking(symbol, workspace.settings.preferred_places, of.task, _usual_task(workspace))
    return answer(
        workspace,
        ("prediction history", asking, limit, of),
        lambda reading: _history(workspace, reading, asking, limit=limit, of=of),
        as_of=as_of,
        available_at=available_at,
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    """Of which series and task: `task` as it was asked for, or empty; `usual` is then the one that is meant."""

    symbol: str
    places: Sequence[str]
    task: str
    usual: str
    standings: tuple[Standing, ...] = ()

    def chosen(self, workspace: Workspace, reading: Reading, found: SeriesId) -> tuple[str, tuple[str, ...]]:
        """Return the task that is meant, and all that there are.

        Raises
        ------
        NoDataError
            If nothing was foretold of the one that was asked for.
        """
        told = []
        if reading.has(PREDICTIONS):
            sql = f"select distinct task from {reading.table(PREDICTIONS)} where {_IS_SERIES}"
            told = reading.rows(sql, [*found.key])
        served = {one.key.task for one in self.standings if chosen(workspace, self.standings, one.key.task, found)}
        tasks = tuple(sorted(served | {row["task"] for row in told}))
        if self.task and self.task not in tasks:
            raise NoDataError(
                "nothing was foretold of this task", value=self.task, todo=f"there are {', '.join(tasks)}"
            )
        if self.task or self.usual in tasks:
            return self.task or self.usual, tasks
        return min(tasks, key=lambda one: (not one.startswith("direction_"), one)), tasks


def _usual_task(workspace: Workspace) -> str:
    return f"direction_{workspace.settings.model.horizon_hours}h"


def _history(workspace: Workspace, reading: Reading, asking: _Asking, *, limit: int, of: PastOf) -> PredictionHistory:
    found = _foretold_series(workspace, reading, asking)
    task, tasks = asking.chosen(workspace, reading, found)
    condition = "task = ? and (? = '' or ? in (model, model_version)) and (not ? or model_version = '')"
    rows = _past(reading, found, condition, [task, of.model, of.model, of.is_built, limit])
    known = [one for one in rows if one.was_right is not None]
    right = sum(one.was_right is True for one in known)
    return PredictionHistory(series_.name_of(found.key[:3]), found.interval.code, rows, len(known), right, task, tasks)


def predict(
    workspace: Workspace,
    moment: datetime,
    *,
    symbol: str = "BTC",
    task: str = "",
    as_of: datetime | None = None,
    available_at: datetime | None = None,
) -> MadePrediction:
    """Return the forecast that was made at a moment: a champion's if there is one, then the one made live.

    Where no champion foretold that moment and there is one that has learned from nothing after it, it is asked now,
    about what could be known then: the numbers are those that a build would have written.

    Parameters
    ----------
    workspace : Workspace
    moment : datetime
        Any moment of the hour: forecasts are made when a bar closes, and that of 9:30 is the one of 9:00.
    symbol : str, default "BTC"
    task : str, optional
        What is foretold; left out, the direction over ``model.horizon_hours``, or what there is.
    as_of, available_at : datetime, optional

    Raises
    ------
    BadInputError, NoDataError
        If `moment` has no time zone, no series answers to the symbol, or nothing was foretold at that moment and
        nobody can be asked; the error says why.
    """
    asked = utc(moment)
    found = standings(workspace, as_of=as_of)
    asking = _Asking(symbol, workspace.settings.preferred_places, task, _usual_task(workspace), found)
    return answer(
        workspace,
        ("predict", asked, asking),
        lambda one: _made(workspace, one, asked, asking),
        as_of=as_of,
        available_at=available_at,
    )


def _made(workspace: Workspace, reading: Reading, asked: datetime, asking: _Asking) -> MadePrediction:
    found = _foretold_series(workspace, reading, asking)
    task, _ = asking.chosen(workspace, reading, found)
    made_at = found.interval.floor(asked)
    rows = _past(reading, found, "task = ? and as_of = ?", [task, made_at, _MOST])
    said = Said(None)
    if not any(one.model_version and one.kind != "abstained" for one in rows):
        said = said_at(workspace, reading, asking.standings, task=task, series=found, at=made_at)
        if said.row:
            closes = _closes(reading, found, {said.row["until"]})
            rows = (*rows, against(said.row, closes.get(said.row["until"])))
    if not rows:
        raise _nothing(_range(reading, found, task), found, made_at, said.why_not)
    best, *others = sorted(rows, key=_before_others)
    brief = brief_of(reading, found, best)
    return MadePrediction(series_.name_of(found.key[:3]), found.interval.code, asked, best, brief, tuple(others))


def _nothing(
    there: tuple[datetime | None, datetime | None], found: SeriesId, made_at: datetime, why_not: str
) -> NoDataError:
    """Return what is said where nothing was foretold and nobody can be asked."""
    first, last = there
    todo = "run `assay build`"
    if first and last:
        todo = f"there are forecasts of {found} from {_hour(first)} to {_hour(last)}, when a bar closed"
    what = "nothing was foretold at that moment" + (f", and {why_not}" if why_not else "")
    return NoDataError(what, value=made_at.isoformat(), todo=todo)


def _before_others(one: PastPrediction) -> tuple[bool, bool, float]:
    """Return what sorts the forecasts of one moment: what says something first, then champions, the newest first."""
    return one.kind == "abstained", not one.model_version, -one.known_at.timestamp()


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _range(reading: Reading, found: SeriesId, task: str) -> tuple[datetime | None, datetime | None]:
    if not reading.has(PREDICTIONS):
        return None, None
    first, last = reading.connection.execute(
        f"select min(as_of), max(as_of) from {reading.table(PREDICTIONS)} where {_IS_SERIES} and task = ?",
        [*found.key, task],
    ).fetchall()[0]
    return first, last


def _foretold_series(workspace: Workspace, reading: Reading, asking: _Asking) -> SeriesId:
    """Return the series that a name means among those that something was foretold of or that have a champion.

    Hourly ones go first.
    """
    foretold = set(reading.part("foretold series", _foretold))
    for one in series_.all_series(reading) if asking.standings else ():
        if any(chosen(workspace, asking.standings, standing.key.task, one) for standing in asking.standings):
            foretold.add(one)
    hourly = sorted(one for one in foretold if one.interval.code == _USUAL)
    for available in (hourly, sorted(foretold)):
        with contextlib.suppress(NoDataError):
            return series_.find(asking.symbol, available, places=asking.places).series
    series_.find_known(reading, asking.symbol, series_.all_series(reading), places=asking.places)  # nobody knows it
    series_.check_known(reading)
    todo = "run `assay build`" if reading.is_now else "ask of a later moment"
    raise NoDataError("nothing was foretold of this", value=asking.symbol, todo=todo)


def _foretold(reading: Reading) -> tuple[SeriesId, ...]:
    if not reading.has(PREDICTIONS):
        return ()
    rows = reading.connection.execute(f"select distinct {_SERIES} from {reading.table(PREDICTIONS)} order by all")
    return tuple(SeriesId.of(*row) for row in rows.fetchall())


def _past(reading: Reading, found: SeriesId, condition: str, values: list[object]) -> tuple[PastPrediction, ...]:
    """Return forecasts of a series, the latest first; the last of `values` is how many at most."""
    if not reading.has(PREDICTIONS):
        return ()
    rows = reading.rows(
        f"""
        select {", ".join(TOLD)}
        from {reading.table(PREDICTIONS)} where {_IS_SERIES} and {condition}
        qualify
            row_number() over (
                partition by as_of, task, model, model_version, feature_set order by {MADE_FIRST}, known_at
            ) = 1
        order by as_of desc, model_version = '', model, task limit ?
        """,
        [*found.key, *values],
    )
    closes = _closes(reading, found, {row["until"] for row in rows})
    return tuple(against(row, closes.get(row["until"])) for row in rows)


def _closes(reading: Reading, found: SeriesId, moments: Iterable[object]) -> Mapping[object, float]:
    """Return the closes of the finished bars that ended at those moments."""
    if found.venue == coin_bars.VENUE:
        bars = read_bars(reading.connection, found, Span(as_of=reading.as_of, available_at=reading.available_at))
    else:
        bars = series_bars(reading, found).filter("is_closed")
    frame = bars.filter(pl.col("close_time").is_in(list(moments)))
    return dict(frame.select("close_time", "close").iter_rows())
