"""The drill: a home in use is backed up, destroyed, restored, and says what it said; nothing damaged is restored."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from assay.domain.errors import BadInputError, HomeError
from assay.lake.backup import read_manifest
from assay.lake.folders import LocalFolder
from assay.pipelines.backing_up import back_up, restore
from assay.pipelines.building import build
from assay.pipelines.maintaining import maintain
from assay.pipelines.workspace import Workspace
from assay.settings import LakeSettings, Settings
from assay.web.configure import configure, migrate
from tests.integration.command import Command, clone
from tests.integration.conftest import open_frozen
from tests.integration.polling import QUESTIONS, Poller
from tests.integration.site_home import NOW, SECOND, site_home
from tests.integration.test_maintain import machine, moments_of, said, use_up

PASSWORD = "correct horse battery staple"  # of an account in a test


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup that was taken while writers wrote, and what the home said when it was begun."""

    home: Path
    folder: Path
    key: str
    said: tuple[str, list[object]]
    moments: list[datetime]


class Writers:
    """One writer of bronze and one of the tables, at work for a block."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.polls = self.commits = 0
        self._is_over = threading.Event()
        self._begun = threading.Barrier(3)
        self._threads = [threading.Thread(target=one) for one in (self._poll, self._commit)]
        self.errors: list[BaseException] = []

    def _poll(self) -> None:
        poller = Poller(self.workspace.home.bronze)
        while not self._is_over.is_set():
            for request in QUESTIONS:
                moment = SECOND + timedelta(minutes=15 * (self.polls + 1))
                poller.keep(request, at=moment + timedelta(seconds=5), slot=moment)
            self.polls += 1
            self._pause(self.polls)

    def _commit(self) -> None:
        while not self._is_over.is_set():
            use_up(self.workspace, 1)
            self.commits += 1
            self._pause(self.commits)

    def _pause(self, count: int) -> None:
        if count == 1:
            self._begun.wait(timeout=600)

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        self._begun.wait(timeout=600)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Back a home with accounts up while it is written to, and destroy it."""
    folder = tmp_path_factory.mktemp("backup")
    root = clone(site_home(tmp_path_factory).workspace.home.root, folder / "home")
    workspace = open_frozen(root, NOW)
    (root / "assay.yaml").write_text("lake: {threads: 1}\nserve: {port: 8123, secret_key: do-not-tell-anybody-this}\n")
    key = _make_accounts(workspace)
    moments = moments_of(workspace)
    before = said(workspace, moments)
    with Writers(workspace) as writers:
        back_up(workspace, str(folder / "kept"))
        done, at_end = back_up(workspace, str(folder / "kept")), writers.polls
    assert done.files > done.new_files
    assert at_end >= 1
    assert writers.commits >= 1
    shutil.rmtree(root)
    return Kept(root, folder / "kept", key, before, moments)


def _make_accounts(workspace: Workspace) -> str:
    """Make a user and a key; return the key."""
    configure(workspace)
    migrate()
    from assay.appdb.accounts import make_user  # Django has its settings by now
    from assay.appdb.keys import create_key

    make_user("ada", PASSWORD, is_staff=False)
    return create_key("a notebook", NOW)[0]


def settings_of(home: Path) -> Settings:
    return Settings(home=home, lake=LakeSettings(threads=1))


@pytest.fixture(scope="module")
def restored(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a home that was restored elsewhere."""
    home = tmp_path_factory.mktemp("restored") / "new" / "home"
    restore(settings_of(home), str(kept.folder))
    return open_frozen(home, NOW)


def test_restored_home_says_what_the_destroyed_one_said(kept: Kept, restored: Workspace) -> None:
    assert not kept.home.exists()
    assert said(restored, kept.moments) == kept.said


def test_accounts_and_keys_are_there_and_secrets_are_not(kept: Kept, restored: Workspace) -> None:
    assert not (restored.home.root / "secret.key").exists()
    configure(restored)
    from django.contrib.auth import authenticate

    from assay.appdb.keys import find_key

    assert authenticate(username="ada", password=PASSWORD) is not None
    assert authenticate(username="ada", password="wrong") is None
    found = find_key(kept.key, NOW)
    assert found is not None
    assert found.name == "a notebook"
    assert (restored.home.root / "app.sqlite3").stat().st_mode & 0o077 == 0
    assert "8123" in (restored.home.root / "assay.yaml").read_text()
    everything = b"".join(path.read_bytes() for path in kept.folder.rglob("*") if path.is_file())
    assert b"do-not-tell-anybody-this" not in everything


def test_restored_home_is_worked_with(kept: Kept, restored: Workspace, tmp_path: Path) -> None:
    workspace = open_frozen(clone(restored.home.root, tmp_path / "home"), NOW)
    assert build(workspace).new_batches > 0  # what was polled while the backup was taken
    assert said(workspace, kept.moments)[1] == kept.said[1]
    maintain(workspace, machine=machine(timedelta(days=2)))
    assert said(workspace, kept.moments)[1] == kept.said[1]


def test_silver_and_gold_can_be_made_from_bronze_alone(kept: Kept, tmp_path: Path) -> None:
    copy = tmp_path / "kept"
    shutil.copytree(kept.folder, copy)
    manifest = read_manifest(LocalFolder(copy))
    assert manifest is not None
    lost = [one for one in manifest.files if one.name.startswith("lake/data/")]
    for one in lost:
        (copy / "objects" / one.sha256[:2] / one.sha256).unlink(missing_ok=True)
    with pytest.raises(BadInputError, match="is missing"):
        restore(settings_of(tmp_path / "home"), str(copy))
    done = restore(settings_of(tmp_path / "home"), str(copy), rebuild=True)
    assert done.is_rebuilt
    workspace = open_frozen(tmp_path / "home", NOW)
    assert said(workspace, kept.moments)[1] == kept.said[1]


@pytest.mark.parametrize("name", ["bronze/", "lake/catalog.sqlite", "lake/data/", "app.sqlite3"])
def test_damaged_file_is_named_and_nothing_is_restored(kept: Kept, tmp_path: Path, name: str) -> None:
    manifest = read_manifest(LocalFolder(kept.folder))
    assert manifest is not None
    one = next(one for one in manifest.files if one.name.startswith(name))
    path = kept.folder / "objects" / one.sha256[:2] / one.sha256
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        with pytest.raises(BadInputError, match="damaged") as raised:
            restore(settings_of(tmp_path / "home"), str(kept.folder))
    finally:
        path.write_bytes(whole)
    assert raised.value.value == one.name
    assert list(tmp_path.iterdir()) == []


def test_backup_without_its_end_is_none(kept: Kept, tmp_path: Path) -> None:
    shutil.copytree(kept.folder / "objects", tmp_path / "half" / "objects")
    with pytest.raises(BadInputError, match="no whole backup"):
        restore(settings_of(tmp_path / "home"), str(tmp_path / "half"))
    for damaged in (b"", b"{}", b"0" * 64 + b"\n{}", (kept.folder / "latest.json").read_bytes()[:-1]):
        (tmp_path / "half" / "latest.json").write_bytes(damaged)
        with pytest.raises(BadInputError, match="manifest of the backup is damaged"):
            restore(settings_of(tmp_path / "home"), str(tmp_path / "half"))


def test_home_with_something_in_it_is_left_alone(kept: Kept, restored: Workspace, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mine.txt").write_text("keep")
    for home in (tmp_path / "home", restored.home.root):
        with pytest.raises(HomeError, match="only restored to an empty home"):
            restore(settings_of(home), str(kept.folder))
    assert (tmp_path / "home" / "mine.txt").read_text() == "keep"


def test_next_backup_writes_only_what_is_new_and_older_ones_stay(
    restored: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = clone(restored.home.root, tmp_path / "home")
    assay = Command(capsys, home)
    first = assay("backup", tmp_path / "kept", "--json")
    assert first.code == 0, first.err
    again = assay("backup", tmp_path / "kept", "--json").document
    assert (again["new_files"], again["new_bytes"]) == (0, 0)
    assert assay("backup", home / "inside").is_one_line()
    into = Command(capsys, tmp_path / "third")
    done = into("restore", tmp_path / "kept", "--at", first.document["name"], "--json")
    assert done.code == 0, done.err
    assert into("restore", tmp_path / "kept", "--at", "20000101T000000Z").is_one_line()
