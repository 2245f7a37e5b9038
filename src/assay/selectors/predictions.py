"""What was foretold of each series, what such forecasts have been worth, and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId, check_venue
from assay.domain.interval import utc
from assay.pipelines.workspace import Workspace
from assay.selectors import series as series_
from assay.selectors.bars import series_bars
from assay.selectors.kept import Reading, answer
from assay.selectors.series import Place

_PREDICTIONS, _EVIDENCE = "gold.direction_predictions", "gold.direction_evidence"
_SERIES = "venue, market, symbol, interval"
_CONFIGURED = f"{_SERIES}, model, feature_set, horizon_hours"
_IS_SERIES = "venue = ? and market = ? and symbol = ? and interval = ?"
_BRIEF = (
    "probability_up", "verdict", "as_of", "until", "accuracy", "accuracy_low", "accuracy_high", "base_rate_accuracy",
    "trials", "first_as_of", "last_as_of", "model", "horizon_hours",
)  # fmt: skip
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class PredictionBrief:
    """The latest forecast of a series, and what its model has been worth on it.

    Attributes
    ----------
    probability_up : float or None
        The model's probability that the price is higher at `until`; None if nothing was foretold yet.
    signal : str
        ``UP`` or ``DOWN`` where the model has shown skill, else ``ABSTAIN``.
    verdict : str or None
        What the evidence allows to be said: a value of :class:`~assay.evidence.verdict.Verdict`.
    as_of, until : datetime or None
        The moment of the forecast, and the one it is about.
    accuracy, accuracy_low, accuracy_high : float or None
        Fraction of right forecasts out of sample, and where it probably lies; None with too little data.
    base_rate_accuracy : float or None
        The same of always saying what was more frequent.
    trials : int or None
        How many configurations were ever evaluated on the series.
    first_as_of, last_as_of : datetime or None
        First and last forecast that was judged.
    model : str
    horizon_hours : int
    sentence : str
        The evidence in words.
    """

    probability_up: float | None
    signal: str
    verdict: str | None
    as_of: datetime | None
    until: datetime | None
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    base_rate_accuracy: float | None
    trials: int | None
    first_as_of: datetime | None
    last_as_of: datetime | None
    model: str
    horizon_hours: int
    sentence: str


@dataclass(frozen=True, slots=True)
class SymbolPrediction:
    """The latest forecast of one series. `series` is ``venue:market:SYMBOL``."""

    venue: str
    market: str
    symbol: str
    interval: str
    series: str
    close: float | None
    base_rate_up: float | None
    fitted_until: datetime | None
    fitted_rows: int | None
    known_at: datetime
    brief: PredictionBrief


@dataclass(frozen=True, slots=True)
class PastPrediction:
    """One forecast against what happened.

    Attributes
    ----------
    as_of, until : datetime
    kind : str
        ``live``: made when that bar was the newest; ``walk_forward``: made later by a model that knew nothing after it.
    model : str
    horizon_hours : int
    close, probability_up, base_rate_up : float
    is_up : bool
        What was foretold.
    signal : str
    close_then : float or None
        Close of the bar that ended at `until`; None while that is not known.
    went_up, was_right : bool or None
        What happened, and whether that was foretold; None while it is not known.
    """

    as_of: datetime
    until: datetime
    kind: str
    model: str
    horizon_hours: int
    close: float
    probability_up: float
    base_rate_up: float
    is_up: bool
    signal: str
    close_then: float | None
    went_up: bool | None
    was_right: bool | None


@dataclass(frozen=True, slots=True)
class PredictionHistory:
    """Past forecasts of one series, the latest first. `known` of them have an outcome, `right` of those were right."""

    series: str
    interval: str
    rows: tuple[PastPrediction, ...]
    known: int
    right: int


@dataclass(frozen=True, slots=True)
class MadePrediction:
    """The forecast that was made at a moment, with the evidence of its model. `asked` is the moment as asked."""

    series: str
    interval: str
    asked: datetime
    prediction: PastPrediction
    brief: PredictionBrief


def predictions(
    workspace: Workspace,
    *,
    venue: str | None = None,
    as_of: datetime | None = None,
    available_at: datetime | None = None,
) -> tuple[SymbolPrediction, ...]:
    """Return the latest forecast of each series with its evidence, sorted by series; none if nothing was foretold.

    Raises
    ------
    BadInputError
        If `venue` cannot name one.
    NoDataError
        If the lake has nothing of `venue`.
    """
    wanted = None if venue is None else check_venue(venue)
    found = answer(workspace, "predictions", latest_predictions, as_of=as_of, available_at=available_at)
    if wanted is not None:
        series_.check_venue_known(workspace, wanted)
    return tuple(one for one in found if wanted in (None, one.venue))


def latest_predictions(reading: Reading) -> tuple[SymbolPrediction, ...]:
    """Return the latest forecast of each series with its evidence, sorted by series."""
    return reading.part("latest predictions", _latest)


def briefs(reading: Reading) -> Mapping[Place, PredictionBrief]:
    """Return the latest forecast of each hourly series."""
    return {(one.venue, one.market, one.symbol): one.brief for one in latest_predictions(reading)}


def _latest(reading: Reading) -> tuple[SymbolPrediction, ...]:
    if not (reading.has(_PREDICTIONS) and reading.has(_EVIDENCE)):
        return ()
    rows = reading.rows(
        f"""
        with live as (
            select * from {reading.table(_PREDICTIONS)}
            where kind = 'live'
            qualify row_number() over (partition by {_CONFIGURED} order by as_of desc, known_at desc) = 1
        ),
        evidence as (
            select * exclude (known_at), known_at as judged_at from {reading.table(_EVIDENCE)}
            qualify row_number() over (partition by {_CONFIGURED} order by known_at desc) = 1
        )
        select * from evidence full join live using ({_CONFIGURED})
        qualify
            row_number() over (
                partition by {_SERIES} order by judged_at desc nulls last, as_of desc nulls last, model, horizon_hours
            ) = 1
        order by {_SERIES}
        """
    )
    return tuple(_told(row) for row in rows)


def _told(row: Mapping[str, Any]) -> SymbolPrediction:
    place = row["venue"], row["market"], row["symbol"]
    brief = PredictionBrief(
        signal=row["signal"] or "ABSTAIN",
        sentence=row["sentence"] or "",
        **{name: row[name] for name in _BRIEF},
    )
    known_at = max(moment for moment in (row["known_at"], row["judged_at"]) if moment)
    return SymbolPrediction(
        *place, row["interval"], series_.name_of(place), row["close"], row["base_rate_up"], row["fitted_until"],
        row["fitted_rows"], known_at, brief,
    )  # fmt: skip


def prediction_history(
    workspace: Workspace,
    symbol: str,
    *,
    limit: int = 200,
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
    as_of, available_at : datetime, optional
        A forecast was to be had when it was known; what happened after it, when its bars were.

    Raises
    ------
    BadInputError, NoDataError
        If no series answers to the symbol, nothing was foretold of it, or `limit` is out of range.
    """
    if not 1 <= limit <= _MOST:
        raise BadInputError("limit out of range", value=limit, todo=f"give a number from 1 to {_MOST}")
    places = workspace.settings.preferred_places
    return answer(
        workspace,
        ("prediction history", symbol, limit),
        lambda reading: _history(reading, symbol, limit, places),
        as_of=as_of,
        available_at=available_at,
    )


def _history(reading: Reading, symbol: str, limit: int, places: Sequence[str]) -> PredictionHistory:
    found = _foretold_series(reading, symbol, places)
    rows = _past(reading, found, "true", [limit])
    known = [one for one in rows if one.was_right is not None]
    right = sum(one.was_right is True for one in known)
    return PredictionHistory(series_.name_of(found.key[:3]), found.interval.code, rows, len(known), right)


def predict(
    workspace: Workspace,
    moment: datetime,
    *,
    symbol: str = "BTC",
    as_of: datetime | None = None,
    available_at: datetime | None = None,
) -> MadePrediction:
    """Return the forecast that was made at a moment; the one made live, if there are two.

    Parameters
    ----------
    workspace : Workspace
    moment : datetime
        Any moment of the hour: forecasts are made when a bar closes, and that of 9:30 is the one of 9:00.
    symbol : str, default "BTC"
    as_of, available_at : datetime, optional

    Raises
    ------
    BadInputError, NoDataError
        If `moment` has no time zone, no series answers to the symbol, or nothing was foretold at that moment.
    """
    asked = utc(moment)
    places = workspace.settings.preferred_places
    return answer(
        workspace,
        ("predict", asked, symbol),
        lambda one: _made(one, asked, symbol, places),
        as_of=as_of,
        available_at=available_at,
    )


def _made(reading: Reading, asked: datetime, symbol: str, places: Sequence[str]) -> MadePrediction:
    found = _foretold_series(reading, symbol, places)
    made_at = found.interval.floor(asked)
    rows = _past(reading, found, "as_of = ?", [made_at, 1])
    if not rows:
        first, last = _range(reading, found)
        todo = f"there are forecasts of {found} from {_hour(first)} to {_hour(last)}, when a bar closed"
        raise NoDataError("nothing was foretold at that moment", value=made_at.isoformat(), todo=todo)
    brief = briefs(reading)[found.venue, found.market.value, str(found.symbol)]
    return MadePrediction(series_.name_of(found.key[:3]), found.interval.code, asked, rows[0], brief)


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _range(reading: Reading, found: SeriesId) -> tuple[datetime, datetime]:
    first, last = reading.connection.execute(
        f"select min(as_of), max(as_of) from {reading.table(_PREDICTIONS)} where {_IS_SERIES}", list(found.key)
    ).fetchall()[0]
    return first, last


def _foretold_series(reading: Reading, symbol: str, places: Sequence[str]) -> SeriesId:
    """Return the series that a name means among those of which something was foretold."""
    foretold = reading.part("foretold series", _foretold)
    try:
        return series_.find(symbol, foretold, places=places).series
    except NoDataError:
        series_.find_known(reading, symbol, series_.all_series(reading), places=places)  # nobody knows it: says so
        series_.check_known(reading)
        todo = "run `assay build`" if reading.is_now else "ask of a later moment"
        raise NoDataError("nothing was foretold of this", value=symbol, todo=todo) from None


def _foretold(reading: Reading) -> tuple[SeriesId, ...]:
    if not reading.has(_PREDICTIONS):
        return ()
    rows = reading.connection.execute(f"select distinct {_SERIES} from {reading.table(_PREDICTIONS)} order by all")
    return tuple(SeriesId.of(*row) for row in rows.fetchall())


def _past(reading: Reading, found: SeriesId, condition: str, values: list[object]) -> tuple[PastPrediction, ...]:
    """Return forecasts of a series, the latest first; the last of `values` is how many at most."""
    rows = reading.rows(
        f"""
        select as_of, until, kind, model, horizon_hours, close, probability_up, base_rate_up, is_up, signal
        from {reading.table(_PREDICTIONS)} where {_IS_SERIES} and {condition}
        qualify row_number() over (partition by as_of, model, feature_set, horizon_hours order by kind) = 1
        order by as_of desc, model, horizon_hours limit ?
        """,
        [*found.key, *values],
    )
    closes = _closes(reading, found, [row["until"] for row in rows])
    return tuple(_against(row, closes.get(row["until"])) for row in rows)


def _closes(reading: Reading, found: SeriesId, moments: Sequence[object]) -> Mapping[object, float]:
    """Return the closes of the finished bars that ended at those moments."""
    frame = series_bars(reading, found).filter(pl.col("is_closed") & pl.col("close_time").is_in(list(moments)))
    return dict(frame.select("close_time", "close").iter_rows())


def _against(row: Mapping[str, Any], close_then: float | None) -> PastPrediction:
    went_up = None if close_then is None else close_then > row["close"]
    was_right = None if went_up is None else went_up == row["is_up"]
    return PastPrediction(**row, close_then=close_then, went_up=went_up, was_right=was_right)
