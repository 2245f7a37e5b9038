"""What the integration tests share: a home of their own, and the hash of what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assay.domain.clock import FrozenClock
from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake import content
from assay.lake.recordings import RecordingSpec
from assay.pipelines.building import build
from assay.pipelines.importing import Imported, import_file
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import LakeSettings, Settings
from tests.integration.command import Command
from tests.integration.homes import KERNELS, folder_of_run, made_once, share_caches
from tests.made_klines import hourly, write_csv

NOW = datetime(2025, 6, 1, tzinfo=UTC)
ROWS = hourly(100)
MakeWorkspace = Callable[..., Workspace]


@pytest.fixture(scope="session", autouse=True)
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let homes share their compiled kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KERNELS, str(folder_of_run(tmp_path_factory) / "kernels"))
        yield


@pytest.fixture
def make_workspace(tmp_path: Path) -> MakeWorkspace:
    """Return a function that opens a home of the given name with a clock that stands still."""

    def make(name: str = "home", *, threads: int = 1) -> Workspace:
        return open_frozen(tmp_path / name, NOW, threads=threads)

    return make


@pytest.fixture
def assay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command on a home that is not there yet."""
    return Command(capsys, tmp_path / "home")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a home of 100 hours that tests copy."""
    return made_once(tmp_path_factory, "built", _build)


def _build(folder: Path) -> Path:
    workspace = open_frozen(folder / "home", NOW)
    bring_in(workspace, write_csv(folder / "a.csv", ROWS), recorded_at=NOW)
    build(workspace)
    return workspace.home.root


def open_frozen(home: Path, moment: datetime, *, threads: int = 1) -> Workspace:
    """Return a workspace whose clock stands still."""
    settings = Settings(home=home, lake=LakeSettings(threads=threads))
    workspace = open_workspace(settings, clock=FrozenClock(moment))
    share_caches(home)
    return workspace


def at(workspace: Workspace, moment: datetime) -> Workspace:
    """Return the workspace with its clock set to `moment`."""
    return Workspace(workspace.settings, workspace.home, FrozenClock(moment))


def bring_in(
    workspace: Workspace, file: Path, symbol: str = "BTC-USDT", *, recorded_at: datetime | None = None, **more: str
) -> Imported:
    """Import one hourly file."""
    spec = RecordingSpec(
        more.get("venue", "binance"),
        Market.parse(more.get("market", "spot")),
        Interval.parse(more.get("interval", "1h")),
        Symbol.parse(symbol),
        recorded_at=recorded_at,
    )
    return import_file(workspace, file, spec)


def hashes(workspace: Workspace) -> tuple[str, str]:
    """Return the content hashes of silver and gold."""
    with workspace.lake() as lake:
        return content.content_hash(lake, content.SILVER), content.content_hash(lake, content.GOLD)
