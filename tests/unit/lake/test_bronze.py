"""A batch is its origin and its bytes; it is there whole, once, and explains itself."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from assay.domain.errors import HomeError, StorageError
from assay.lake import bronze
from assay.lake.bronze import BatchHeader, BatchRange, batch_id, write_batch

FETCHED = datetime(2025, 6, 1, 12, tzinfo=UTC)
OPENED = datetime(2024, 1, 1, tzinfo=UTC)
BODY = b"1704067200000,42283.58\n"
ROWS = pl.DataFrame(
    {
        "market": "spot",
        "symbol": ["BTC-USDT", "ETH-USDT", "BTC-USDT"],
        "interval": "1h",
        "open_time": [OPENED + timedelta(hours=hour) for hour in (5, 0, 2)],
        "close": [1.5, 2.5, 3.5],
    }
)
QUARANTINED = pl.DataFrame({"row_number": [7], "cause": ["close is NaN"]})
HEADER = BatchHeader(
    batch_id="00ff",
    dataset="klines",
    venue="binance",
    endpoint="import",
    parameters={"file": "naïve.csv"},
    known_at=FETCHED,
    body_sha256=hashlib.sha256(BODY).hexdigest(),
    content_format="csv",
    counts={"accepted": 3},
    ranges=bronze.ranges_of(ROWS),
)


def write(root: Path, header: BatchHeader = HEADER, quarantined: pl.DataFrame = QUARANTINED) -> bool:
    return write_batch(root, header, body=BODY, rows=ROWS, quarantined=quarantined)


def test_ranges_have_first_and_last_of_each_series() -> None:
    assert HEADER.ranges == (
        BatchRange("spot", "BTC-USDT", "1h", OPENED + timedelta(hours=2), OPENED + timedelta(hours=5), 2),
        BatchRange("spot", "ETH-USDT", "1h", OPENED, OPENED, 1),
    )


def test_the_id_depends_on_everything_but_the_order_of_parameters() -> None:
    def identity(venue: str = "binance", slot: str = "", sha: str = "a", **parameters: str) -> str:
        return batch_id(venue, "klines", parameters, slot=slot, body_sha256=sha)

    assert identity(a="1", b="2") == identity(b="2", a="1")
    different = [identity(), identity(a="1"), identity(slot="x"), identity(sha="b"), identity(venue="bybit")]
    assert len(set(different)) == len(different)


def test_a_batch_is_written_once_on_whatever_day_it_comes_again(tmp_path: Path) -> None:
    assert write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert not write(tmp_path, replace(HEADER, known_at=FETCHED + timedelta(days=3)))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_body_header_and_rows_come_back_as_they_were(tmp_path: Path) -> None:
    write(tmp_path)
    path = bronze.find_batch(tmp_path, HEADER)
    assert path == tmp_path / "klines" / "venue=binance" / "known_date=2025-06-01" / "00ff.parquet"
    assert bronze.read_header(path) == HEADER
    assert bronze.read_body(tmp_path, HEADER) == BODY
    assert pl.read_parquet(path).equals(ROWS)
    assert pl.read_parquet(tmp_path / "quarantine" / path.relative_to(tmp_path / "klines")).equals(QUARANTINED)


def test_extreme_values_of_every_type_come_back_to_the_bit(tmp_path: Path) -> None:
    extreme = [0.1, -0.0, float("nan"), float("inf"), 5e-324, 1.7976931348623157e308, None]
    whole = [0, -1, 2**63 - 1, -(2**63), 1, None, 7]
    moments = [OPENED, None, datetime(1970, 1, 1, tzinfo=UTC), *[OPENED + timedelta(microseconds=n) for n in range(4)]]
    rows = pl.DataFrame(
        {
            "price": extreme,
            "count": whole,
            "open_time": moments,
            "symbol": ["BTC-USDT", "", None, "naïve", "a" * 300, "x", "x"],
            "is_provisional": [True, False, None, True, True, False, None],
            "levels": [[1.5, None], [], None, [0.1], [float("nan")], [2.0], [-0.0]],
            "nothing": [None] * 7,
        },
        schema_overrides={"nothing": pl.String(), "open_time": pl.Datetime("us", "UTC")},
    )
    for name, height in (("some", 7), ("none", 0)):
        path = tmp_path / f"{name}.parquet"
        path.write_bytes(bronze.to_parquet(rows.head(height), HEADER))
        assert bronze.read_header(path) == HEADER
        assert pl.read_parquet(path).equals(rows.head(height))
        with duckdb.connect() as connection:
            found = connection.execute("select * from read_parquet(?)", [str(path)]).pl()
        assert found.equals(rows.head(height).cast(found.schema))
        assert [struct.pack("<d", one) for one in found["price"].drop_nulls()] == [
            struct.pack("<d", one) for one in rows["price"].head(height).drop_nulls()
        ]


def test_what_was_asked_comes_back_as_it_was(tmp_path: Path) -> None:
    runs = ((OPENED, OPENED + timedelta(hours=2)), (OPENED + timedelta(hours=3), OPENED + timedelta(hours=6)))
    asked = bronze.AskedRange("spot", "BTC-USDT", "1h", OPENED, OPENED + timedelta(hours=9), runs)
    header = replace(HEADER, asked=(asked, replace(asked, symbol="ETH-USDT", complete=())), slot="2025-06-01T12:00")
    write(tmp_path, header)
    path = bronze.find_batch(tmp_path, header)
    assert path
    assert bronze.read_header(path) == header


def test_a_header_from_before_questions_were_kept_can_be_read() -> None:
    fields = json.loads(HEADER.to_json())
    del fields["asked"], fields["slot"]
    assert BatchHeader.from_json(json.dumps(fields).encode()) == HEADER


def test_without_bad_rows_there_is_no_quarantine(tmp_path: Path) -> None:
    write(tmp_path, quarantined=QUARANTINED.clear())
    assert not (tmp_path / "quarantine").exists()


def test_only_committed_batches_of_a_day_are_listed(tmp_path: Path) -> None:
    write(tmp_path)
    ((day, _),) = bronze.partitions(tmp_path, "klines")
    (tmp_path / day / ".half.parquet").write_bytes(b"")
    (tmp_path / day / "11ee.body.csv.zst").write_bytes(b"")  # its writer was killed before the commit
    assert [path.name for path in bronze.committed(tmp_path, day)] == ["00ff.parquet"]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 and more than that PAR1", b"\0" * 500])
def test_a_damaged_batch_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.parquet"
    path.write_bytes(content)
    with pytest.raises(HomeError, match=r"a batch of bronze is damaged: .*damaged\.parquet"):
        bronze.read_header(path)


def test_a_parquet_file_of_somebody_else_is_no_batch(tmp_path: Path) -> None:
    ROWS.write_parquet(tmp_path / "theirs.parquet")
    with pytest.raises(HomeError, match="a batch of bronze is damaged"):
        bronze.read_header(tmp_path / "theirs.parquet")


def test_a_batch_that_is_gone_is_the_disks_refusal(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        bronze.read_header(tmp_path / "gone.parquet")
