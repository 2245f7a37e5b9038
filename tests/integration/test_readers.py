"""Readers that poll while the lake is built: never an error, never half a refresh."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from assay.pipelines.building import build
from assay.pipelines.workspace import Workspace
from tests.integration.command import PATIENCE_S
from tests.integration.conftest import MakeWorkspace, bring_in
from tests.made_klines import hourly, write_csv

READERS = 4
WAVE = 200

# One statement sees one snapshot: all of a refresh of this table, or nothing of it.
_SNAPSHOT = """
select count(*), count(distinct open_time), count(*) filter (where log_return is null),
    (select count(*) from lake.silver.technical_indicators)
from lake.silver.crypto_prices_cleaned
"""


def _poll(workspace: Workspace, stop: threading.Event, seen: list[tuple[int, ...]], errors: list[Exception]) -> None:
    try:
        with workspace.lake() as lake:
            while not stop.is_set():
                seen.append(lake.execute(_SNAPSHOT).fetchall()[0])
                stop.wait(0.25)
    except Exception as error:
        errors.append(error)


def _wait_for_reads(seen: list[list[tuple[int, ...]]], errors: list[Exception]) -> None:
    """Wait until each reader has read twice from now on: what was committed by now is in the second read."""
    wanted = [len(one) + 2 for one in seen]
    deadline = time.monotonic() + PATIENCE_S
    while not errors and any(len(one) < count for one, count in zip(seen, wanted, strict=True)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_four_readers_poll_during_builds_and_see_whole_refreshes_only(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    workspace = make_workspace()
    rows = hourly(3 * WAVE)
    bring_in(workspace, write_csv(tmp_path / "0.csv", rows[:WAVE]))
    build(workspace)
    stop, errors = threading.Event(), list[Exception]()
    seen: list[list[tuple[int, ...]]] = [[] for _ in range(READERS)]
    threads = [threading.Thread(target=_poll, args=(workspace, stop, one, errors)) for one in seen]
    for thread in threads:
        thread.start()
    try:
        _wait_for_reads(seen, errors)
        for wave in range(1, 3):
            bring_in(workspace, write_csv(tmp_path / f"{wave}.csv", rows[: (wave + 1) * WAVE]))
            build(workspace, full_refresh=wave == 2)
            _wait_for_reads(seen, errors)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert errors == []
    for one in seen:
        assert len(one) > 3
        counts = [row[0] for row in one]
        assert counts == sorted(counts)
        # Two bars have no return: the first of all, and the last one, which nothing shows to be finished.
        assert {row[:3] for row in one} <= {(n * WAVE, n * WAVE, 2) for n in range(1, 4)}
        assert {row[3] for row in one} <= {n * WAVE - 1 for n in range(1, 4)}
        assert set(counts) == {WAVE, 2 * WAVE, 3 * WAVE}
