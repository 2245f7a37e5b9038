"""The evidence in the paper of a model, as parts with names: what is there is read, and what is not is passed over.

Papers are never changed, so there are old ones: a part that one of them lacks is ``None`` or empty here, never a guess.

>>> skill_of({"skill": {"verdict": "no_skill", "model": {"accuracy": {"value": 0.51}}, "n": 900}}).score.value
0.51
>>> skill_of({}) is None
True
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ACCURACY, MAE = "accuracy", "mae"
SHARE_WRONG = "share_wrong"
_MEASURES = {ACCURACY: ("accuracy_difference", "base_rate"), MAE: ("skill", "last_value")}


@dataclass(frozen=True, slots=True)
class Bounded:
    """A number and where it probably lies; ``None`` is what a paper does not say."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class SkillPart:
    """How a model did out of sample beside its baseline, on the same rows.

    Attributes
    ----------
    verdict, sentence : str
        What may be said: a value of :class:`~assay.evidence.verdict.Verdict`, and the sentence that may be quoted.
    measure : str
        ``accuracy``: fraction of right directions; ``mae``: mean absolute error, in the unit of what is foretold.
    score, baseline_score : Bounded
        Of the model, and of the baseline.
    difference : Bounded
        Of accuracies: model less baseline. Of values: the share of the baseline's squared errors that is avoided.
        Corrected for the number of trials.
    baseline : str
        Name of the baseline.
    rows, trials : int or None
        Forecasts that were judged; configurations that had been tried by then.
    first_at, last_at : datetime or None
        The first and the last of these forecasts.
    """

    verdict: str
    sentence: str
    measure: str
    score: Bounded
    baseline_score: Bounded
    difference: Bounded
    baseline: str
    rows: int | None
    trials: int | None
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class EdgePart:
    """What trading on the same forecasts would have earned.

    Attributes
    ----------
    verdict, sentence : str
        What may be said: a value of :class:`~assay.evidence.verdict.EdgeVerdict`, and the sentence that may be quoted.
    gross, net : Bounded
        Mean return of a trade before and after costs, as fractions; corrected for the number of trials.
    cost : float or None
        Of getting in and out together, as a fraction.
    trades, forecasts : int or None
    deflated_sharpe : float or None
        Probability that the Sharpe ratio is above what the best of as many trials has by chance.
    """

    verdict: str
    sentence: str
    gross: Bounded
    net: Bounded
    cost: float | None
    trades: int | None
    forecasts: int | None
    deflated_sharpe: float | None


@dataclass(frozen=True, slots=True)
class FeaturePart:
    """How much worse forecasts become when one feature is shuffled; `stability`: how often it is among the first."""

    name: str
    rise: Bounded
    stability: float | None


@dataclass(frozen=True, slots=True)
class GroupPart:
    """What a group of features adds: a value of :class:`~assay.evidence.ablation.Answer`, and the loss without it."""

    name: str
    rise: Bounded
    answer: str


@dataclass(frozen=True, slots=True)
class RegimePart:
    """Mean losses of model and baseline in one kind of market; `gain` above zero: the model was better."""

    name: str
    rows: int | None
    share: float | None
    model: Bounded
    baseline: Bounded
    gain: Bounded
    is_enough: bool


@dataclass(frozen=True, slots=True)
class RivalPart:
    """One naive baseline against the model, on the same rows.

    Attributes
    ----------
    name : str
    measure : str
        What is lost, like ``share_wrong`` or ``squared_error``.
    loss, model_loss : float or None
        Mean losses of the baseline and of the model.
    gain : Bounded
        Baseline less model; above zero the model is better.
    p_value : float or None
        Of Diebold and Mariano's test that both foretell equally well.
    """

    name: str
    measure: str
    loss: float | None
    model_loss: float | None
    gain: Bounded
    p_value: float | None


@dataclass(frozen=True, slots=True)
class PeriodPart:
    """The usual scores on one part of the rows: ``train``, ``validation`` or ``test``."""

    name: str
    rows: int | None
    first_at: datetime | None
    last_at: datetime | None
    scores: Mapping[str, Bounded]


def skill_of(evidence: Mapping[str, Any]) -> SkillPart | None:
    """Return the verdict on skill with its numbers, or None if the paper has none."""
    part = _mapping(evidence, "skill")
    if not part:
        return None
    measure = MAE if _mapping(_mapping(part, "model"), MAE) else ACCURACY
    difference, baseline = _MEASURES[measure]
    return SkillPart(
        verdict=str(part.get("verdict", "")),
        sentence=str(part.get("sentence", "")),
        measure=measure,
        score=bounded(_mapping(part, "model").get(measure)),
        baseline_score=bounded(_mapping(part, "baseline").get(measure)),
        difference=bounded(part.get(difference)),
        baseline=baseline,
        rows=_whole(part.get("n")),
        trials=_whole(part.get("trials")),
        first_at=_moment(part.get("first_at")),
        last_at=_moment(part.get("last_at")),
    )


def edge_of(evidence: Mapping[str, Any]) -> EdgePart | None:
    """Return the verdict on an edge with its numbers, or None if the paper has none."""
    part = _mapping(evidence, "edge")
    if not part:
        return None
    return EdgePart(
        verdict=str(part.get("verdict", "")),
        sentence=str(part.get("sentence", "")),
        gross=bounded(part.get("gross")),
        net=bounded(part.get("net")),
        cost=_number(part.get("cost")),
        trades=_whole(part.get("trades")),
        forecasts=_whole(part.get("forecasts")),
        deflated_sharpe=_number(part.get("deflated_sharpe")),
    )


def importance_of(evidence: Mapping[str, Any]) -> tuple[FeaturePart, ...]:
    """Return the features, the most important first; none if the paper says nothing of them."""
    return tuple(
        FeaturePart(str(one.get("name", "")), bounded(one.get("rise")), _number(one.get("stability")))
        for one in _mappings(_mapping(evidence, "importance").get("features"))
    )


def ablation_of(evidence: Mapping[str, Any]) -> tuple[GroupPart, ...]:
    """Return the groups of features with what each adds; none if the paper says nothing of them."""
    return tuple(
        GroupPart(str(one.get("name", "")), bounded(one.get("rise")), str(one.get("answer", "")))
        for one in _mappings(_listed(evidence.get("ablation"), "groups"))
    )


def regimes_of(evidence: Mapping[str, Any]) -> tuple[RegimePart, ...]:
    """Return the kinds of market with how the model did in each; none if the paper says nothing of them."""
    found = evidence.get("regimes")
    lists = found.values() if isinstance(found, Mapping) and "regimes" not in found else [_listed(found, "regimes")]
    return tuple(
        RegimePart(
            name=str(one.get("name", "")),
            rows=_whole(one.get("rows")),
            share=_number(one.get("share")),
            model=bounded(one.get("model")),
            baseline=bounded(one.get("baseline")),
            gain=bounded(one.get("gain")),
            is_enough=one.get("is_enough") is True,
        )
        for each in lists
        for one in _mappings(each)
    )


def rivals_of(evidence: Mapping[str, Any]) -> tuple[RivalPart, ...]:
    """Return the naive baselines with how the model did against each; none if the paper says nothing of them."""
    return tuple(
        RivalPart(
            name=str(one.get("name", "")),
            measure=str(one.get("measure", "")),
            loss=_number(one.get("loss")),
            model_loss=_number(one.get("model_loss")),
            gain=bounded(one.get("gain")),
            p_value=_number(_mapping(one, "diebold_mariano").get("p_value")),
        )
        for one in _mappings(evidence.get("baselines"))
    )


def scores_of(evidence: Mapping[str, Any]) -> tuple[PeriodPart, ...]:
    """Return the scores on the rows that were learned from, and on later ones; none if the paper has none."""
    found = _mapping(evidence, "scores")
    parts = [(name, _mapping(found, name)) for name in ("train", "validation", "test")]
    return tuple(
        PeriodPart(
            name,
            _whole(part.get("rows")),
            _moment(part.get("first_at")),
            _moment(part.get("last_at")),
            {str(score): bounded(value) for score, value in part.items() if isinstance(value, Mapping)},
        )
        for name, part in parts
        if part
    )


def bounded(found: object) -> Bounded:
    """Return a number with its interval as a paper writes it: a mapping with ``value``, ``low`` and ``high``."""
    if not isinstance(found, Mapping):
        return Bounded(_number(found))
    return Bounded(*(_number(found.get(name)) for name in ("value", "low", "high")))


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def _listed(found: object, name: str) -> object:
    """Return a list that may stand alone, or under a name beside what was asked."""
    return found.get(name) if isinstance(found, Mapping) else found


def _mappings(found: object) -> list[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []


def _number(found: object) -> float | None:
    is_number = isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)
    return float(found) if is_number else None  # type: ignore[arg-type]  # which `is_number` says


def _whole(found: object) -> int | None:
    number = _number(found)
    return None if number is None else int(number)


def _moment(found: object) -> datetime | None:
    try:
        return datetime.fromisoformat(found) if isinstance(found, str) else None
    except ValueError:
        return None
