"""Running dbt inside this process, quietly, with its results as values.

dbt is called twice a refresh, before and after the Steps. It is imported here and nowhere else, because that takes
more than a second.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.domain.duration import parse_duration
from assay.domain.errors import BuildError
from assay.domain.points import Point, is_observed, reached
from assay.lake import definitions
from assay.lake.catalog import check_extensions, s3_secret
from assay.lake.origin import read_time
from assay.lake.storage import disk_full
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    from dbt.artifacts.resources.v1.generic_test import TestMetadata
    from dbt.artifacts.schemas.results import NodeResult as RunResult
    from dbt.cli.main import dbtRunner, dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import GenericTestNode, SourceDefinition
    from dbt_common.events.base_types import EventMsg


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What became of one model or one quality test.

    Attributes
    ----------
    name : str
    kind : str
        ``model`` or ``test``.
    status : str
        dbt's word: success, pass, warn, fail, error, skipped.
    failures : int
        Rows that broke a test.
    seconds : float
    message : str
        What a test found wrong, in the words of its description, or dbt's own.
    table : str
        What was made or tested, as ``schema.table``.
    is_gate : bool
        Whether a test that finds something stops the build.
    sql : str
        The compiled test if it found something: a select of the rows that break it.
    """

    name: str
    kind: str
    status: str
    failures: int
    seconds: float
    message: str
    table: str = ""
    is_gate: bool = True
    sql: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the next layer may be built on it."""
        return self.status in ("success", "pass", "warn")


def run_dbt(
    workspace: Workspace, command: str, *, select: Sequence[str], options: Sequence[str] = ()
) -> list[NodeResult]:
    """Run one dbt command on the selected nodes and return what became of each.

    Raises
    ------
    BuildError
        If dbt could not run at all. Models and tests that failed are in the result.
    """
    from dbt.cli.main import dbtRunner  # noqa: PLC0415  # heavy, and only a refresh needs it

    usual = _usual_options(workspace)
    check_extensions(workspace.home)
    with _environment(workspace):
        words = [command, "--select", *select, *options, *usual]
        callbacks: list[Callable[[EventMsg], None]] = [_reached] if is_observed() else []
        project = _parsed(usual)
        outcome = _outcome(dbtRunner(project, callbacks), words)
    full = disk_full(str(outcome.exception))
    if full is not None:
        raise full from outcome.exception
    if outcome.exception is not None or outcome.result is None:
        todo = "run again with ASSAY_DEBUG=1 to see where"
        raise BuildError("dbt could not run", value=outcome.exception, todo=todo) from outcome.exception
    return [_result(one, project) for one in outcome.result.results]  # type: ignore[union-attr]


def _outcome(runner: dbtRunner, words: Sequence[str]) -> dbtRunnerResult:
    """Return what dbt says of one command; an interrupt, which it takes for one more failure, stays an interrupt."""
    outcome = runner.invoke(list(words))
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise outcome.exception
    return outcome


def _result(result: RunResult, project: Manifest | None) -> NodeResult:
    node: Any = result.node
    kind, failures, message = node.resource_type.value, result.failures or 0, result.message or ""
    about, is_gate, sql = node, True, ""
    if kind == "test" and project is not None:
        about = project.nodes.get(node.attached_node or "") or _tested_source(node, project) or node
        is_gate = str(node.config.severity).lower() != "warn"
        if failures:
            sql, message = node.compiled_code or "", node.description or message
    seconds = round(result.execution_time, 3)
    table = f"{about.schema}.{getattr(about, 'identifier', about.name)}"
    return NodeResult(node.name, kind, str(result.status), failures, seconds, message, table, is_gate, sql)


def _tested_source(node: GenericTestNode, project: Manifest) -> SourceDefinition | None:
    """Return the source that a test is of: dbt notes only of models which one it is among those that are looked at."""
    metadata: TestMetadata | None = node.test_metadata  # a test that is a file of SQL has none
    words = str(metadata.kwargs.get("model", "")) if metadata else ""
    looked_at = (project.sources.get(one) for one in node.depends_on.nodes)
    return next((one for one in looked_at if one and f"'{one.name}'" in words), None)


@contextlib.contextmanager
def connected() -> Iterator[None]:
    """Let the runs of the block share one connection to the lake, and close it after them.

    dbt itself keeps it for as long as the process lives. But DuckDB and DuckLake remember every file and every snapshot
    that a connection has seen and forget them only with it: what refreshes every minute would grow without end.
    """
    try:
        yield
    finally:
        _disconnect()


def _disconnect() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415
    from dbt.adapters.factory import reset_adapters  # noqa: PLC0415

    reset_adapters()  # type: ignore[no-untyped-call]
    environment = DuckDBConnectionManager._ENV  # nothing public closes it at once
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if environment is not None:
        environment.close()


def prepare(workspace: Workspace) -> None:
    """Read the project, so that what dbt keeps of it is in the home's cache for the next process."""
    with _environment(workspace):
        _parsed(_usual_options(workspace))


def generate_docs(workspace: Workspace, folder: Path) -> Path:
    """Let dbt write its documentation as one page, with the columns that the lake has; return where it is.

    Raises
    ------
    BuildError
        If dbt cannot.
    """
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    check_extensions(workspace.home)
    usual = [word for word in _usual_options(workspace) if word != "--no-write-json"]
    usual[usual.index("--target-path") + 1] = str(folder)
    with _environment(workspace):
        outcome = _outcome(dbtRunner(), ["docs", "generate", "--static", *usual])
    page = folder / "static_index.html"
    if outcome.exception is not None or not page.exists():
        todo = "run again with ASSAY_DEBUG=1 to see where"
        raise BuildError("dbt could not write its docs", value=outcome.exception, todo=todo) from outcome.exception
    return page


def _usual_options(workspace: Workspace) -> list[str]:
    project = str(definitions.dbt_project())
    cache = workspace.home.cache / "dbt"
    places = ["--project-dir", project, "--profiles-dir", project, "--target-path", str(cache / "target")]
    quiet = ["--log-path", str(cache / "logs"), "--log-level", "none", "--log-level-file", "none", "--no-use-colors"]
    # Nobody reads its files here, and writing them costs as much as a model.
    return [*places, *quiet, "--no-write-json"]


_projects: dict[tuple[tuple[str, int], ...], Manifest] = {}


def _parsed(words: Sequence[str]) -> Manifest | None:
    """Return the project as dbt reads it, once for each state of its files; None if it cannot, which the run then says.

    Reading takes seconds, and is the same for every home and both runs of a refresh: nothing in a parsed project
    depends on the profile.
    """
    from dbt.cli.main import dbtRunner  # noqa: PLC0415
    from dbt.contracts.graph.manifest import Manifest as Parsed  # noqa: PLC0415

    files = [path for path in sorted(definitions.dbt_project().rglob("*")) if path.suffix in (".sql", ".yml")]
    state = tuple((str(path), path.stat().st_mtime_ns) for path in files)
    if state not in _projects:
        # With the profile's own defaults, so that what dbt keeps of it in the cache is good for any other home as well.
        with _variables(dict.fromkeys(name for name in os.environ if name.startswith(_PREFIXES))):
            found = _outcome(dbtRunner(), ["parse", *words]).result
        if not isinstance(found, Parsed):
            return None
        _projects.clear()
        _projects[state] = found
    return _projects[state]


_POINTS = {"SQLCommit": Point.MODEL_WRITTEN, "NodeFinished": Point.MODEL_DONE}


def _reached(event: EventMsg) -> None:
    """Take an event of dbt for the point that it stands for."""
    if event.info.name in _POINTS:
        reached(_POINTS[event.info.name])


def _now(workspace: Workspace) -> str:
    """Return the time of the home, as a test of recency takes it; empty if no time passes there."""
    remembered = read_time(workspace.home)
    return "" if remembered is not None and not remembered.is_running else workspace.clock.now().isoformat()


@contextlib.contextmanager
def _environment(workspace: Workspace) -> Iterator[None]:
    """Give dbt's profile its values for the block; it takes them from the environment only."""
    home, lake = workspace.home, workspace.settings.lake
    # An empty password in a secret would keep libpq from looking for one in the environment.
    password = home.postgres.password or os.environ.get("PGPASSWORD", "") if home.postgres else ""
    values = {
        "DBT_ASSAY_TARGET": ("postgres" if home.postgres else "local") + ("_s3" if home.places.needs_s3 else ""),
        "DBT_ASSAY_CATALOG": home.postgres.options if home.postgres else str(home.catalog),
        "DBT_ASSAY_SCHEMA": home.places.catalog_schema,
        "DBT_ENV_SECRET_ASSAY_PASSWORD": password,
        **{f"DBT_ENV_SECRET_ASSAY_S3_{name.upper()}": text for name, text in s3_secret(home.places.s3).items()},
        "DBT_ASSAY_DATA": home.tables_at,
        "DBT_ASSAY_BRONZE": home.bronze_at,
        "DBT_ASSAY_EXTENSIONS": str(home.extensions),
        "DBT_ASSAY_CHECKED": "true",
        "DBT_ASSAY_SPILL": str(home.cache / "spill"),
        "DBT_ASSAY_THREADS": str(lake.threads),
        "DBT_ASSAY_MEMORY": lake.memory_limit,
        "DBT_ASSAY_NOW": _now(workspace),
        "DBT_ASSAY_EVERY": f"{parse_duration(workspace.settings.ingest.every).total_seconds():.0f}",
        "DO_NOT_TRACK": "1",
    }
    with _variables(values):
        yield


_PREFIXES = ("DBT_ASSAY_", "DBT_ENV_SECRET_ASSAY_")


@contextlib.contextmanager
def _variables(values: Mapping[str, str | None]) -> Iterator[None]:
    """Set variables of the environment for the block; None takes one away."""
    before = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
