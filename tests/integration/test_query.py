"""`assay query` reads the lake and nothing else, and writes nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.pipelines.building import build
from assay.pipelines.workspace import Workspace
from assay.selectors.query import query
from tests.integration.conftest import NOW, MakeWorkspace, bring_in, open_frozen
from tests.made_klines import hourly, write_csv


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("query")
    opened = open_frozen(folder / "home", NOW)
    bring_in(opened, write_csv(folder / "a.csv", hourly(100)))
    build(opened)
    return opened


def _fingerprint(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix not in (".sqlite-wal", ".sqlite-shm"):
            digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()


def test_a_select_over_every_schema_answers(workspace: Workspace) -> None:
    assert query(workspace, "select count(*) from silver.crypto_prices_cleaned").item() == 100
    assert query(workspace, "select sum(bars)::int from gold.daily_crypto_metrics").item() == 99
    assert query(workspace, "from bronze.batches select accepted").item() == 100
    assert query(workspace, "with a as (select 1 as x) select x from a").item() == 1
    assert query(workspace, "select sum(n)::int from range(4) as numbers(n)").item() == 6
    assert query(workspace, "describe silver.kline_revisions").height > 10
    assert query(workspace, "select max(open_time) from silver.technical_indicators").item() is not None


@pytest.mark.parametrize(
    "sql",
    [
        "insert into silver.crypto_prices_cleaned select * from silver.crypto_prices_cleaned",
        "delete from silver.crypto_prices_cleaned",
        "drop view silver.crypto_prices_cleaned",
        "create table silver.mine as select 1",
        "copy (select 1) to '{home}/lake/data/out.csv'",
        "copy silver.crypto_prices_cleaned to '{home}/out.parquet'",
        "export database '{home}/out'",
        "attach '{home}/other.db'",
        "attach '{home}/lake/catalog.sqlite' as c (type sqlite)",
        "install httpfs",
        "load httpfs",
        "set memory_limit = '100GB'",
        "reset lock_configuration",
        "pragma memory_limit = '100GB'",
        "call ducklake_expire_snapshots('lake')",
        "select 1; drop view silver.crypto_prices_cleaned",
        "",
        "   ;  ",
        "-- nothing",
        "selec 1",
        "select * from nowhere.nothing",
        "select nothing from silver.crypto_prices_cleaned",
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from read_text('/etc/passwd')",
        "select * from read_blob('{home}/assay-home.json')",
        "select * from glob('/etc/*')",
        "select * from sqlite_scan('{home}/lake/catalog.sqlite', 'ducklake_table')",
        "select * from ducklake_table_insertions('lake', 'silver', 'kline_revisions', 0, 99)",
        "select * from duckdb_secrets()",
        "select * from query('select * from lake.silver.kline_revisions')",
        "select * from query_table('lake.silver.kline_revisions')",
        "explain analyze delete from silver.crypto_prices_cleaned",
        "select getenv('HOME')",
    ],
)
def test_everything_else_is_refused_in_one_line_and_changes_no_file(workspace: Workspace, sql: str) -> None:
    before = _fingerprint(workspace.home.root)
    with pytest.raises(BadInputError) as caught:
        query(workspace, sql.format(home=workspace.home.root))
    assert "\n" not in str(caught.value)
    assert _fingerprint(workspace.home.root) == before


def test_a_table_without_a_past_is_named_and_not_said_to_be_missing(workspace: Workspace) -> None:
    asked = "with a as (select * from {0}) select count(*) from a join silver.crypto_prices_cleaned on true"
    for table in ("quality.test_results", "Quality.Failing_Rows", "bronze.batch_ranges"):
        assert query(workspace, asked.format(table)).item() >= 0
        for moment in ({"as_of": NOW}, {"available_at": NOW}):
            with pytest.raises(NoDataError, match=f"cannot be seen as of a moment: '{table.lower()}'; ask without"):
                query(workspace, asked.format(table), **moment)
    with pytest.raises(BadInputError, match="does not exist"):
        query(workspace, "select * from quality.nothing", as_of=NOW)


def test_a_lake_that_was_never_built_says_what_to_do(make_workspace: MakeWorkspace) -> None:
    with pytest.raises(NoDataError, match="assay build"):
        query(make_workspace("empty"), "select 1")
