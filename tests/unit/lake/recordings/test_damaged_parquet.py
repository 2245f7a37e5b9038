"""Damaged Parquet files are refused in one line: no panic of a library, and nothing of it on stderr."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.domain.errors import BadInputError
from assay.lake.recordings import read_recording
from tests.unit.lake.recordings.writing import HOUR_MS, START_MS, spec

COLUMNS: dict[str, object] = {
    "time": [START_MS + hour * HOUR_MS for hour in range(50)],
    "open": [10.0] * 50,
    "high": [12.0] * 50,
    "low": [9.0] * 50,
    "close": [11.0] * 50,
    "volume": [float(hour) for hour in range(50)],
    "symbol": ["BTCUSDT"] * 50,
}


def test_two_hundred_mutilated_files_are_read_or_refused_and_never_panic(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pl.DataFrame(COLUMNS).write_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    rng = random.Random(7)
    complaints: list[str] = []
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(rng.choice([1, 2, 5])):  # most of what can go wrong is in the footer
            content[rng.randrange(len(content) // 2, len(content))] = rng.randrange(256)
        file = tmp_path / "hurt.parquet"
        file.write_bytes(content)
        try:
            assert read_recording(file, spec()).report.is_balanced
        except BadInputError as error:
            complaints.append(str(error))
    assert 0 < len(complaints) < 200
    assert not any("\n" in complaint for complaint in complaints)
    assert capfd.readouterr().err == ""


def test_metadata_that_is_no_text_does_no_harm(tmp_path: Path) -> None:
    table = pa.table(COLUMNS).replace_schema_metadata({b"\xff\xfe": b"\xff"})
    pq.write_table(table, tmp_path / "a.parquet")
    assert read_recording(tmp_path / "a.parquet", spec()).report.accepted == 50


def test_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    offsets = pa.py_buffer(b"".join((7 * i).to_bytes(4, "little") for i in range(51)))
    symbols = pa.StringArray.from_buffers(50, offsets, pa.py_buffer(b"BTC\xffUSD" * 50))
    pq.write_table(pa.table({**COLUMNS, "symbol": symbols}), tmp_path / "a.parquet")
    with pytest.raises(BadInputError, match="not a readable Parquet file"):
        read_recording(tmp_path / "a.parquet", spec())


def test_a_year_that_python_does_not_have_is_quarantined(tmp_path: Path) -> None:
    moments = pa.array([START_MS, -(2**51), START_MS + HOUR_MS]).cast(pa.timestamp("ms"))
    table = pa.table({name: moments if name == "time" else values[:3] for name, values in _lists().items()})
    pq.write_table(table, tmp_path / "a.parquet")
    recording = read_recording(tmp_path / "a.parquet", spec())
    assert recording.report.accepted == 2
    assert recording.quarantined["cause"][0].startswith("open_time is not a time from 2009")


def _lists() -> dict[str, list[object]]:
    return {name: list(values) for name, values in COLUMNS.items() if isinstance(values, list)}
