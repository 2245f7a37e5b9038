"""Which models there are, what each is worth, and which of them is the champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.lake.model_aliases import Move, State, read_history, read_states
from assay.lake.model_store import ModelVersion, read_artefact, read_keys, read_versions
from assay.lake.sealed import documents_of
from assay.lake.trial_ledger import TrialCount, count_trials
from assay.pipelines.paired_tests import find_model
from assay.pipelines.workspace import Workspace


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


def models(workspace: Workspace) -> tuple[ModelBrief, ...]:
    """Return every registered model, by task and series, in the order in which they were registered.

    Raises
    ------
    DamagedError
        If a paper, or the history of a champion, is damaged.
    """
    documents = documents_of(workspace.home)
    found = []
    for key in read_keys(documents):
        states = read_states(documents, key)
        found += [_brief(one, states) for one in read_versions(documents, key)]
    return tuple(found)


def model(workspace: Workspace, text: str) -> ModelPage:
    """Return the model whose version begins like `text`.

    Raises
    ------
    NoDataError, BadInputError
        If there is none, or several.
    DamagedError
        If one of its files, or the history of its champion, is damaged.
    """
    documents = documents_of(workspace.home)
    version = find_model(documents, text)
    read_artefact(documents, version)
    key = version.paper.key
    return ModelPage(
        _brief(version, read_states(documents, key)),
        version.paper.document(),
        version.artefact_sha256,
        version.artefact_bytes,
        count_trials(documents).of(key),
        tuple(read_history(documents, key)),
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
    )


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a mapping in a mapping; of a paper that others wrote it may be missing."""
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}
