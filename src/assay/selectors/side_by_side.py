"""Models side by side: whatever foretells the same thing of the same series, each beside its naive baseline.

The champion and the challenger, every other model that was registered, the model that each build fits, and what has to
be beaten: one row each, with the same figures, so that "no skill" is as easy to see as skill. Scores of two rows are
of the periods that stand beside them; a fair duel is the paired test of a promotion.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from assay.domain.errors import AssayError, BadInputError, NoDataError
from assay.domain.instrument import SeriesId
from assay.domain.model_key import ModelKey, key_of_source
from assay.lake.model_aliases import Aliases, Move
from assay.lake.model_store import read_keys
from assay.lake.sealed import Documents, documents_of
from assay.lake.trial_ledger import count_trials
from assay.pipelines.workspace import Workspace
from assay.selectors.model_evidence import ACCURACY, SHARE_WRONG, Bounded, EdgePart, RivalPart, SkillPart
from assay.selectors.models import ModelBrief, models_of
from assay.selectors.predictions import SymbolPrediction, built_predictions
from assay.selectors.series import find

REGISTERED, BUILT, BASELINE = "registered", "built", "baseline"
_STATES = ("champion", "challenger", "registered", "former champion", "rolled back")
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Contender:
    """One row of a comparison.

    Attributes
    ----------
    task, series : str
        What it foretells, and of which series; of a source, such as ``binance:1h``, if it was taught on all of it.
    kind : str
        ``registered``: a version in the registry; ``built``: fitted anew by each build; ``baseline``: what has to be
        beaten, on the rows of the row that it stands below.
    model : str
        Name of the estimator.
    version : str
        Empty unless registered.
    state : str
        ``champion``, ``challenger``, ``registered``, ``former champion`` or ``rolled back``; empty for other kinds.
    feature_set : str
    registered_at, trained_until : datetime or None
    skill : SkillPart or None
    edge : EdgePart or None
        None where nobody has looked.
    rivals : tuple of RivalPart
        What has to be beaten, each on the same rows.
    """

    task: str
    series: str
    kind: str
    model: str
    version: str
    state: str
    feature_set: str
    registered_at: datetime | None
    trained_until: datetime | None
    skill: SkillPart | None
    edge: EdgePart | None
    rivals: tuple[RivalPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that foretell one thing.

    Attributes
    ----------
    task, series : str
    contenders : tuple of Contender
        The champion first, baselines last.
    champion, challenger : str
        Versions; empty if there is none. Of a series, also the champion of its source where it has none of its own.
    trials : int
        Configurations of this task and series that were ever tried, as far as the ledger says; 0 as of a moment.
    history : tuple of Move
        Of the champion, the latest move first.
    trouble : str
        Why some of it cannot be read; empty if all of it can.
    """

    task: str
    series: str
    contenders: tuple[Contender, ...]
    champion: str
    challenger: str
    trials: int
    history: tuple[Move, ...]
    trouble: str


def comparisons(
    workspace: Workspace, *, task: str = "", series: str = "", as_of: datetime | None = None
) -> tuple[Comparison, ...]:
    """Return who foretells what, by task and series; none if nothing was trained and nothing foretold.

    Parameters
    ----------
    workspace : Workspace
    task : str
        Only this one; empty for all.
    series : str
        Only this one, in any spelling, or a source such as ``binance:1h``; empty for all.
    as_of : datetime, optional
        As it was known then.

    Raises
    ------
    NoDataError
        If there is nothing of the task or the series.
    """
    documents = documents_of(workspace.home)
    kept = {key: _read(documents, key, as_of) for key in read_keys(documents)}
    kept = {key: one for key, one in kept.items() if one.models or one.trouble}
    built = [_built(one) for one in built_predictions(workspace, as_of=as_of)]
    keys = sorted({*kept, *(ModelKey(one.task, one.series) for one in built)})
    chosen = _chosen(keys, task, series, workspace.settings.preferred_places)
    counts = count_trials(documents).by_key if as_of is None else {}
    return tuple(
        _comparison(
            key,
            own=kept.get(key, _Kept()),
            of_source=_of_source(kept, key),
            built=[one for one in built if (one.task, one.series) == (key.task, key.source)],
            trials=counts[key].trials if key in counts else 0,
        )
        for key in chosen
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the registry has of a key, as far as it can be read."""

    models: tuple[ModelBrief, ...] = ()
    history: tuple[Move, ...] = ()
    trouble: str = ""

    @property
    def aliases(self) -> Aliases:
        return self.history[-1].aliases if self.history else Aliases()


def _read(documents: Documents, key: ModelKey, as_of: datetime | None) -> _Kept:
    try:
        found = models_of(documents, key, as_of=as_of)
    except AssayError as error:  # one damaged file is no reason to show nothing of the others
        return _Kept(trouble=str(error))
    return _Kept(found.models, found.history)


def _of_source(kept: Mapping[ModelKey, _Kept], key: ModelKey) -> _Kept:
    """Return what the registry has for all series of the venue of a series; nothing of what is no series."""
    parts = key.source.split(":")
    return kept.get(key_of_source(key.task, parts[0], parts[-1]), _Kept()) if len(parts) == 4 else _Kept()


def _comparison(key: ModelKey, *, own: _Kept, of_source: _Kept, built: Sequence[Contender], trials: int) -> Comparison:
    registered = sorted(map(contender_of, (*own.models, *of_source.models)), key=_rank)
    rows = [*registered[:_MOST], *built]
    return Comparison(
        key.task,
        key.source,
        (*rows, *_baselines(rows)),
        own.aliases.champion or of_source.aliases.champion,
        own.aliases.challenger,
        trials,
        own.history[::-1],
        own.trouble or of_source.trouble,
    )


def _rank(one: Contender) -> tuple[int, float, str]:
    position = _STATES.index(one.state) if one.state in _STATES else len(_STATES)
    return position, -one.registered_at.timestamp() if one.registered_at else 0.0, one.version


def contender_of(one: ModelBrief) -> Contender:
    """Return a registered model as a row of a comparison."""
    return Contender(
        one.task, one.series, REGISTERED, one.model, one.version, one.state, one.feature_set, one.registered_at,
        one.trained_until, one.skill_evidence, one.edge_evidence, one.rivals,
    )  # fmt: skip


def _built(one: SymbolPrediction) -> Contender:
    brief = one.brief
    skill = SkillPart(
        verdict=brief.verdict or "",
        sentence=brief.sentence,
        measure=ACCURACY,
        score=Bounded(brief.accuracy, brief.accuracy_low, brief.accuracy_high),
        baseline_score=Bounded(brief.base_rate_accuracy),
        difference=Bounded(brief.difference, brief.difference_low, brief.difference_high),
        baseline="base_rate",
        rows=brief.rows,
        trials=brief.trials,
        first_at=brief.first_as_of,
        last_at=brief.last_as_of,
    )
    series = f"{one.series}:{one.interval}"
    return Contender(brief.task, series, BUILT, brief.model, "", "", "", None, one.fitted_until, skill, None)


def _baselines(rows: Sequence[Contender]) -> tuple[Contender, ...]:
    """Return what has to be beaten, as it did on the rows of the first contender that was judged."""
    first = next((one for one in rows if one.skill and one.skill.baseline_score.value is not None), None)
    if first is None or first.skill is None:
        return ()
    skill = replace(first.skill, verdict="", sentence="", score=first.skill.baseline_score, difference=Bounded())
    # Losses of values are squares, which say nothing beside a mean error.
    told = [one for one in first.rivals if one.measure == SHARE_WRONG and one.name != skill.baseline]
    more = [replace(skill, baseline=one.name, score=Bounded(1.0 - one.loss)) for one in told if one.loss is not None]
    return tuple(
        Contender(first.task, first.series, BASELINE, one.baseline, "", "", "", None, None, one, None)
        for one in (skill, *more)
    )


def _chosen(keys: Sequence[ModelKey], task: str, series: str, places: Sequence[str]) -> list[ModelKey]:
    tasks = list(dict.fromkeys(key.task for key in keys))
    if task and task not in tasks:
        todo = f"there is {', '.join(tasks)}" if tasks else "run `assay train BTC-USDT`"
        raise NoDataError("nothing foretells that", value=task, todo=todo)
    of_task = [key for key in keys if task in ("", key.task)]
    if not series or not of_task:
        return of_task
    wanted = source_of(series, [key.source for key in of_task], places)
    return [key for key in of_task if key.source == wanted]


def source_of(text: str, sources: Iterable[str], places: Sequence[str]) -> str:
    """Return which of the sources of models a name means, in any spelling.

    Raises
    ------
    BadInputError
        If it is no such name.
    NoDataError
        If it is none of them.
    """
    known = list(dict.fromkeys(sources))
    if text in known:
        return text
    of_series = {}
    for one in known:
        with contextlib.suppress(BadInputError):  # a source that is no series has only the one spelling
            of_series[SeriesId.parse(one)] = one
    if text.count(":") == 3:
        raise NoDataError("no models of this series", value=text, todo=f"there is {', '.join(known[:5])}")
    return of_series[find(text, list(of_series), places=places).series]
