"""Tables of gold that Python writes are tested by `assay build` like those of dbt, and each test can fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from assay.domain.errors import BuildError
from assay.lake.build_tests import sample_of
from assay.pipelines import reconciling
from assay.pipelines.building import BuildResult, build
from assay.pipelines.dbt import NodeResult, connected, run_dbt
from assay.pipelines.workspace import Workspace
from tests.integration.command import clone
from tests.integration.conftest import NOW, bring_in, open_frozen
from tests.made_klines import Row, hourly, write_csv

COUNT, FIRST = 200, 150
HERE = "open_time = (select max(open_time) - interval {0} hours from lake.{1})"


PRICES, SOURCES, TRUST = "gold.consensus_prices", "gold.source_deviations", "gold.source_trust"
BROKEN = (
    f"update lake.{PRICES} set status = 'odd' where {HERE.format(1, PRICES)}",
    f"update lake.{PRICES} set price = -1 where {HERE.format(2, PRICES)}",
    f"update lake.{PRICES} set price = null where {HERE.format(3, PRICES)}",
    f"update lake.{PRICES} set sources = 1 where {HERE.format(4, PRICES)}",
    f"update lake.{PRICES} set spread_bps = null where {HERE.format(5, PRICES)}",
    f"update lake.{PRICES} set known_at = null where {HERE.format(6, PRICES)}",
    f"insert into lake.{PRICES} select * from lake.{PRICES} where {HERE.format(9, PRICES)}",
    f"delete from lake.{PRICES} where {HERE.format(10, PRICES)}",
    f"update lake.{SOURCES} set reason = 'odd', is_flagged = true, weight = 0 where {HERE.format(1, SOURCES)}",
    f"update lake.{SOURCES} set is_flagged = true where {HERE.format(2, SOURCES)}",
    f"update lake.{SOURCES} set weight = 1.5 where {HERE.format(3, SOURCES)}",
    f"update lake.{SOURCES} set close = null where {HERE.format(4, SOURCES)}",
    f"update lake.{SOURCES} set premium_bps = 2 where {HERE.format(5, SOURCES)}",
    f"update lake.{SOURCES} set close = -1 where {HERE.format(6, SOURCES)}",
    f"insert into lake.{SOURCES} select * from lake.{SOURCES} where {HERE.format(7, SOURCES)}",
    f"update lake.{SOURCES} set close = close + 1 where {HERE.format(8, SOURCES)}",
    f"update lake.{TRUST} set trust = 2 where date = (select max(date) from lake.{TRUST})",
    f"update lake.{TRUST} set flagged = bars + 1 where date = (select max(date) - 1 from lake.{TRUST})",
    f"insert into lake.{TRUST} select * from lake.{TRUST} where date = (select max(date) - 2 from lake.{TRUST})",
    f"update lake.{TRUST} set venue = 'x' where date = (select min(date) from lake.{TRUST}) and venue = 'kraken'",
)
"""What may be wrong with the tables: each of the rules and relations broken in a row of its own."""


def kraken(first: int, last: int) -> list[Row]:
    """Return bars of another venue, a basis point dearer."""
    found = []
    for row in hourly(COUNT)[first:last]:
        prices = {name: getattr(row, name) * 1.0001 for name in ("open", "high", "low", "close")}
        found.append(replace(row, **prices))
    return found


def bring_both(workspace: Workspace, folder: Path, first: int, last: int) -> None:
    for venue, rows in (("binance", hourly(COUNT)[first:last]), ("kraken", kraken(first, last))):
        path = write_csv(folder / f"{venue}-{first}.csv", rows)
        bring_in(workspace, path, venue=venue, recorded_at=NOW)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BuildResult]:
    """Build a home with two sources of one price."""
    folder = tmp_path_factory.mktemp("python")
    workspace = open_frozen(folder / "home", NOW)
    bring_both(workspace, folder, 0, FIRST)
    return workspace.home.root, build(workspace)


@pytest.fixture
def workspace(base: tuple[Path, BuildResult], tmp_path: Path) -> Workspace:
    return open_frozen(clone(base[0], tmp_path / "home"), NOW)


def plant(workspace: Workspace, *statements: str) -> None:
    with workspace.writing(), workspace.lake(read_only=False) as lake:
        for one in statements:
            lake.execute(one)


def found_wrong(workspace: Workspace, *select: str) -> dict[str, NodeResult]:
    with connected():
        results = run_dbt(workspace, "test", select=select)
    return {one.name: one for one in results if one.failures}


def rules_broken(workspace: Workspace, result: NodeResult) -> list[str]:
    with workspace.lake() as lake:
        return sorted(str(row["broken_rules"]) for row in sample_of(lake, result.sql))


def test_a_build_tests_the_reconciled_tables(base: tuple[Path, BuildResult]) -> None:
    tested = {one.name: one.table for one in base[1].tests if one.status == "pass"}
    assert {name: table for name, table in tested.items() if "source_" in name or "consensus" in name} == {
        "grain_of_consensus_prices": "gold.consensus_prices",
        "rules_of_consensus_prices": "gold.consensus_prices",
        "grain_of_source_deviations": "gold.source_deviations",
        "rules_of_source_deviations": "gold.source_deviations",
        "consensus_of_source_deviations": "gold.source_deviations",
        "bar_of_source_deviations": "gold.source_deviations",
        "grain_of_source_trust": "gold.source_trust",
        "rules_of_source_trust": "gold.source_trust",
        "bars_of_source_trust": "gold.source_trust",
    }


def test_each_test_of_the_reconciled_tables_can_fail(workspace: Workspace) -> None:
    assert found_wrong(workspace, "source:gold_reconciliation") == {}
    plant(workspace, *BROKEN)
    wrong = found_wrong(workspace, "source:gold_reconciliation")
    assert {name: one.failures for name, one in wrong.items()} == {
        "grain_of_consensus_prices": 1,
        "rules_of_consensus_prices": 6,
        "grain_of_source_deviations": 2,
        "rules_of_source_deviations": 12,
        "consensus_of_source_deviations": 2,
        "bar_of_source_deviations": 4,
        "grain_of_source_trust": 2,
        "rules_of_source_trust": 4,
        "bars_of_source_trust": 1,
    }
    assert all(one.is_gate and not one.is_good for one in wrong.values())
    assert rules_broken(workspace, wrong["rules_of_consensus_prices"]) == [
        "a price is above zero",
        "it is dated",
        "several sources agree, and so they are apart by something",
        "the sources used are among those that have the bar",
        "the status has a name; several sources agree, and so they are apart by something",
        "there is a price unless the status says that there is none",
    ]
    assert rules_broken(workspace, wrong["rules_of_source_deviations"])[::2] == [
        "a price is above zero",
        "a source of the price itself has no premium",
        "a weight is from 0 to 1, and a bar without a price has none",
        "the reason has a name",
        "what is flagged has a reason, and no weight",
        "what is missing has no price",
    ]
    assert rules_broken(workspace, wrong["rules_of_source_trust"])[::2] == [
        "no more bars are flagged than there are",
        "trust and its parts are from 0 to 1; trust is the product of its parts",
    ]


def test_a_build_that_reconciles_wrongly_stops_before_its_batches_count(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = reconciling._consensus

    def wrong(*words: object) -> pl.DataFrame:
        return right(*words).with_columns(price=-pl.col("price"))  # type: ignore[arg-type]

    bring_both(workspace, tmp_path, FIRST, COUNT)
    with monkeypatch.context() as patched:
        patched.setattr(reconciling, "_consensus", wrong)
        with pytest.raises(BuildError, match="rules_of_consensus_prices failed .*a price is above zero"):
            build(workspace)
    assert build(workspace).new_batches == 2
    assert found_wrong(workspace, "source:gold_reconciliation") == {}
