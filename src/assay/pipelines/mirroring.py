"""The trials, models and champions of a home, told to MLflow: a mirror, which decides nothing and is not read here.

What counts stays in files of the home. A mirror is made by holding what MLflow has against what the home has: what is
missing is added, aliases that moved are moved, and the same again changes nothing. So a server that was away is brought
up to date by the next mirror, and one that is away stops no training and no promotion.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from assay.domain.model_key import ModelKey
from assay.lake.lock import file_lock
from assay.lake.model_aliases import State, read_aliases, read_states
from assay.lake.model_store import ModelVersion, read_artefact, read_keys, read_versions
from assay.lake.sealed import Documents, documents_of, identity
from assay.lake.trial_ledger import read_searches
from assay.lake.trials import Configuration, Tried
from assay.pipelines.training_plan import is_seed
from assay.pipelines.workspace import Workspace

FOLDER = "mlflow"
"""In the home, if no other place is named."""
_PATIENCE_S = 30.0
"""For another mirror of the same home: what it leaves undone the next one does."""
_UNUSABLE = re.compile(r"[^A-Za-z0-9_. /-]+")
_BETWEEN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")


class Papers(Protocol):
    """What a card is, as far as a mirror wants it."""

    def html(self) -> str:
        """Return it as a page."""
        ...

    def markdown(self) -> str:
        """Return it as Markdown."""
        ...


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What a mirror did.

    Attributes
    ----------
    place : str
        Where to, without a password; empty if there is nothing to tell, and nobody was asked.
    runs, versions : int
        Trials and models that are there.
    new_runs, new_versions : int
        Of these, those that were not there, or not whole.
    moved : int
        Aliases that were set or taken away.
    """

    place: str
    runs: int = 0
    versions: int = 0
    new_runs: int = 0
    new_versions: int = 0
    moved: int = 0


@dataclass(frozen=True, slots=True)
class RunToMirror:
    """A trial as MLflow has it: a run; that of a model has files as well.

    Attributes
    ----------
    trial : str
        By which it is found again.
    task : str
        The experiment.
    name : str
    at : datetime
    params : mapping of str to str
    metrics : mapping of str to float
    tags : mapping of str to str
    version : ModelVersion or None
        The model that came of it.
    """

    trial: str
    task: str
    name: str
    at: datetime
    params: Mapping[str, str] = field(hash=False)
    metrics: Mapping[str, float] = field(hash=False)
    tags: Mapping[str, str] = field(hash=False)
    version: ModelVersion | None = None

    @property
    def state(self) -> str:
        """16 hexadecimal digits of all that is mirrored of it."""
        version = self.version.version if self.version else ""
        return identity([self.name, self.params, self.metrics, self.tags, version])


@dataclass(frozen=True, slots=True)
class KeyToMirror:
    """The models of one task and series as MLflow has them: a registered model with its aliases."""

    name: str
    about: str
    versions: tuple[ModelVersion, ...]
    states: Mapping[str, str] = field(hash=False)
    aliases: Mapping[str, str] = field(hash=False)
    """``champion`` and ``challenger`` to versions; those that nobody is are not in it."""


def mirror(workspace: Workspace, card: Callable[[str], Papers]) -> Mirrored:
    """Tell MLflow all that it does not know yet.

    Parameters
    ----------
    workspace : Workspace
        ``mlops.tracking_uri`` names the place; without it, it is SQLite in the home.
    card : callable
        The card of a version by its full name.

    Raises
    ------
    MissingExtraError
        If the extra ``mlops`` is not installed.
    MirrorError
        If MLflow cannot be reached, or refuses; nothing of the home has changed.
    DamagedError
        If a file of the ledger or of the registry is damaged.
    LakeBusyError
        If another process has been mirroring this home for half a minute.
    """
    documents, settings = documents_of(workspace.home), workspace.settings
    prefix, uri = settings.mlops.prefix, settings.mlops.tracking_uri
    folder = workspace.home.root / FOLDER
    keys = [_key(documents, key, prefix) for key in read_keys(documents)]
    runs = list(_runs(documents, [one for key in keys for one in key.versions]))
    if not runs:
        return Mirrored("")
    from assay.pipelines.mlflow_store import open_store  # noqa: PLC0415  # nobody else waits for MLflow

    with file_lock(folder / "lock", timeout_s=_PATIENCE_S):
        store = open_store("" if uri is None else uri.get_secret_value(), folder, prefix)
        with store.told():
            return _told(store, runs, keys, lambda version: _files(documents, version, card))


class Store(Protocol):
    """What MLflow has of a home, and how more is put there."""

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        ...

    def put_run(self, run: RunToMirror, files: Callable[[ModelVersion], Mapping[str, bytes]]) -> bool:
        """Make a run whole; False if it was."""
        ...

    def put_version(self, key: KeyToMirror, version: ModelVersion, trial: str) -> bool:
        """Register the model of a run; False if it was."""
        ...

    def put_aliases(self, key: KeyToMirror) -> int:
        """Let aliases say what holds now; return how many moved."""
        ...


def _told(
    store: Store,
    runs: list[RunToMirror],
    keys: list[KeyToMirror],
    files: Callable[[ModelVersion], Mapping[str, bytes]],
) -> Mirrored:
    new_runs = sum(store.put_run(one, files) for one in runs)
    trials = {one.version.version: one.trial for one in runs if one.version}
    new_versions = sum(store.put_version(key, one, trials[one.version]) for key in keys for one in key.versions)
    moved = sum(store.put_aliases(key) for key in keys)
    return Mirrored(store.place, len(runs), sum(len(key.versions) for key in keys), new_runs, new_versions, moved)


def _key(documents: Documents, key: ModelKey, prefix: str) -> KeyToMirror:
    now, states = read_aliases(documents, key), read_states(documents, key)
    versions = tuple(read_versions(documents, key))
    return KeyToMirror(
        name=f"{prefix}.{key.task}.{_BETWEEN_NAMES.sub('-', key.source)}",
        about=str(key),
        versions=versions,
        states={one.version: states.get(one.version, State.REGISTERED).value for one in versions},
        aliases={name: one for name, one in (("champion", now.champion), ("challenger", now.challenger)) if one},
    )


def _runs(documents: Documents, versions: list[ModelVersion]) -> Iterator[RunToMirror]:
    """Yield every trial of the ledger, and every model whose trial the ledger does not know."""
    of_trial: dict[str, ModelVersion] = {}
    for one in versions:  # of several of one trial the latest
        of_trial[trial_of(one).trial] = one
    known: dict[str, tuple[Tried, datetime, str]] = {}
    for search in read_searches(documents):
        for trial, each in search.tried.items():
            if each.scores or trial not in known:
                known[trial] = (each, search.runs[0].at, search.search.name)
    for trial, (tried, at, name) in known.items():
        yield _run(trial, tried, at, name, version=of_trial.get(trial))
    mirrored = {of_trial[trial].version for trial in known if trial in of_trial}
    for version in versions:
        if version.version not in mirrored:
            # Nobody announced it, or another model came of the same trial later.
            own = Tried(trial_of(version), {})
            yield _run(f"version {version.version}", own, version.author.at, "", version=version)


def trial_of(version: ModelVersion) -> Configuration:
    """Return the configuration that a model was made of, as the ledger names it."""
    paper = version.paper
    seed, signal = paper.evidence.get("seed"), paper.evidence.get("signal")
    parameters = {name: value for name, value in paper.parameters.items() if not is_seed(name)}
    if isinstance(signal, Mapping) and "confidence" in signal:
        parameters["confidence"] = signal["confidence"]  # the rule of a signal is part of the idea
    return Configuration(
        paper.key, paper.estimator, parameters, paper.feature_set, paper.data_version,  # type: ignore[arg-type]
        seed if isinstance(seed, int) else 0,
    )  # fmt: skip


def _run(trial: str, tried: Tried, at: datetime, search: str, *, version: ModelVersion | None) -> RunToMirror:
    one = tried.configuration
    params = {
        "estimator": one.estimator, "feature_set": one.feature_set, "data_version": one.data_version,
        "seed": one.seed, "span": one.span, "series": one.key.source, **one.parameters,
    }  # fmt: skip
    metrics = dict(tried.scores)
    tags = {"assay.search": search, "assay.task": one.key.task, "assay.series": one.key.source}
    if version:
        metrics |= numbers_in(version.paper.evidence)
        tags |= {"assay.version": version.version, "assay.model_hash": version.paper.model_hash}
        tags |= {f"assay.{name}": word for name, word in _verdicts(version)}
        tags["mlflow.user"] = version.author.name
    texts = {_name(name): str(value) for name, value in params.items() if value != ""}
    finite = {_name(name): float(value) for name, value in metrics.items() if math.isfinite(value)}
    return RunToMirror(trial, one.key.task, f"{one.estimator} {one.key.source}", at, texts, finite, tags, version)


def numbers_in(document: object, above: str = "") -> dict[str, float]:
    """Return every finite number in plain values of JSON, by its way from the top; parts of lists by their names.

    >>> numbers_in({"skill": {"accuracy": {"value": 0.5, "low": None}}, "features": [{"name": "rsi", "rise": 1}]})
    {'skill.accuracy': 0.5, 'features.rsi.rise': 1.0}
    """
    if isinstance(document, bool) or document is None or isinstance(document, str):
        return {}
    if isinstance(document, int | float):
        return {above: float(document)} if math.isfinite(document) else {}
    parts: Iterator[tuple[str, object]] = iter(())
    if isinstance(document, Mapping):
        parts = ((str(name), value) for name, value in document.items() if name != "name")
    elif isinstance(document, list | tuple):
        parts = (
            (str(value["name"]) if isinstance(value, Mapping) and "name" in value else str(at), value)
            for at, value in enumerate(document)
        )
    found: dict[str, float] = {}
    for name, value in parts:
        # An estimate is known by the name of what was estimated.
        way = above if name == "value" and above else f"{above}.{name}" if above else name
        found |= numbers_in(value, way)
    return found


def _verdicts(version: ModelVersion) -> Iterator[tuple[str, str]]:
    for name in ("skill", "edge"):
        part = version.paper.evidence.get(name)
        if isinstance(part, Mapping) and part.get("verdict"):
            yield name, str(part["verdict"])


def _files(documents: Documents, version: ModelVersion, card: Callable[[str], Papers]) -> dict[str, bytes]:
    """Return the files of a model by their names below a run."""
    from assay.pipelines.mlflow_files import model_files  # noqa: PLC0415

    found = card(version.version)
    pages = {"card.html": found.html().encode(), "card.md": found.markdown().encode()}
    return model_files(version, read_artefact(documents, version)) | pages


def _name(text: str) -> str:
    """Return a name as MLflow takes it, for a parameter or a number."""
    return _UNUSABLE.sub("_", text)[:250]


def default_uri(folder: Path) -> str:
    """Return the address of the database in the home."""
    return f"sqlite:///{folder / 'mlflow.db'}"
