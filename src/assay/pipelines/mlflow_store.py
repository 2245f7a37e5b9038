"""MLflow as the place of a mirror: what it has of a home, and how more is put there.

The only module that speaks to MLflow. It is loaded when somebody mirrors, and by nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from assay.domain.errors import BadInputError, TransientError
from assay.lake.model_store import ModelVersion
from assay.pipelines.mirroring import KeyToMirror, RunToMirror, default_uri

_TRIAL, _STATE, _VERSION = "assay.trial", "assay.mirrored", "assay.version"
_MOST_METRICS, _MOST_PARAMS, _LONGEST = 1_000, 100, 5_000
_PAGE = 1_000
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
_PATIENCE_S = 5.0
_PASSWORD = re.compile(r"(?<=://)([^/@\s]*):([^/@\s]*)@")
_USUAL = {
    # Nobody is told what is done here, and a server that is away is not waited for by the minute.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class MirrorError(TransientError):
    """MLflow cannot be reached, or refuses. The home is as it was; the next mirror brings MLflow up to date."""


class MissingExtraError(BadInputError):
    """The extra ``mlops`` is not installed."""


def open_store(uri: str, folder: Path, prefix: str) -> MlflowStore:
    """Return MLflow at an address; SQLite and files in `folder` if that is empty.

    Raises
    ------
    MissingExtraError
        If MLflow is not installed.
    MirrorError
        If nobody is there.
    """
    for name, value in _USUAL.items():
        os.environ.setdefault(name, value)
    for name, level in (("alembic", logging.WARNING), ("urllib3", logging.ERROR)):
        logging.getLogger(name).setLevel(level)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries about each other
            import mlflow  # noqa: PLC0415
            import sqlalchemy  # noqa: F401, PLC0415  # of the extra, and needed by SQLite
    except ImportError as error:
        todo = "pip install 'assay[mlops]'"
        raise MissingExtraError("the mirror needs MLflow", value=error.name, todo=todo) from None
    place = uri or default_uri(folder)
    _look(place)
    with _refusals(place):
        client = mlflow.MlflowClient(tracking_uri=place, registry_uri=place)
    files = "" if uri else (folder / "artifacts").absolute().as_uri()
    return MlflowStore(client, place, files, prefix)


class MlflowStore:
    """See :class:`assay.pipelines.mirroring.Store`.

    Parameters
    ----------
    client : mlflow.MlflowClient
    uri : str
    files : str
        Where files of new experiments are put; empty where the server decides.
    prefix : str
        Of experiments.
    """

    def __init__(self, client: Any, uri: str, files: str, prefix: str) -> None:  # noqa: ANN401  # loaded late
        self._client = client
        self._uri = uri
        self._files = files
        self._prefix = prefix
        self._experiments: dict[str, str] = {}
        self._runs: dict[str, dict[str, Any]] = {}
        self._models: dict[str, dict[str, Any]] = {}

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        return _shown(self._uri)

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Make an error of MLflow in the block one of ours; raises MirrorError."""
        with _refusals(self._uri):
            yield

    def put_run(self, run: RunToMirror, files: Callable[[ModelVersion], Mapping[str, bytes]]) -> bool:
        """Make a run whole; False if it was."""
        there = self._runs_of(run.task)
        found = there.get(run.trial)
        if found is not None and found.data.tags.get(_STATE) == run.state:
            return False
        at = int(run.at.timestamp() * 1000)
        if found is None:
            tags = {_TRIAL: run.trial, **run.tags}
            found = self._client.create_run(self._experiment(run.task), at, tags, run_name=run.name)
        number: str = found.info.run_id
        self._log(number, run, at)
        if run.version is not None:
            self._put_files(number, files(run.version))
        for name, text in run.tags.items():
            self._client.set_tag(number, name, text[:_LONGEST])
        self._client.set_terminated(number, "FINISHED", at)
        # Last: a run without it was broken off, and is made whole by the next mirror.
        self._client.set_tag(number, _STATE, run.state)
        there[run.trial] = self._client.get_run(number)
        return True

    def put_version(self, key: KeyToMirror, version: ModelVersion, trial: str) -> bool:
        """Register the model of a run; False if it was."""
        there = self._versions_of(key)
        found = there.get(version.version)
        if found is None:
            run = self._runs_of(version.paper.key.task)[trial]
            skill = version.paper.evidence.get("skill")
            sentence = str(skill.get("sentence", "")) if isinstance(skill, Mapping) else ""
            tags = {_VERSION: version.version, "assay.model_hash": version.paper.model_hash,
                    "assay.state": key.states[version.version]}  # fmt: skip
            source = f"{run.info.artifact_uri}/model"
            there[version.version] = self._client.create_model_version(
                key.name, source, run_id=run.info.run_id, tags=tags, description=sentence[:_LONGEST]
            )
            return True
        if found.tags.get("assay.state") != key.states[version.version]:
            self._client.set_model_version_tag(key.name, found.version, "assay.state", key.states[version.version])
        return False

    def put_aliases(self, key: KeyToMirror) -> int:
        """Let aliases say what holds now; return how many moved."""
        there = self._versions_of(key)
        has: Mapping[str, str] = dict(self._client.get_registered_model(key.name).aliases)
        wanted = {name: str(there[version].version) for name, version in key.aliases.items()}
        moved = 0
        for name in ("champion", "challenger"):
            now = str(has[name]) if name in has else ""
            if now == wanted.get(name, ""):
                continue
            moved += 1
            if name in wanted:
                self._client.set_registered_model_alias(key.name, name, wanted[name])
            else:
                self._client.delete_registered_model_alias(key.name, name)
        return moved

    def _experiment(self, task: str) -> str:
        name = f"{self._prefix}/{task}"
        if name not in self._experiments:
            found = self._client.get_experiment_by_name(name)
            if found is not None and found.lifecycle_stage != "active":
                todo = "restore it in MLflow, or choose another mlops.prefix"
                raise MirrorError("the experiment was deleted in MLflow", value=name, todo=todo)
            made = None if found is not None else self._client.create_experiment(name, self._files or None)
            self._experiments[name] = str(made if found is None else found.experiment_id)
        return self._experiments[name]

    def _runs_of(self, task: str) -> dict[str, Any]:
        """Return the runs of an experiment by their trials, asked for once."""
        if task not in self._runs:
            found: dict[str, Any] = {}
            token = None
            while True:
                page = self._client.search_runs([self._experiment(task)], max_results=_PAGE, page_token=token)
                found |= {run.data.tags[_TRIAL]: run for run in page if _TRIAL in run.data.tags}
                token = page.token
                if not token:
                    break
            self._runs[task] = found
        return self._runs[task]

    def _versions_of(self, key: KeyToMirror) -> dict[str, Any]:
        """Return the versions of a registered model by ours; it is made if it is not there."""
        if key.name not in self._models:
            if not self._client.search_registered_models(f"name = '{key.name}'"):
                self._client.create_registered_model(key.name, description=key.about)
            found: dict[str, Any] = {}
            token = None
            while True:
                page = self._client.search_model_versions(f"name = '{key.name}'", max_results=_PAGE, page_token=token)
                found |= {one.tags[_VERSION]: one for one in page if _VERSION in one.tags}
                token = page.token
                if not token:
                    break
            self._models[key.name] = found
        return self._models[key.name]

    def _log(self, number: str, run: RunToMirror, at: int) -> None:
        from mlflow.entities import Metric, Param  # noqa: PLC0415

        metrics = [Metric(name, value, at, 0) for name, value in sorted(run.metrics.items())]
        params = [Param(name, text[:_LONGEST]) for name, text in sorted(run.params.items())]
        for first in range(0, max(len(metrics), 1), _MOST_METRICS):
            self._client.log_batch(number, metrics=metrics[first : first + _MOST_METRICS])
        for first in range(0, len(params), _MOST_PARAMS):
            self._client.log_batch(number, params=params[first : first + _MOST_PARAMS])

    def _put_files(self, number: str, files: Mapping[str, bytes]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name, body in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(body)
            self._client.log_artifacts(number, folder)


def _look(uri: str) -> None:
    """Refuse a database that is not there at once: MLflow would ask it again and again for minutes."""
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    if scheme == "sqlite":
        path = Path(uri.partition(":///")[2])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab"):
                pass
        except OSError as error:
            todo = f"{error.strerror}; name a folder that you may write to"
            raise MirrorError("the database of MLflow cannot be written", value=path, todo=todo) from None
    if scheme not in _PORTS or not parts.hostname:
        return
    try:
        socket.create_connection((parts.hostname, parts.port or _PORTS[scheme]), _PATIENCE_S).close()
    except OSError as error:
        raise _away(uri, error) from None


@contextlib.contextmanager
def _refusals(uri: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries about each other
            yield
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:  # a driver may be missing
        raise _away(uri, error) from error


def _away(uri: str, error: Exception) -> MirrorError:
    told = " ".join(_PASSWORD.sub(r"\1:***@", str(error)).split())[:120]
    todo = f"{told}; nothing is lost: `assay models mirror` brings it up to date"
    return MirrorError("MLflow cannot be told", value=_shown(uri), todo=todo)


def _shown(uri: str) -> str:
    """Return an address without its password.

    >>> _shown("postgresql://ada:secret@host/db"), _shown("http://host:5000")
    ('postgresql://ada:***@host/db', 'http://host:5000')
    """
    return _PASSWORD.sub(r"\1:***@", uri)
