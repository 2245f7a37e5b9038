"""The same answers give the same polled tables, in however many builds and in whatever order they are found."""

from __future__ import annotations

import json
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.domain.errors import BadInputError
from assay.lake import bronze
from assay.pipelines.building import build
from assay.pipelines.workspace import Workspace
from assay.selectors.query import query
from tests.integration.conftest import NOW, hashes, open_frozen
from tests.integration.polling import RUPEE_TICKERS, TICKERS, Poller

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
SLOTS = [NOON + number * timedelta(minutes=15) for number in range(5)]


def meddled(body: bytes) -> bytes:
    """Return the answer with another volume in every row, and its first row twice."""
    rows = json.loads(body)
    return json.dumps([rows[0], *({**row, "volume": "1"} for row in rows)]).encode()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bronze.BatchHeader]]:
    """Return the bronze of five slots, the fourth of which was asked twice, and its batches."""
    root = tmp_path_factory.mktemp("answers") / "bronze"
    poller = Poller(root)
    headers = [header for slot in SLOTS for header in poller.poll(slot)]
    again = SLOTS[3] + timedelta(seconds=40)
    headers += [poller.keep(one, at=again, slot=SLOTS[3], change=meddled) for one in (TICKERS, RUPEE_TICKERS)]
    return root, headers


def give(workspace: Workspace, root: Path, header: bronze.BatchHeader) -> None:
    """Copy the files of a batch into a home."""
    for path in root.rglob(f"{header.batch_id}*"):
        target = workspace.home.bronze / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def test_five_slots_at_once_and_shuffled_over_several_builds_are_one_lake(
    tmp_path: Path, answers: tuple[Path, list[bronze.BatchHeader]]
) -> None:
    root, headers = answers
    at_once = open_frozen(tmp_path / "at_once", NOW, threads=2)
    for header in headers:
        give(at_once, root, header)
    build(at_once)
    expected = hashes(at_once)
    shuffled = list(headers)
    random.Random(1).shuffle(shuffled)
    workspace = open_frozen(tmp_path / "shuffled", NOW)
    for start in range(0, len(shuffled), 21):
        for header in shuffled[start : start + 21]:
            give(workspace, root, header)
        build(workspace)
    assert hashes(workspace) == expected
    build(workspace, full_refresh=True)
    assert hashes(workspace) == expected
    held = "select count(*), count(distinct (batch_id, row_number)), count(*) filter (where is_repeated) "
    total, distinct, repeated = query(workspace, held + "from silver.ticker_observations").row(0)
    assert total == query(workspace, "select sum(rows_read)::int from bronze.batches where dataset = 'tickers'").item()
    assert total == distinct
    # The second answers of the fourth slot, with one row twice, say nothing of what was known already.
    assert repeated == sum(header.counts["rows_read"] for header in headers[-2:])


def test_polled_tables_are_made_with_the_first_polled_batch(tmp_path: Path) -> None:
    workspace = open_frozen(tmp_path / "home", NOW)
    poller = Poller(workspace.home.bronze)
    poller.klines(NOON - timedelta(hours=3), NOON, at=NOON)
    assert build(workspace).new_batches == 1
    with pytest.raises(BadInputError, match="ticker_observations"):
        query(workspace, "select * from silver.ticker_observations")
    poller.poll(SLOTS[0])
    build(workspace)
    assert query(workspace, "select count(*) from gold.crypto_market").item() == 100
    expected = hashes(workspace)
    build(workspace, full_refresh=True)
    assert hashes(workspace) == expected
