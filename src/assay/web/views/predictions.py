"""The page of predictions: models side by side, what was foretold of a series and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from assay.domain.errors import BadInputError, NoDataError, TerminalError
from assay.evidence.verdict import EdgeVerdict, Verdict
from assay.selectors.model_evidence import (
    MAE,
    Bounded,
    ablation_of,
    bounded,
    importance_of,
    regimes_of,
    rivals_of,
    skill_of,
)
from assay.selectors.models import ModelPage, model
from assay.selectors.predictions import SymbolPrediction
from assay.selectors.predictions import predictions as latest
from assay.selectors.side_by_side import BASELINE, BUILT, REGISTERED, Comparison, Contender, comparisons, source_of
from assay.selectors.track_record import DAYS, TrackRecord, WhichRecord, track_record
from assay.web.configure import workspace
from assay.web.figures import reach_of
from assay.web.views.page import page, show

_ALL = "all"
_BUILD = "build"
"""How the address names the model that each build fits."""
_USUAL_DAYS = 90


@page
def predictions(request: HttpRequest) -> HttpResponse:
    """Show who foretells one thing of one series, and how that went."""
    as_of: datetime | None = request.as_of
    found = comparisons(workspace(), as_of=as_of)
    days = _days(request.GET.get("days", ""))
    if not found:
        todo = "`assay build` foretells every hourly series, and `assay train BTC-USDT` trains a model of one"
        raise NoDataError("nothing was foretold and no model was trained", todo=todo)
    chosen = _chosen(found, request.GET.get("series", ""), request.GET.get("task", ""))
    version = _which(chosen, request.GET.get("model", ""))
    record = _record(chosen, version, days, as_of)
    lead = _lead(chosen, as_of)
    context = {
        "chosen": chosen,
        "symbol": _symbol(chosen.series),
        "sources": list(dict.fromkeys(one.series for one in found)),
        "tasks": list(dict.fromkeys(one.task for one in found)),
        "contenders": chosen.contenders,
        "is_trained": any(one.kind == REGISTERED for one in chosen.contenders),
        "judged": [one for one in chosen.contenders if one.skill and one.kind != BASELINE],
        "skilled": [one for one in chosen.contenders if one.skill and one.skill.verdict == Verdict.SKILL],
        "traded": [one for one in chosen.contenders if one.edge],
        "earning": [one for one in chosen.contenders if one.edge and one.edge.verdict == EdgeVerdict.EDGE],
        "reach": reach_of(one.skill.difference for one in chosen.contenders if one.skill),
        "is_value": chosen.task.startswith("delta_"),
        "measure": next((one.skill.measure for one in chosen.contenders if one.skill), ""),
        "live": _live(chosen, as_of),
        "record": record,
        "track": _track(record) if record else None,
        "days": days,
        "shown_version": version,
        "foretellers": [one for one in chosen.contenders if one.kind in (REGISTERED, BUILT)],
        "ranges": [*((one, f"{one} d") for one in DAYS), (0, "All")],
        "lead": lead,
        **evidence_context(lead),
    }
    return show(request, "predictions", context)


def evidence_context(found: ModelPage | None) -> dict[str, object]:
    """Return what the evidence of a model says of its features and of kinds of markets, for a template."""
    evidence = found.paper.get("evidence") if found else None
    document = evidence if isinstance(evidence, Mapping) else {}
    share, unit = _unit(document)
    features = [replace(one, rise=_scaled(one.rise, share)) for one in importance_of(document)]
    groups = [replace(one, rise=_scaled(one.rise, share)) for one in ablation_of(document)]
    regimes = [replace(one, gain=_scaled(one.gain, share)) for one in regimes_of(document)]
    rivals = [replace(one, gain=_scaled(one.gain, share)) for one in rivals_of(document)]
    return {
        "unit": unit,
        "rivals": rivals,
        "rivals_reach": reach_of(one.gain for one in rivals),
        "features": features,
        "features_reach": reach_of(one.rise for one in features),
        "groups": groups,
        "groups_reach": reach_of(one.rise for one in groups),
        "regimes": regimes,
        "regimes_reach": reach_of(one.gain for one in regimes),
    }


def _unit(evidence: Mapping[str, Any]) -> tuple[float, str]:
    """Return what losses are divided by to be shown in hundredths, and what these are called.

    Losses of directions are shares of wrong ones; those of values are squares, of which the model's own mean is one.
    """
    skill = skill_of(evidence)
    if skill is None or skill.measure != MAE:
        return 1.0, "points"
    squared = bounded(evidence["skill"]["model"].get("rmse")).value
    return (squared * squared if squared else 1.0), "% of squared error"


def _scaled(found: Bounded, share: float) -> Bounded:
    return Bounded(*(None if one is None else one / share for one in (found.value, found.low, found.high)))


def _days(text: str) -> int:
    """Return how many days are asked for; 0 is all. Raises BadInputError if it is none of those offered."""
    if text == _ALL:
        return 0
    known = {str(one): one for one in DAYS}
    if text and text not in known:
        raise BadInputError("not a range of days", value=text, todo=f"use {', '.join(known)} or {_ALL}")
    return known.get(text, _USUAL_DAYS)


def _chosen(found: Sequence[Comparison], series: str, task: str) -> Comparison:
    """Return the comparison that is asked for, or the one with most to see.

    Raises
    ------
    BadInputError
        If there is no such task or series.
    """
    tasks = list(dict.fromkeys(one.task for one in found))
    if task and task not in tasks:
        raise BadInputError("nothing foretells that", value=task, todo=f"there is {', '.join(tasks)}")
    try:
        places = workspace().settings.preferred_places
        source = source_of(series, [one.series for one in found], places) if series else ""
    except NoDataError as error:
        raise BadInputError(error.what, value=error.value, todo=error.todo) from None
    fitting = [one for one in found if one.task == (task or one.task) and one.series == (source or one.series)]
    if not fitting:
        return Comparison(task, source, (), "", "", 0, (), "")
    return max(fitting, key=_interest)


def _interest(one: Comparison) -> tuple[bool, int, bool]:
    registered = sum(each.kind == REGISTERED for each in one.contenders)
    return bool(one.champion), registered, ":BTC-USD" in one.series


def _symbol(source: str) -> str:
    """Return the pair of a series, or the source."""
    parts = source.split(":")
    return parts[2] if len(parts) == 4 else source


def _series_name(source: str) -> str:
    return source.rpartition(":")[0] if source.count(":") == 3 else ""


def _live(chosen: Comparison, as_of: datetime | None) -> SymbolPrediction | None:
    name = _series_name(chosen.series)
    found = latest(workspace(), task=chosen.task, as_of=as_of)
    return next((one for one in found if one.series == name), None)


def _which(chosen: Comparison, asked: str) -> str:
    """Return the version whose forecasts are shown, empty for the model of the build: the one asked for if it can be.

    Raises
    ------
    BadInputError
        If it is none of the comparison.
    """
    known = [one.version for one in chosen.contenders if one.kind in (REGISTERED, BUILT)]
    if asked and asked != _BUILD and asked not in known:
        todo = f"there is {', '.join(one or _BUILD for one in known)}" if known else "leave it out"
        raise BadInputError("no such model here", value=asked, todo=todo)
    if asked:
        return "" if asked == _BUILD else asked
    return "" if "" in known else chosen.champion or next(iter(known), "")


def _record(chosen: Comparison, version: str, days: int, as_of: datetime | None) -> TrackRecord | None:
    name = _series_name(chosen.series)
    if not name:
        return None
    try:
        return track_record(workspace(), name, WhichRecord(chosen.task, version), days=days, as_of=as_of)
    except NoDataError:
        return None


def _lead(chosen: Comparison, as_of: datetime | None) -> ModelPage | None:
    """Return the model whose evidence is shown in full: the champion, else the first that was registered."""
    first: Contender | None = next((one for one in chosen.contenders if one.kind == REGISTERED), None)
    if first is None:
        return None
    try:
        return model(workspace(), first.version, as_of=as_of)
    except TerminalError:  # its file is damaged, which its own page says
        return None


def _track(record: TrackRecord) -> dict[str, object]:
    """Return what the chart draws: columns, the moments in seconds since 1970."""
    return {
        "step": int(record.step.total_seconds()),
        "time": [int(one.start.timestamp()) for one in record.stretches],
        "close": [one.close for one in record.stretches],
        "horizon": int(record.horizon.total_seconds()),
        "low": [one.low for one in record.stretches],
        "high": [one.high for one in record.stretches],
        "right": [one.right for one in record.stretches],
        "wrong": [one.wrong for one in record.stretches],
        "model": [one.share_right for one in record.stretches],
        "base": [one.share_base for one in record.stretches],
    }
