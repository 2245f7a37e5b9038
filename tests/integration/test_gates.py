"""A bad row that got past the import stops where it is: the layers after it stay, until it is mended."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.pipelines.building import build
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
        assert "test expression_holds_crypto_prices_cleaned" in said.err
        assert "failed on 1 rows" in said.err
        assert hashes(workspace)[1] == gold
        assert assay.rows(indicators) == newest
        assert assay("status", "--json").document["unpublished_batches"] == 1
    batch.write_bytes(right)
    assert assay("build", "--full-refresh").code == 0
    assert assay("status", "--json").document["unpublished_batches"] == 0
    mended = assay.rows("select high, low, close from silver.crypto_prices_cleaned order by open_time")
    assert [tuple(row.values()) for row in mended] == [(row.high, row.low, row.close) for row in ROWS]
    assert assay.rows("select sum(bars)::int as bars from gold.daily_crypto_metrics") == [{"bars": 150}]
