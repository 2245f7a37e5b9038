"""The latest that each model has foretold of each series, and what such forecasts have been worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.domain.errors import AssayError
from assay.domain.instrument import SeriesId
from assay.domain.model_key import ModelKey, key_of_source
from assay.lake.model_store import ModelPaper, read_version
from assay.selectors import series as series_
from assay.selectors.kept import Reading
from assay.selectors.model_evidence import ACCURACY, skill_of
from assay.selectors.outcomes import PastPrediction
from assay.selectors.series import Place

PREDICTIONS, EVIDENCE = "gold.price_predictions", "gold.direction_evidence"
MADE_FIRST = "case kind when 'live' then 0 when 'walk_forward' then 1 else 2 end"
"""Of what was said of one moment, what was said at the time comes first."""
_SERIES = "venue, market, symbol, interval"
_CONFIGURED = f"{_SERIES}, task, model, model_version, feature_set"
_NO_SCORES: Mapping[str, Any] = {
    "verdict": None, "accuracy": None, "accuracy_low": None, "accuracy_high": None, "base_rate_accuracy": None,
    "rows": None, "difference": None, "difference_low": None, "difference_high": None, "trials": None,
    "first_as_of": None, "last_as_of": None, "sentence": "", "judged_at": None,
}  # fmt: skip
_BRIEF = (
    "probability_up", "as_of", "until", "model", "model_version", "task", "horizon_hours", "kind", "value", "low",
    "high", "expected_move", "confidence", "cost",
)  # fmt: skip
_SCORES = (
    "verdict", "accuracy", "accuracy_low", "accuracy_high", "base_rate_accuracy", "rows", "difference",
    "difference_low", "difference_high", "trials", "first_as_of", "last_as_of",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PredictionBrief:
    """The latest forecast of a series, and what its model has been worth on it.

    Attributes
    ----------
    probability_up : float or None
        The model's probability that the price is higher at `until`; None if nothing was foretold yet, or a value was.
    signal : str
        ``UP`` or ``DOWN`` of a champion, or where the model of the build has shown skill; ``BUY``, ``SELL`` or
        ``HOLD`` of a task ``signal_24h``; ``ABSTAIN`` otherwise.
    verdict : str or None
        What the evidence allows to be said: a value of :class:`~assay.evidence.verdict.Verdict`.
    as_of, until : datetime or None
        The moment of the forecast, and the one it is about.
    accuracy, accuracy_low, accuracy_high : float or None
        Fraction of right forecasts out of sample, and where it probably lies; None with too little data, and of values.
    base_rate_accuracy : float or None
        The same of always saying what was more frequent.
    difference, difference_low, difference_high : float or None
        What the model has over its base rate, and where that probably lies, corrected for the trials.
    rows : int or None
        Forecasts that were judged.
    trials : int or None
        How many configurations were ever evaluated on the series.
    first_as_of, last_as_of : datetime or None
        First and last forecast that was judged.
    model : str
    horizon_hours : float
    sentence : str
        The evidence in words.
    task : str
        Such as ``direction_24h``, ``delta_1h``, ``signal_24h``.
    model_version : str
        Of the registry; empty for what is fitted with each build.
    reason : str
        Why the signal is ``ABSTAIN`` or ``HOLD``; empty if it is neither.
    kind : str or None
        ``live``; ``computed`` when this was asked; ``abstained`` where nothing could be foretold.
    value, low, high : float or None
        The foretold change of the price, and the band that it lies in, in the quote; None of a direction.
    expected_move, cost : float or None
        How far the price is expected to go, with its sign, and what getting in and out costs; fractions.
    confidence : float or None
        How probable a direction has to be to be acted on.
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
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    rows: int | None
    trials: int | None
    first_as_of: datetime | None
    last_as_of: datetime | None
    model: str
    horizon_hours: float
    sentence: str
    task: str
    model_version: str
    reason: str
    kind: str | None
    value: float | None
    low: float | None
    high: float | None
    expected_move: float | None
    confidence: float | None
    cost: float | None


@dataclass(frozen=True, slots=True)
class SymbolPrediction:
    """The latest forecast of one series for one task. `series` is ``venue:market:SYMBOL``."""

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


def latest_predictions(reading: Reading) -> tuple[SymbolPrediction, ...]:
    """Return the latest forecast of each series and task with its evidence, sorted by series and task."""
    return reading.part("latest predictions", _latest)


def briefs(reading: Reading) -> Mapping[Place, PredictionBrief]:
    """Return the latest forecast of the direction of each hourly series: of the task that is evaluated with builds."""
    chosen: dict[Place, PredictionBrief] = {}
    for one in sorted(latest_predictions(reading), key=lambda one: _is_first(one.brief), reverse=True):
        chosen[one.venue, one.market, one.symbol] = one.brief
    return chosen


def _is_first(brief: PredictionBrief) -> tuple[bool, bool, float]:
    """Return what sorts the task first that stands for a series where there is room for one."""
    return not brief.task.startswith("direction_"), brief.kind == "abstained", -brief.horizon_hours


def _latest(reading: Reading) -> tuple[SymbolPrediction, ...]:
    """Choose for each series and task: a model of the registry before that of the build, the newest of them."""
    chosen: dict[tuple[str, ...], SymbolPrediction] = {}
    for one in latest_of_each_model(reading):
        place = one.venue, one.market, one.symbol, one.interval, one.brief.task
        other = chosen.get(place)
        if other is None or _rank(one) > _rank(other):
            chosen[place] = one
    return tuple(chosen[place] for place in sorted(chosen))


def _rank(one: SymbolPrediction) -> tuple[bool, float, float]:
    made = one.brief.as_of.timestamp() if one.brief.as_of else 0.0
    return bool(one.brief.model_version), made, one.known_at.timestamp()


def latest_of_each_model(reading: Reading) -> tuple[SymbolPrediction, ...]:
    """Return the latest forecast of each series, task and model, with its evidence; sorted by series and task."""
    return reading.part("latest of each model", _of_each)


def brief_of(reading: Reading, found: SeriesId, one: PastPrediction) -> PredictionBrief:
    """Return the brief of the model that made a forecast, as of its latest one; of that one if there is none."""
    place = found.venue, found.market.value, str(found.symbol), found.interval.code, one.task
    for other in latest_of_each_model(reading):
        brief = other.brief
        is_same = brief.model_version == one.model_version and (one.model_version or brief.model == one.model)
        if is_same and (other.venue, other.market, other.symbol, other.interval, brief.task) == place:
            return brief
    key = dict(zip(("venue", "market", "symbol", "interval"), found.key, strict=True))
    row = {**_NO_SCORES, **dataclasses.asdict(one), **key, "fitted_rows": None}
    return _told({**row, **_scores_of_paper(reading, row)} if one.model_version else row).brief


def shown(reading: Reading, row: Mapping[str, Any]) -> SymbolPrediction:
    """Return a row as the table of predictions would have it, with the evidence of its model."""
    return _told({**row, **_scores_of_paper(reading, row)})


def _of_each(reading: Reading) -> tuple[SymbolPrediction, ...]:
    """Return the latest forecast of each series, task and model, with its evidence."""
    if not (reading.has(PREDICTIONS) and reading.has(EVIDENCE)):
        return ()
    rows = reading.rows(
        f"""
        with live as (
            select * from {reading.table(PREDICTIONS)}
            where kind <> 'walk_forward'
            qualify
                row_number() over (
                    partition by {_CONFIGURED} order by as_of desc, {MADE_FIRST}, known_at desc
                ) = 1
        ),
        evidence as (
            select
                * exclude (known_at, horizon_hours),
                known_at as judged_at,
                'direction_' || horizon_hours || 'h' as task,
                '' as model_version,
                horizon_hours as judged_hours
            from {reading.table(EVIDENCE)}
            qualify row_number() over (partition by {_SERIES}, model, feature_set, task order by known_at desc) = 1
        )
        select * replace (coalesce(horizon_hours, judged_hours) as horizon_hours)
        from evidence full join live using ({_CONFIGURED})
        qualify
            model_version <> '' or row_number() over (
                partition by {_SERIES}, task, model_version
                order by judged_at desc nulls last, as_of desc nulls last, model
            ) = 1
        order by {_SERIES}, task, model_version
        """
    )
    newest: dict[tuple[str, ...], datetime] = {}
    for row in rows:  # of two horizons that were ever evaluated, the one that still is
        if not row["model_version"] and row["judged_at"]:
            place = tuple(row[name] for name in ("venue", "market", "symbol", "interval"))
            newest[place] = max(newest.get(place, row["judged_at"]), row["judged_at"])
    return tuple(
        _told(row if row["model_version"] == "" else {**row, **_scores_of_paper(reading, row)})
        for row in rows
        if row["model_version"]
        or row["judged_at"] == newest.get(tuple(row[name] for name in ("venue", "market", "symbol", "interval")))
    )


def _scores_of_paper(reading: Reading, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the paper of a row's model says of its skill, as far as it can be read."""
    series = SeriesId.of(row["venue"], row["market"], row["symbol"], row["interval"])
    paper = find_paper(reading, series, row["task"], row["model_version"])
    skill = None if paper is None else skill_of(paper.evidence)
    if skill is None:
        return dict(_NO_SCORES)
    is_accuracy = skill.measure == ACCURACY
    return {
        **_NO_SCORES,
        "verdict": skill.verdict,
        "accuracy": skill.score.value if is_accuracy else None,
        "accuracy_low": skill.score.low if is_accuracy else None,
        "accuracy_high": skill.score.high if is_accuracy else None,
        "base_rate_accuracy": skill.baseline_score.value if is_accuracy else None,
        "difference": skill.difference.value if is_accuracy else None,
        "difference_low": skill.difference.low if is_accuracy else None,
        "difference_high": skill.difference.high if is_accuracy else None,
        "rows": skill.rows,
        "trials": skill.trials,
        "first_as_of": skill.first_at,
        "last_as_of": skill.last_at,
        "sentence": skill.sentence,
    }


def find_paper(reading: Reading, series: SeriesId, task: str, version: str) -> ModelPaper | None:
    """Return the paper of a version that foretold a series: of its own key, or of its source; None if there is none."""

    def read(one: Reading) -> ModelPaper | None:
        for key in (ModelKey(task, str(series)), key_of_source(task, series.venue, series.interval.code)):
            try:
                return read_version(one.documents, key, version).paper
            except AssayError:
                continue
        return None

    return reading.part(("paper", series, task, version), read)


def _told(row: Mapping[str, Any]) -> SymbolPrediction:
    place = row["venue"], row["market"], row["symbol"]
    brief = PredictionBrief(
        signal=row["signal"] or "ABSTAIN",
        sentence=row["sentence"] or "",
        reason=row["reason"] or "",
        **{name: row[name] for name in (*_BRIEF, *_SCORES)},
    )
    known_at = max(moment for moment in (row["known_at"], row["judged_at"]) if moment)
    return SymbolPrediction(
        *place, row["interval"], series_.name_of(place), row["close"], row["base_rate_up"], row["fitted_until"],
        row["fitted_rows"], known_at, brief,
    )  # fmt: skip
