"""Who is champion, loaded and looked at: followed without a restart, and asked nothing that is not proven.

A champion of a series goes before one of its source. What keeps one from being asked is said in words, so that whoever
asked can abstain with the reason: its files are damaged, its certificate does not hold for the code of today, or its
features are computed otherwise than when it was taught.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from assay.domain.errors import AssayError, BadInputError
from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.domain.model_key import ModelKey, key_of_source
from assay.evidence.promotion import read_certificate
from assay.features.declared import DeclaredSet
from assay.lake.champion import Follower
from assay.lake.model_aliases import read_aliases, read_history
from assay.lake.model_store import ModelPaper, ModelVersion, read_artefact, read_keys, read_version
from assay.lake.sealed import Documents, documents_of
from assay.models.artefact import Artefact, unpack
from assay.pipelines.auditing import features_of
from assay.pipelines.tasks import Task, find_task
from assay.pipelines.training_rows import find_features
from assay.pipelines.workspace import Workspace

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Standing:
    """Which version of a key is served at a moment.

    Attributes
    ----------
    key : ModelKey
    version : str
        The one that is served; where none can be, the champion; ``unknown`` where nobody can tell which that is.
    trouble : str
        Why it is not the champion that is served; empty if it is.
    is_served : bool
    """

    key: ModelKey
    version: str
    trouble: str = ""
    is_served: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Champion:
    """A model as it is asked.

    Attributes
    ----------
    standing : Standing
    task : Task or None
        None where nobody knows what is asked.
    paper : ModelPaper or None
    artefact : Artefact or None
        None where it cannot be had.
    features : DeclaredSet or None
        As they are computed now.
    doubt : str
        Why it must not be asked; empty if it may.
    """

    standing: Standing
    task: Task | None = None
    paper: ModelPaper | None = None
    artefact: Artefact | None = None
    features: DeclaredSet | None = None
    doubt: str = ""


def standings(workspace: Workspace, *, as_of: datetime | None = None) -> tuple[Standing, ...]:
    """Return who is served of each key that has, or should have, a champion; sorted by key.

    As of a moment, who was champion then. In a process that lives on, a look or two tell of each whether it still is.
    """
    documents = documents_of(workspace.home)
    found = (_standing(documents, key, as_of) for key in read_keys(documents))
    return tuple(one for one in found if one)


def troubles(workspace: Workspace) -> dict[ModelKey, str]:
    """Return of which keys it is not the champion that is served, and why."""
    return {one.key: one.trouble for one in standings(workspace) if one.trouble}


def chosen(workspace: Workspace, found: Sequence[Standing], task: str, series: SeriesId) -> Standing | None:
    """Return who foretells a task of a series: the champion of the series, else that of its source, else nobody.

    The one of a source is for the symbols in ``ingest.symbols``, as those of which it was taught are.
    """
    by_key = {one.key: one for one in found if one.key.task == task}
    own = by_key.get(ModelKey(task, str(series)))
    is_usual = any(text.partition("-")[0].upper() == series.symbol.base for text in workspace.settings.ingest.symbols)
    if own or not is_usual:
        return own
    return by_key.get(key_of_source(task, series.venue, series.interval.code))


def champion(workspace: Workspace, standing: Standing) -> Champion:
    """Return the model of a standing, ready to be asked, or with the doubt that keeps it from it."""
    if not standing.is_served:
        return Champion(standing, doubt=standing.trouble)
    documents = documents_of(workspace.home)
    paper = artefact = features = task = None
    try:
        version, artefact = _loaded(documents, standing.key, standing.version)
        paper = version.paper
        task = find_task(workspace, standing.key.task)
        features = find_features(workspace, _name_of(paper.feature_set), Interval.parse(standing.key.interval))
        doubt = _doubt(paper, artefact, features, task=task)
    except AssayError as error:
        doubt = str(error)
    return Champion(standing, task, paper, artefact, features, doubt)


def _standing(documents: Documents, key: ModelKey, as_of: datetime | None) -> Standing | None:
    try:
        if as_of is not None:
            moves = [one for one in read_history(documents, key) if one.author.at <= as_of]
            champion_then = moves[-1].aliases.champion if moves else ""
            return Standing(key, champion_then) if champion_then else None
        served = _follower(documents, key).current()
        if served.version:
            return Standing(key, served.version.version, served.trouble)
        if not served.trouble:
            return None
        return Standing(key, read_aliases(documents, key).champion or _UNKNOWN, served.trouble, is_served=False)
    except AssayError as error:  # a history that cannot be read, or a disk
        return Standing(key, _UNKNOWN, str(error), is_served=False)


@functools.lru_cache(maxsize=1_024)
def _follower(documents: Documents, key: ModelKey) -> Follower[Artefact]:
    """Return what follows a key for as long as this process lives; documents are equal where their places are."""
    return Follower(documents, key, unpack)


def _loaded(documents: Documents, key: ModelKey, version: str) -> tuple[ModelVersion, Artefact]:
    """Return a version with its model: from memory if it is the one that is followed."""
    served = _follower(documents, key).current()
    if served.version and served.model and served.version.version == version:
        return served.version, served.model
    found = read_version(documents, key, version)
    return found, unpack(read_artefact(documents, found))


def _name_of(feature_set: str) -> str:
    return feature_set.partition("/")[0]


def _doubt(paper: ModelPaper, artefact: Artefact, features: DeclaredSet, *, task: Task) -> str:
    """Return why a model must not be asked; empty if it may."""
    now = features_of(features.feature_set, task.label)
    if artefact.task != task.estimators or artefact.model_hash != paper.model_hash:
        return "its file holds another model than its paper says"
    if now.identity != paper.feature_set or artefact.feature_set != paper.feature_set:
        return f"its features are computed otherwise now: {now.identity}, not {paper.feature_set}"
    if artefact.columns != features.names:
        return f"it reads {', '.join(artefact.columns)}, and the features are {', '.join(features.names)}"
    if paper.certificate is None:
        return "its features have no certificate"
    try:
        certificate = read_certificate(paper.certificate)
    except BadInputError as error:
        return str(error)
    stale = certificate.why_stale(code=now.code, config=now.config, label=now.label)
    return f"the certificate of its features does not hold any more: {stale}" if stale else ""
