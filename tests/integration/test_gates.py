"""A bad row that got past the import stops where it is: the layers after it stay, until it is mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.pipelines.building import build
from assay.pipelines.workspace import Workspace
from assay.selectors.data_page import data_health
from tests.integration.command import Command
from tests.integration.conftest import NOW, bring_in, hashes, open_frozen
from tests.made_klines import hourly, write_csv

ROWS = hourly(150)


def _doctor(batch: Path, **values: float) -> None:
    """Change a row that no other batch has, as no import would let it pass; the header in the metadata stays."""
    table = pq.read_table(batch)
    for name, value in values.items():
        column = table[name].to_pylist()
        column[30] = value
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(column, pa.float64()))
    pq.write_table(table, batch)


def _told_everywhere(workspace: Workspace, assay: Command, tests: dict[str, Any]) -> None:
    """The row that broke the test is in the JSON and the text of `assay status`, and in what page and API show."""
    broken = tests["results"][0]
    assert (broken["name"], broken["table"], broken["status"]) == (
        "rules_of_kline_revisions", "silver.kline_revisions", "fail",
    )  # fmt: skip
    assert (broken["failures"], broken["is_gate"], tests["is_whole"]) == (1, True, False)
    (row,) = broken["sample"]
    moment = f"{ROWS[120].open_time:%Y-%m-%d %H:%M:%S}+00"
    assert (row["broken_rules"], row["open_time"]) == ("low and high are around open and close", moment)
    assert (row["high"], row["low"]) == ("1.0", "2.0")
    (told,) = assay.rows("select * from quality.test_results where status = 'fail'")
    assert (told["name"], told["table_name"], told["is_gate"], told["failures"]) == (
        "rules_of_kline_revisions", "silver.kline_revisions", True, 1,
    )  # fmt: skip
    # Of the failing rows SQL finds those that they are of in the table itself.
    assert assay.rows(
        "select failing.name, position, broken_rules, bar.high, bar.low from quality.failing_rows as failing "
        "join silver.kline_revisions as bar on bar.batch_id = (row_values->>'batch_id') "
        "and bar.open_time = (row_values->>'open_time')::timestamptz"
    ) == [
        {
            "name": "rules_of_kline_revisions", "position": 1, "broken_rules": row["broken_rules"],
            "high": 1.0, "low": 2.0,
        }
    ]  # fmt: skip
    text = assay("status").out
    assert "rules_of_kline_revisions  silver.kline_revisions  fail" in text
    assert f"open_time={moment}" in text
    shown = data_health(workspace).tests
    assert shown is not None
    assert shown.failed[0].sample == (row,)


def test_a_bad_row_keeps_gold_as_it_was_until_bronze_is_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = open_frozen(tmp_path / "home", NOW)
    assay = Command(capsys, workspace.home.root)
    bring_in(workspace, write_csv(tmp_path / "good.csv", ROWS[:100]), recorded_at=NOW)
    build(workspace)
    indicators = "select max(open_time) as newest from silver.technical_indicators"
    gold, newest = hashes(workspace)[1], assay.rows(indicators)
    bad = bring_in(workspace, write_csv(tmp_path / "bad.csv", ROWS[90:]), recorded_at=NOW)
    (batch,) = workspace.home.bronze.glob(f"klines/*/*/{bad.batch_id}.parquet")
    right = batch.read_bytes()
    _doctor(batch, high=1.0, low=2.0)
    for _ in range(2):  # the second time nothing is new, and it is still not let through
        said = assay("build")
        assert said.is_one_line(), said
        assert said.code == 1
        assert "test rules_of_kline_revisions failed on 1 rows: 'low and high are around open and close'" in said.err
        assert hashes(workspace)[1] == gold
        assert assay.rows(indicators) == newest
        assert assay("status", "--json").document["unpublished_batches"] == 1
    _told_everywhere(workspace, assay, assay("status", "--json").document["tests"])
    batch.write_bytes(right)
    assert assay("build", "--full-refresh").code == 0
    assert assay("status", "--json").document["unpublished_batches"] == 0
    assert assay.rows("select count(*)::int as n from quality.failing_rows") == [{"n": 0}]
    asked_then = assay("query", "select * from quality.test_results", "--as-of", NOW.isoformat())
    assert (asked_then.code, asked_then.is_one_line()) == (1, True), asked_then
    assert "this table cannot be seen as of a moment: 'quality.test_results'; ask without a moment" in asked_then.err
    mended = assay.rows("select high, low, close from silver.crypto_prices_cleaned order by open_time")
    assert [tuple(row.values()) for row in mended] == [(row.high, row.low, row.close) for row in ROWS]
    assert assay.rows("select sum(bars)::int as bars from gold.daily_crypto_metrics") == [{"bars": 150}]
