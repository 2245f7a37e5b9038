"""What was set aside can be listed and found, and nothing that was not committed is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.lake.bronze import BatchHeader, write_batch
from assay.lake.quarantine import find_quarantined, quarantined_batches

RECEIVED = datetime(2025, 6, 1, 12, tzinfo=UTC)
HEADER = BatchHeader(
    batch_id="aa00",
    dataset="klines",
    venue="binance",
    endpoint="klines",
    parameters={"symbol": "BTCUSDT"},
    known_at=RECEIVED,
    body_sha256="",
    content_format="json",
    counts={"quarantined": 1},
    ranges=(),
)
ROWS = pl.DataFrame({"close": [1.0]})


def keep(root: Path, batch_id: str, *, bad: int = 1, **changes: object) -> None:
    header = replace(HEADER, batch_id=batch_id, **changes)  # type: ignore[arg-type]
    numbers = list(range(1, bad + 1))
    aside = pl.DataFrame(
        {
            "batch_id": [batch_id] * bad,
            "venue": [header.venue] * bad,
            "row_number": numbers,
            "cause": ["close is no number"] * bad,
            "raw": [f"row {number}" for number in numbers],
            "known_at": [header.known_at] * bad,
        }
    )
    write_batch(root, header, body=b"[]", rows=ROWS, quarantined=aside)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    keep(tmp_path, "aabbcc01")
    keep(tmp_path, "aabbcc02", venue="wazirx", known_at=RECEIVED + timedelta(minutes=5))
    keep(tmp_path, "dd000003", dataset="tickers", known_at=RECEIVED + timedelta(days=2), bad=2)
    keep(tmp_path, "ee000004", bad=0)
    return tmp_path


def ids(root: Path, **only: object) -> list[str]:
    return [one.header.batch_id for one in quarantined_batches(root, **only)]  # type: ignore[arg-type]


def test_the_latest_comes_first_whatever_venue_and_dataset(root: Path) -> None:
    assert ids(root) == ["dd000003", "aabbcc02", "aabbcc01"]
    assert ids(root, venue="wazirx") == ["aabbcc02"]
    assert ids(root, since=date(2025, 6, 2)) == ["dd000003"]


def test_rows_come_with_their_number_and_cause(root: Path) -> None:
    found = find_quarantined(root, "DD00000")
    assert found.header.dataset == "tickers"
    assert found.rows().rows() == [(1, "close is no number", "row 1"), (2, "close is no number", "row 2")]


def test_rows_of_a_batch_that_was_never_committed_are_not_shown(root: Path) -> None:
    (root / "klines" / "venue=binance" / "known_date=2025-06-01" / "aabbcc01.parquet").unlink()
    assert "aabbcc01" not in ids(root)
    with pytest.raises(NoDataError):
        find_quarantined(root, "aabbcc01")


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("aabbcc", BadInputError, "several batches begin like that"),
        ("*", BadInputError, "not the id of a batch"),
        ("../../x", BadInputError, "not the id of a batch"),
        ("abc", BadInputError, "at least its first six"),
        ("0123456789", NoDataError, "nothing of that batch was set aside"),
        ("ee000004", NoDataError, "nothing of that batch was set aside"),
    ],
)
def test_what_names_no_batch_is_said(root: Path, text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        find_quarantined(root, text)


def test_an_empty_home_has_nothing_set_aside(tmp_path: Path) -> None:
    assert ids(tmp_path) == []
