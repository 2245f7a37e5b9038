"""Past forecasts against what happened, as a page draws them: the price, right and wrong, and how often so far.

Nothing here is a verdict: forecasts overlap where the horizon is longer than a bar, and a good stretch is soon found by
who looks for one. The verdict, with its interval, is that of the evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from assay.domain.errors import BadInputError
from assay.domain.interval import EPOCH, Interval
from assay.measures.proportion import wilson_interval
from assay.measures.signals import HOLD, WORDS
from assay.pipelines.workspace import Workspace
from assay.selectors.predictions import PastOf, PastPrediction, prediction_history

DAYS = (7, 30, 90, 365)
_MOST_POINTS = 400
_STEPS = tuple(timedelta(hours=hours) for hours in (1, 3, 6, 12, 24, 72, 168))
_FIRST = 24
"""Fewer forecasts than this have no share that is worth drawing."""
_GROUPS = 5
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """The forecasts that were made in one stretch of time.

    Attributes
    ----------
    start : datetime
    close : float or None
        The price that its last forecast started from, in the quote; None where that bar is missing.
    right, wrong : int
        Of those whose outcome is known.
    low, high : float or None
        The band in which the price was foretold to be at the end of the horizon of that forecast, in the quote; None of
        a direction.
    share_right, share_base : float or None
        Of all known forecasts from the first one drawn up to the end of the stretch: how many the model foretold, and
        how many its base rate would have. None while there are fewer than 24.
    """

    start: datetime
    close: float | None
    low: float | None
    high: float | None
    right: int
    wrong: int
    share_right: float | None
    share_base: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """Forecasts of like probability: what was said on average, and how often it came true.

    `low` and `high` are the ends of Wilson's 95 % interval of `happened`, counting overlapping forecasts as one.
    """

    foretold: float
    happened: float
    low: float
    high: float
    forecasts: int


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """What a model foretold of a series lately, and what came of it.

    Attributes
    ----------
    stretches : tuple of Stretch
        In order of time; empty if nothing was foretold.
    step, horizon : timedelta
        How long each of them is, and how far ahead the forecasts look.
    known, right : int
        Forecasts whose outcome is known, and how many of them were right about the direction.
    base_right : int or None
        How many of them would have been right by the base rate; None of values, which have none.
    inside, banded : int
        How many changes lie in the band of their forecast, of how many that had one.
    acted : int
        Signals other than HOLD whose outcome is known.
    net_return : float or None
        What each of those earned on average when costs were paid, as a fraction; None without one.
    abstained : int
        Moments at which the model said nothing.
    reliability : tuple of Reliability
        Of all of them, in groups of the same size, by rising probability.
    latest : tuple of PastPrediction
        The latest forecasts, the newest first.
    """

    stretches: tuple[Stretch, ...]
    step: timedelta
    horizon: timedelta
    known: int
    right: int
    base_right: int | None
    inside: int
    banded: int
    acted: int
    net_return: float | None
    abstained: int
    reliability: tuple[Reliability, ...]
    latest: tuple[PastPrediction, ...]


@dataclass(frozen=True, slots=True)
class WhichRecord:
    """Of which forecasts: the task, and the version of the registry; empty is the model that each build fits."""

    task: str
    version: str = ""


def track_record(
    workspace: Workspace,
    symbol: str,
    which: WhichRecord,
    *,
    days: int = 90,
    shown: int = 12,
    as_of: datetime | None = None,
) -> TrackRecord:
    """Return the forecasts of the latest days against what happened.

    Parameters
    ----------
    workspace : Workspace
    symbol : str
        As :func:`assay.selectors.predictions.prediction_history` takes it.
    which : WhichRecord
    days : int, default 90
        Back from the newest forecast; 0 for all there are.
    shown : int, default 12
        How many of the latest are given one by one.
    as_of : datetime, optional

    Raises
    ------
    BadInputError, NoDataError
        If no series answers to the symbol, or nothing was foretold of it; or days are negative.
    """
    if days < 0:
        raise BadInputError("days cannot be negative", value=days, todo="give 0 for all")
    of = PastOf(which.task, which.version, is_built=not which.version)
    newest = prediction_history(workspace, symbol, limit=1, of=of, as_of=as_of)
    length = Interval.parse(newest.interval).duration
    limit = min(_MOST, math.ceil(timedelta(days=days) / length) + 1) if days else _MOST
    rows = prediction_history(workspace, symbol, limit=limit, of=of, as_of=as_of).rows
    since = rows[0].as_of - timedelta(days=days) if rows and days else EPOCH
    chosen = [one for one in rows if one.as_of > since][::-1]
    known = [one for one in chosen if one.was_right is not None]
    has_base = all(one.base_rate_up is not None for one in known)
    banded = [one for one in chosen if one.is_inside is not None]
    acted = [one.net_return for one in chosen if one.net_return is not None and one.signal != WORDS[HOLD]]
    stretches, step = stretches_of([one for one in chosen if one.kind != "abstained"], length)
    return TrackRecord(
        stretches,
        step,
        horizon=rows[0].until - rows[0].as_of if rows else length,
        known=len(known),
        right=sum(one.was_right is True for one in known),
        base_right=sum(map(_base_is_right, known)) if has_base else None,
        inside=sum(one.is_inside is True for one in banded),
        banded=len(banded),
        acted=len(acted),
        net_return=sum(acted) / len(acted) if acted else None,
        abstained=sum(one.kind == "abstained" for one in chosen),
        reliability=_reliability([one for one in known if one.probability_up is not None], length),
        latest=rows[:shown],
    )


def _base_is_right(one: PastPrediction) -> bool:
    return one.base_rate_up is not None and (one.base_rate_up > 0.5) == one.went_up


def stretches_of(rows: Sequence[PastPrediction], length: timedelta) -> tuple[tuple[Stretch, ...], timedelta]:
    """Return forecasts in stretches of time, at most some hundred of them, and how long each is.

    Parameters
    ----------
    rows : sequence of PastPrediction
        In order of time, those that foretell something.
    length : timedelta
        Of a bar.
    """
    if not rows:
        return (), length
    whole = rows[-1].as_of - rows[0].as_of
    step = next((one for one in _STEPS if one >= length and whole / one <= _MOST_POINTS), max(_STEPS[-1], length))
    by_start: dict[datetime, list[PastPrediction]] = {}
    for one in rows:
        by_start.setdefault(EPOCH + (one.as_of - EPOCH) // step * step, []).append(one)
    has_base = all(one.base_rate_up is not None for one in rows)
    first = max(_FIRST, len(rows) // 20)
    found, known, right, base = [], 0, 0, 0
    for start, inside in by_start.items():
        judged = [one for one in inside if one.was_right is not None]
        hits = sum(one.was_right is True for one in judged)
        known, right, base = known + len(judged), right + hits, base + sum(map(_base_is_right, judged))
        is_drawn = known >= first and bool(judged)
        found.append(
            Stretch(
                start,
                inside[-1].close,
                _at(inside[-1].close, inside[-1].low),
                _at(inside[-1].close, inside[-1].high),
                hits,
                len(judged) - hits,
                right / known if is_drawn else None,
                base / known if is_drawn and has_base else None,
            )
        )
    return tuple(found), step


def _at(close: float | None, change: float | None) -> float | None:
    return None if close is None or change is None else close + change


def _reliability(known: Sequence[PastPrediction], length: timedelta) -> tuple[Reliability, ...]:
    """Return groups of equal size; none where a group would be too small to say anything."""
    said = sorted((one.probability_up or 0.0, one.went_up is True) for one in known)
    size = len(said) // _GROUPS
    if size < _FIRST:
        return ()
    # Rows whose horizons overlap tell the same story: as many as fit one after the other count.
    alike = max(1.0, (known[0].until - known[0].as_of) / length)
    found = []
    for number in range(_GROUPS):
        group = said[number * size : (number + 1) * size if number < _GROUPS - 1 else None]
        happened = sum(went_up for _, went_up in group) / len(group)
        low, high = wilson_interval(happened, len(group) / alike)
        found.append(Reliability(sum(one for one, _ in group) / len(group), happened, low, high, len(group)))
    return tuple(found)
