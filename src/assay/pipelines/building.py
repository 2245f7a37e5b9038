"""The refresh: bronze → revisions → silver → Steps → gold, for what is new, past every quality gate.

It can be stopped at any moment, by kill -9 too. Each layer commits its rows together with the note of what it took
in, and batches count as published only after the last gate, so the next refresh does again whatever was not done.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.domain.errors import BuildError, NoDataError, StorageError
from assay.domain.points import Point, reached
from assay.lake import bronze, definitions, manifest, prediction_tables, reads, reconciliation_tables, zones
from assay.lake.build_tests import BuildTests, TestResult, broken_rules, ordered, sample_of, write_build_tests
from assay.lake.storage import disk_full
from assay.pipelines import reconciling, steps
from assay.pipelines.dbt import NodeResult, connected, run_dbt
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

_SQL = "sql"
_STEPS = "steps"
_LAYERS = (
    "silver.kline_revisions", reads.CLEANED, *(table.name for table in steps.TABLES), "gold.daily_crypto_metrics",
)  # fmt: skip
_POLLED_LAYERS = (
    "silver.ticker_observations", "silver.coin_observations", "silver.order_books",
    "silver.trade_observations", "silver.inr_usd_rates",
    "gold.crypto_market",
)  # fmt: skip
COUNTED = (*_LAYERS, *_POLLED_LAYERS, "silver.kline_defects", "silver.quarantined_rows")

_TAGS = {
    "klines": frozenset({bronze.KLINES}),
    "polled": frozenset({"tickers", "coin_markets", "order_books", "trades"}),
    "funding": frozenset({"funding_rates"}),
    "coin_history": frozenset({"coin_history"}),
    "instruments": frozenset({"instruments"}),
}
"""Tags of the dbt models, and the datasets without which models of the tag have nothing to do."""


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a refresh did.

    Attributes
    ----------
    new_batches : int
        Batches of bronze that are published now and were not before.
    zones : int
        Ranges of open times that were computed again.
    is_full_refresh : bool
        Whether everything was made anew.
    reason : str
        Why, if it was.
    tests : list of NodeResult
        The quality tests, all of them good.
    seconds : dict
        Time of each phase.
    """

    new_batches: int = 0
    zones: int = 0
    is_full_refresh: bool = False
    reason: str = ""
    tests: list[NodeResult] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


class _Phases:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def done(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = round(now - self._last, 3)
        self._last = now


def build(workspace: Workspace, *, full_refresh: bool = False) -> BuildResult:
    """Bring silver and gold up to what bronze holds.

    Parameters
    ----------
    workspace : Workspace
    full_refresh : bool, default False
        Make everything anew from bronze. Done by itself when the definitions have changed.

    Raises
    ------
    BuildError
        If a model or a quality test fails; the layers after it are left as they were, and the batches are tried
        again by the next refresh.
    NoDataError
        If nothing was ever imported.
    LakeBusyError, StorageError
        If another process is writing, or the disk refuses.
    """
    phases = _Phases()
    # One connection for all that dbt does not do: a new one takes as long as all its statements.
    with workspace.writing(), workspace.lake(read_only=False) as lake:
        plan = _plan(workspace, lake, full_refresh=full_refresh)
        phases.done("plan")
        if not plan.batches and not plan.everything:
            return BuildResult(seconds=phases.seconds)
        what = f"everything ({plan.reason})" if plan.everything else f"{len(plan.batches)} new batches"
        workspace.say(f"building {what}")
        with connected():
            tests = _make_layers(workspace, lake, plan, phases)
        made_by = {_SQL: definitions.definitions_hash(), _STEPS: steps.definitions()}
        manifest.publish(lake, plan.batches, made_by, tested=_found_good(lake, tests))
        phases.done("publish")
    return BuildResult(len(plan.batches), len(plan.zones), plan.everything, plan.reason, tests, phases.seconds)


def _make_layers(
    workspace: Workspace, lake: duckdb.DuckDBPyConnection, plan: _Plan, phases: _Phases
) -> list[NodeResult]:
    """Make silver, the tables of the Steps and gold, each past the gate before it; return the tests, all good."""
    results = run_dbt(workspace, "build", select=_SILVER, options=[*plan.options, *_CAUTIOUS])
    tests = _gate(workspace, lake, results, is_last=not plan.tags)
    reached(Point.SILVER_DONE)
    phases.done("silver")
    if "klines" in plan.tags:
        workspace.say("computing indicators")
        steps.refresh(workspace, lake, plan.zones, everything=plan.everything)
        reached(Point.STEPS_DONE)
        phases.done("steps")
        reconciling.refresh(workspace, lake, plan.zones, everything=plan.everything)
        phases.done("reconciliation")
    if plan.tags:
        workspace.say("building gold")
        select = [*plan.gold, *_written_by_python(lake, plan.tags)]
        results = run_dbt(workspace, "build", select=select, options=plan.options)
        tests = _gate(workspace, lake, results, before=tests)
        reached(Point.GOLD_DONE)
        phases.done("gold")
    return tests


def _written_by_python(lake: duckdb.DuckDBPyConnection, tags: frozenset[str]) -> list[str]:
    """Return the tables of gold that dbt does not make but tests, as far as they are there and there is news of them.

    They come with the first price that has two sources, and with the first prediction.
    """
    found = []
    if "klines" in tags:
        if reconciliation_tables.is_made(lake):
            found.append("source:gold_reconciliation")
        if manifest.has_table(lake, prediction_tables.PREDICTIONS):
            found.append("source:gold_predictions")
    return found


def _found_good(lake: duckdb.DuckDBPyConnection, tests: Sequence[NodeResult]) -> dict[str, datetime]:
    """Return until when forecasts are known to be good; of none if a test found something, to look at them again."""
    about = [one for one in tests if one.table == prediction_tables.PREDICTIONS]
    if not about or any(one.failures for one in about):
        return {}
    newest = prediction_tables.newest(lake)
    return {} if newest is None else {prediction_tables.PREDICTIONS: newest}


_SILVER = ("path:models/bronze", "path:models/silver", "answers_are_recent")
# Silver's own tests only: those that also look at the Steps' tables wait for the Steps.
_CAUTIOUS = ("--indirect-selection", "cautious")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a refresh has to do: new batches, zones of bars, why everything if so, and the models that are concerned."""

    batches: list[str] = field(default_factory=list)
    zones: list[zones.Zone] = field(default_factory=list)
    reason: str = ""
    tags: frozenset[str] = frozenset(_TAGS)

    @property
    def everything(self) -> bool:
        """Whether all tables are made anew."""
        return bool(self.reason)

    @property
    def options(self) -> list[str]:
        """What dbt is told besides the layer."""
        idle = [f"tag:{tag}" for tag in sorted(_TAGS.keys() - self.tags)]
        everything = ["--full-refresh"] if self.everything else []
        # Unit tests are about the SQL and not about the data: `make test` runs them.
        return [*everything, "--exclude-resource-type", "unit_test", *(["--exclude", *idle] if idle else [])]

    @property
    def gold(self) -> list[str]:
        """What belongs to gold, and the tests of the Steps' tables, which are due when the Steps are done."""
        return ["path:models/gold", *(["source:silver_steps"] if "klines" in self.tags else [])]


def _plan(workspace: Workspace, lake: duckdb.DuckDBPyConnection, *, full_refresh: bool) -> _Plan:
    manifest.prepare(lake)
    manifest.register(lake, workspace.home.bronze_store, everything=full_refresh)
    reason = "asked for" if full_refresh else ""
    if manifest.definition_changed(lake, _SQL, definitions.definitions_hash()):
        reason = reason or "the SQL definitions have changed"
    if manifest.definition_changed(lake, _STEPS, steps.definitions()):
        reason = reason or "the indicators have changed"
    todo = manifest.pending(lake)
    if not todo and not reason:
        if not manifest.holds_batches(lake):
            raise NoDataError(
                "there is nothing to build",
                value=workspace.home.root,
                todo="run `assay ingest` or `assay import` first",
            )
        return _Plan()
    gone = manifest.absent(lake, workspace.home.bronze_store, todo)
    if gone:
        advice = "import the recording again and run `assay build --full-refresh`"
        raise BuildError(f"{len(gone)} batches of bronze are gone", value=gone[0], todo=advice)
    # Tables of polled answers are made with the first of them; until then nobody pays for them.
    if reason or not manifest.has_definition(lake, _SQL):
        news = manifest.datasets_of(lake) | {bronze.KLINES}
        news |= _TAGS["polled"] if manifest.has_table(lake, _POLLED_LAYERS[0]) else set()
    else:
        news = manifest.datasets_of(lake, todo)
    tags = frozenset(tag for tag, datasets in _TAGS.items() if datasets & news)
    return _Plan(todo, zones.plan_zones(lake, todo, everything=bool(reason)), reason, tags)


def _gate(
    workspace: Workspace,
    lake: duckdb.DuckDBPyConnection,
    results: Sequence[NodeResult],
    *,
    before: Sequence[NodeResult] = (),
    is_last: bool = True,
) -> list[NodeResult]:
    """Note the tests among the results for people to look at, and return them with those `before`; or go no further."""
    told = [_told(lake, one) for one in [*before, *results] if one.kind == "test" or not one.is_good]
    is_whole = is_last and all(one.is_good for one in told)
    with contextlib.suppress(StorageError):  # a full disk is the build's own to say
        write_build_tests(workspace.home, BuildTests(workspace.clock.now(), is_whole, ordered(told)))
    bad = [one for one in told if not one.is_good and one.status != "skipped"]
    if bad:
        first = bad[0]
        full = disk_full(first.message)
        if full is not None:
            raise full
        what = f"the {first.kind} {first.name} failed" + (f" on {first.failures} rows" if first.failures else "")
        todo = "the layers after it were left as they were; mend the cause and run `assay build` again"
        raise BuildError(what, value=first.message or None, todo=todo)
    return [*before, *(one for one in results if one.kind == "test")]


def _told(lake: duckdb.DuckDBPyConnection, result: NodeResult) -> TestResult:
    """Return what people are told of a result: if a test found something, some of the rows as well."""
    sample = sample_of(lake, result.sql) if result.sql else ()
    # dbt's first words say again which model it was; what is wrong comes after them.
    reason = re.sub(r"^.*? in (model|test) \S+ \(\S+\)\s+", "", " ".join(result.message.split()))
    message = broken_rules(sample) or reason
    return TestResult(
        result.name, result.kind, result.status, result.failures,
        "" if result.is_good and not sample else message, result.table, result.is_gate, sample,
    )  # fmt: skip
