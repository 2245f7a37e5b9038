"""Which models there are, what each is worth, and which of them is the champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.domain.errors import NoDataError
from assay.domain.model_key import ModelKey
from assay.lake.model_aliases import Move, State, read_history, states_after
from assay.lake.model_store import ModelVersion, read_artefact, read_keys, read_versions
from assay.lake.sealed import Documents, documents_of
from assay.lake.trial_ledger import TrialCount, count_trials
from assay.pipelines.paired_tests import find_model
from assay.pipelines.workspace import Workspace
from assay.selectors.model_evidence import EdgePart, RivalPart, SkillPart, edge_of, rivals_of, skill_of


@dataclass(frozen=True, slots=True)
class ModelBrief:
    """One registered model.

    Attributes
    ----------
    version, task, series, model, feature_set : str
    state : str
        ``champion``, ``challenger``, ``registered``, ``former champion`` or ``rolled back``.
    registered_at : datetime
    registered_by : str
    trained_from, trained_until : datetime
        When the first row was known that it learned from, and the end of the last outcome.
    accuracy, accuracy_low, accuracy_high, baseline_accuracy : float or None
        Out of sample, when it was trained.
    skill, edge : str
        The two verdicts; empty if its paper has none.
    skill_evidence : SkillPart or None
    edge_evidence : EdgePart or None
        The same with their numbers, whatever was measured.
    rivals : tuple of RivalPart
        Every naive baseline, on the same rows.
    """

    version: str
    task: str
    series: str
    model: str
    feature_set: str
    state: str
    registered_at: datetime
    registered_by: str
    trained_from: datetime
    trained_until: datetime
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    baseline_accuracy: float | None
    skill: str
    edge: str
    skill_evidence: SkillPart | None
    edge_evidence: EdgePart | None
    rivals: tuple[RivalPart, ...]


@dataclass(frozen=True, slots=True)
class ModelPage:
    """All that is kept of one model.

    Attributes
    ----------
    brief : ModelBrief
    paper : mapping
        As :class:`assay.lake.model_store.ModelPaper` says it: evidence, certificate, requirements.
    artefact_sha256 : str
    artefact_bytes : int
    trials : TrialCount
        Of its task and series, up to now.
    history : tuple of Move
        Of the champion of its task and series, the first move first.
    """

    brief: ModelBrief
    paper: Mapping[str, object]
    artefact_sha256: str
    artefact_bytes: int
    trials: TrialCount
    history: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class KeyModels:
    """The models of one task on one series or source.

    Attributes
    ----------
    key : ModelKey
    models : tuple of ModelBrief
        In the order in which they were registered.
    history : tuple of Move
        Of the champion, the first move first.
    """

    key: ModelKey
    models: tuple[ModelBrief, ...]
    history: tuple[Move, ...]


def models(workspace: Workspace, *, as_of: datetime | None = None) -> tuple[ModelBrief, ...]:
    """Return every registered model, by task and series, in the order in which they were registered.

    Parameters
    ----------
    workspace : Workspace
    as_of : datetime, optional
        Only what had been registered and promoted by then.

    Raises
    ------
    DamagedError
        If a paper, or the history of a champion, is damaged.
    """
    documents = documents_of(workspace.home)
    return tuple(one for key in read_keys(documents) for one in models_of(documents, key, as_of=as_of).models)


def models_of(documents: Documents, key: ModelKey, *, as_of: datetime | None = None) -> KeyModels:
    """Return the models of one key as they were at a moment, or now; Raises as :func:`models`."""
    moves = tuple(one for one in read_history(documents, key) if as_of is None or one.author.at <= as_of)
    versions = [one for one in read_versions(documents, key) if as_of is None or one.author.at <= as_of]
    states = states_after(moves)
    return KeyModels(key, tuple(_brief(one, states) for one in versions), moves)


def model(workspace: Workspace, text: str, *, as_of: datetime | None = None) -> ModelPage:
    """Return the model whose version begins like `text`.

    Parameters
    ----------
    workspace : Workspace
    text : str
    as_of : datetime, optional
        With the history of its champion up to then.

    Raises
    ------
    NoDataError, BadInputError
        If there is none, or several; or it was registered later.
    DamagedError
        If one of its files, or the history of its champion, is damaged.
    """
    documents = documents_of(workspace.home)
    version = find_model(documents, text)
    if as_of is not None and version.author.at > as_of:
        todo = f"it was registered at {version.author.at:%Y-%m-%d %H:%M} UTC; ask of a later moment"
        raise NoDataError("this model was not there yet", value=version.version, todo=todo)
    read_artefact(documents, version)
    key = version.paper.key
    moves = tuple(one for one in read_history(documents, key) if as_of is None or one.author.at <= as_of)
    return ModelPage(
        _brief(version, states_after(moves)),
        version.paper.document(),
        version.artefact_sha256,
        version.artefact_bytes,
        count_trials(documents).of(key),
        moves,
    )


def _brief(version: ModelVersion, states: Mapping[str, State]) -> ModelBrief:
    paper = version.paper
    skill, edge = (_part(paper.evidence, name) for name in ("skill", "edge"))
    accuracy, baseline = (_part(_part(skill, name), "accuracy") for name in ("model", "baseline"))
    return ModelBrief(
        version=version.version,
        task=paper.key.task,
        series=paper.key.source,
        model=paper.estimator,
        feature_set=paper.feature_set,
        state=states.get(version.version, State.REGISTERED).value,
        registered_at=version.author.at,
        registered_by=version.author.name,
        trained_from=paper.trained_from,
        trained_until=paper.trained_until,
        accuracy=accuracy.get("value"),
        accuracy_low=accuracy.get("low"),
        accuracy_high=accuracy.get("high"),
        baseline_accuracy=baseline.get("value"),
        skill=str(skill.get("verdict", "")),
        edge=str(edge.get("verdict", "")),
        skill_evidence=skill_of(paper.evidence),
        edge_evidence=edge_of(paper.evidence),
        rivals=rivals_of(paper.evidence),
    )


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a mapping in a mapping; of a paper that others wrote it may be missing."""
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}
