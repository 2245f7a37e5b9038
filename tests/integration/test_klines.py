"""Klines for people: the frame, the file, and the way back from the file into another lake."""

from __future__ import annotations

from pathlib import Path

import pytest

import assay
from assay.domain.errors import HomeError, NoDataError
from assay.pipelines.building import build
from assay.pipelines.workspace import Workspace
from tests.integration.conftest import NOW, bring_in, hashes, open_frozen
from tests.made_klines import HEADER, hourly, write_csv

ROWS = hourly(80, holes=((30, 35),))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("klines")
    opened = open_frozen(folder / "home", NOW)
    bring_in(opened, write_csv(folder / "a.csv", ROWS), recorded_at=NOW)
    build(opened)
    return opened


def test_s10_get_klines_reads_the_lake_by_any_spelling(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(workspace.home.root))
    frame = assay.get_klines("btcusdt", "1h", start="2024-01-01T03:00", end="2024-01-02T12:00")
    # From 03:00 to before 12:00 of the next day are 33 hours; hours 30 to 34 are missing, of which 30-34 lie inside.
    assert frame["open_time"].to_list() == [row.open_time for row in ROWS if 3 <= _hour(row.open_time) < 36]
    assert frame["close"].to_list() == [row.close for row in ROWS if 3 <= _hour(row.open_time) < 36]
    with pytest.raises(NoDataError, match="no series"):
        assay.get_klines("ETHUSDT")
    with pytest.raises(NoDataError, match="no bars"):
        assay.get_klines("BTCUSDT", start="2030-01-01")


def test_s10_the_csv_has_the_twelve_fields_and_imports_to_the_same_lake(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(workspace.home.root))
    path = assay.save_klines_to_csv("BTCUSDT", "1h", folder=tmp_path)
    assert path.name == "BTCUSDT_1h.csv"
    lines = path.read_text().splitlines()
    assert lines[0] == HEADER
    assert len(lines) == 1 + len(ROWS)
    assert lines[1].split(",")[0] == "1704067200000"  # 2024-01-01 00:00 UTC
    assert lines[1].split(",")[6] == "1704070799999"  # the last millisecond of that hour
    other = open_frozen(tmp_path / "other", NOW)
    bring_in(other, path, recorded_at=NOW)
    build(other)
    assert hashes(other) == hashes(workspace)


def test_s10_the_csv_takes_a_range_and_a_point_of_view(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(workspace.home.root))
    folder = tmp_path / "other" / "folder"
    path = assay.save_klines_to_csv("BTC-USD", "1h", folder=folder, start="2024-01-01T03:00", end="2024-01-01T06:00")
    assert path == folder / "BTCUSDT_1h.csv"
    hours = [_hour(row.open_time) for row in ROWS]
    assert [line.split(",")[0] for line in path.read_text().splitlines()[1:]] == [
        f"{round(ROWS[hours.index(hour)].open_time.timestamp() * 1000)}" for hour in (3, 4, 5)
    ]
    frame = assay.get_klines("BTCUSDT", available_at="2024-01-01T05:30", as_of=NOW)
    assert [_hour(one) for one in frame["open_time"]] == [0, 1, 2, 3, 4]
    with pytest.raises(NoDataError, match="no bars"):
        assay.save_klines_to_csv("BTCUSDT", as_of="2020-01-01", folder=folder)
    with pytest.raises(TypeError, match="asof"):
        assay.get_klines("BTCUSDT", asof="2020-01-01")  # type: ignore[call-arg]


def test_a_home_that_is_not_there_is_not_made_by_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(HomeError, match="no Assay home"):
        assay.get_klines("BTCUSDT")
    assert not (tmp_path / "nowhere").exists()


def _hour(moment: object) -> int:
    from tests.made_klines import START

    return int((moment - START).total_seconds() // 3600)  # type: ignore[operator]
