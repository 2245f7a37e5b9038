"""Backups of a home while everything goes on, and homes made from them again.

The order makes a backup consistent: first the catalogue as it is at one moment, then the files that it names, which
never change and stay for a while after nobody names them, then bronze, trials and models, which only grow: what is in
the catalogue is in that bronze too. Kept backtests come last. Everything that can be made again, such as caches, is
left out, and so are secrets.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from assay.domain.clock import Clock, SystemClock
from assay.domain.errors import BadInputError, HomeError
from assay.lake import backup, content
from assay.lake.backtest_runs import FOLDER as BACKTESTS
from assay.lake.backup import Manifest
from assay.lake.bronze import QUARANTINE
from assay.lake.bronze_store import LocalBronze, batches_of
from assay.lake.catalog import is_made
from assay.lake.folders import Folder, folder_at
from assay.lake.home import FORMAT, Home, home_format
from assay.lake.sqlite_copy import copy_sqlite
from assay.lake.storage import storage_errors
from assay.pipelines.building import build
from assay.pipelines.workspace import Workspace, open_workspace, places_of
from assay.settings import Settings, secret_keys

_ACCOUNTS, _SETTINGS = "app.sqlite3", "assay.yaml"
_SMALL = ("assay-home.json", "origin.txt", "clock.json", "demo.json", "lake/tests.json")
_LAKE = "lake/"
_DOCUMENTS = (
    "models/*/*/history/*", "models/*/*/tests/*", "models/*/*/versions/*", "models/*/*/artefacts/*",
    "trials/*/*.tried.json", "trials/*/" + "[0-9a-f]" * 16 + ".json",
)  # fmt: skip
Progress = Callable[[int, int], None]


def _silent(_more_done: int, _more_to_do: int) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class BackupResult:
    """What a backup holds: its name, its files and their size, and how many of both were not in an earlier one."""

    name: str
    files: int
    bytes: int
    new_files: int
    new_bytes: int


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What was restored: from which backup, how many files, and the content hash of silver and gold, if there are."""

    name: str
    home: str
    files: int
    bytes: int
    is_rebuilt: bool
    content_hash: str


def back_up(
    workspace: Workspace, to: str, *, machine: Clock | None = None, progress: Progress = _silent
) -> BackupResult:
    """Back a home up to a folder or an object store; what is there from earlier backups is not written again.

    Parameters
    ----------
    workspace : Workspace
    to : str
        A directory outside of the home, or ``s3://bucket/prefix``.
    machine : Clock, optional
        Gives the backup its name; the machine's own if none is given.
    progress : callable
        Told how many more files were looked at, and 0.

    Raises
    ------
    BadInputError
        If a part of the home lies elsewhere, or the directory is in the home.
    HomeError, StorageError
        If a file goes away meanwhile, or one of the places refuses; the target has no new backup then.
    """
    home = workspace.home
    _check_whole(home)
    target = folder_at(to, home.places.s3)
    if "://" not in to and home.root.resolve() in (path := Path(to).expanduser().resolve(), *path.parents):
        raise BadInputError(
            "a backup in the home it is of would be lost with it", value=to, todo="choose another place"
        )
    before, moment = backup.read_manifest(target), (machine or SystemClock()).now()
    found, new_files, new_bytes = [], 0, 0
    with tempfile.TemporaryDirectory(prefix="assay-backup-") as scratch:
        for one, is_new in backup.put_files(target, _sources(workspace, Path(scratch)), before, told=progress):
            found.append(one)
            new_files, new_bytes = new_files + is_new, new_bytes + is_new * one.bytes
    manifest = Manifest(moment.isoformat(), home_format(home), tuple(sorted(found, key=lambda one: one.name)))
    backup.put_manifest(target, manifest)
    return BackupResult(manifest.name, len(found), sum(one.bytes for one in found), new_files, new_bytes)


def restore(settings: Settings, source: str, *, at: str = "", rebuild: bool = False,
            progress: Progress = _silent, say: Callable[[str], None] = lambda _: None) -> RestoreResult:  # fmt: skip
    """Make the home that the settings name from a backup, whole or not at all.

    Parameters
    ----------
    settings : Settings
        Their home must not be there yet, or be empty.
    source : str
        Where the backup is.
    at : str, default ""
        The name of a backup; the latest if empty.
    rebuild : bool, default False
        Leave the tables of the backup out and make silver and gold from its bronze. What was foretold then is not
        there any more.

    Raises
    ------
    BadInputError
        If there is no whole backup, or a file of it is missing or damaged: the error names it.
    HomeError
        If the home is not empty.
    """
    places = places_of(settings)
    _check_whole(Home(settings.home, places))
    folder, root = folder_at(source, places.s3), settings.home
    manifest = _manifest(folder, source, at)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        todo = "name a home that is not there yet, with --home in front of the command"
        raise HomeError("a backup is only restored to an empty home", value=root, todo=todo)
    files = [one for one in manifest.files if not (rebuild and one.name.startswith(_LAKE))]
    say("checking every file of the backup")
    backup.check_files(folder, files, told=progress)
    say("writing the home")
    beside = root.with_name(f".{root.name}.restoring-{uuid.uuid4().hex[:8]}")
    backup.put_back(folder, files, beside, told=progress)
    with storage_errors(root):
        for missing in ("bronze", "lake/data", "runs", "cache/duckdb"):
            (beside / missing).mkdir(parents=True, exist_ok=True)
        beside.replace(root)  # a home that is not whole never has the name of one
    workspace = open_workspace(settings, say=say, create=False)
    if rebuild:
        build(workspace)
    digest = ""
    if is_made(workspace.home):
        with workspace.lake() as lake:
            digest = content.content_hash(lake, (*content.SILVER, *content.GOLD))
    return RestoreResult(manifest.name, str(root), len(files), sum(one.bytes for one in files), rebuild, digest)


def _manifest(folder: Folder, source: str, at: str) -> Manifest:
    manifest = backup.read_manifest(folder, at)
    if manifest is None:
        todo = "a backup that was stopped before its end has no manifest; run `assay backup` again"
        raise BadInputError("there is no whole backup", value=f"{source} {at}".strip(), todo=todo)
    if manifest.home_format > FORMAT:
        todo = f"this Assay reads formats up to {FORMAT}; use the program that made it"
        raise BadInputError("the backup is of a home of another format", value=manifest.home_format, todo=todo)
    return manifest


def _check_whole(home: Home) -> None:
    places = home.places
    if places.bronze or places.tables or places.catalog:
        todo = (
            "back the bucket and the database up by their own means; `assay rebuild` makes silver and gold from bronze"
        )
        raise BadInputError(
            "a backup is of a home in which everything lies, and parts of this one lie elsewhere", todo=todo
        )


def _sources(workspace: Workspace, scratch: Path) -> Iterator[tuple[str, Path | bytes]]:
    """Yield everything that belongs to a backup, in the order that makes it consistent."""
    home = workspace.home
    named: set[str] = set()
    if is_made(home):
        named = {path.rpartition("/")[2] for path in copy_sqlite(home.catalog, scratch / "catalog")}
        yield "lake/catalog.sqlite", scratch / "catalog"
        yield from _named(home, named)
    if (home.root / _ACCOUNTS).exists():
        copy_sqlite(home.root / _ACCOUNTS, scratch / _ACCOUNTS)
        yield _ACCOUNTS, scratch / _ACCOUNTS
    yield from _bronze(home)
    yield from _documents(home)
    yield from _backtests(home)
    for name in _SMALL:
        if (home.root / name).exists():
            yield name, home.root / name
    for note in sorted(home.runs.glob("*.json")):
        yield f"runs/{note.name}", _body(note)
    if (home.root / _SETTINGS).exists():
        yield _SETTINGS, _without_secrets(home.root / _SETTINGS)


def _named(home: Home, names: set[str]) -> Iterator[tuple[str, Path]]:
    """Yield the files that the catalogue names, all of them."""
    found = {path.name: path for path in home.tables.rglob("*.parquet")}
    for name in sorted(names):
        path = found.get(name)
        if path is None:
            todo = "run `assay build --full-refresh`, or the same command again if the lake was being written to"
            raise HomeError("a file that the catalogue names is not there", value=name, todo=todo)
        yield path.relative_to(home.root).as_posix(), path


def _bronze(home: Home) -> Iterator[tuple[str, Path]]:
    """Yield the batches committed by now, each with all that belongs to it and from where it is read."""
    # The file that commits a batch or a pack comes last: whatever belongs to those listed first is listed afterwards.
    store = LocalBronze(home.bronze)
    days = [day for day, _ in store.days() if not day.startswith(f"{QUARANTINE}/")]
    commits = [
        (day, path) for day in days for path in sorted({Path(str(one)) for one in batches_of(store, day).values()})
    ]
    stems = {(day.partition("/")[2], path.stem) for day, path in commits}
    read = {path for _, path in commits}
    for path in _files(home.bronze):
        parts = path.relative_to(home.bronze).parts
        belongs = ("/".join(parts[1:3]), path.name.partition(".")[0])
        if path not in read and belongs in stems:
            yield path.relative_to(home.root).as_posix(), path
    for _, path in commits:
        yield path.relative_to(home.root).as_posix(), path


def _documents(home: Home) -> Iterator[tuple[str, Path]]:
    """Yield trials and models: what names others is listed before them, so that all it names is there."""
    for pattern in _DOCUMENTS:
        found = sorted(path for path in home.root.glob(pattern) if not path.name.startswith("."))
        for path in found:
            yield path.relative_to(home.root).as_posix(), path


def _backtests(home: Home) -> Iterator[tuple[str, Path]]:
    """Yield kept backtests, the parts of each before what names them: a run that is removed meanwhile is left out."""
    runs = sorted(home.root.glob(f"{BACKTESTS}/runs/[!.]*.json"))
    for path in (*sorted(home.root.glob(f"{BACKTESTS}/parts/*/*/[!.]*")), *runs):
        yield path.relative_to(home.root).as_posix(), path


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if not path.name.startswith(".") and path.is_file())


def _body(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # notes of runs are forgotten while newer ones come
        return b"{}"


def _without_secrets(path: Path) -> bytes:
    """Return the settings of the home without the values that nobody else may know."""
    with storage_errors(path):
        document = yaml.safe_load(path.read_bytes())
    if not isinstance(document, dict):
        return b""
    return yaml.safe_dump(_cleared(document, set(secret_keys())), sort_keys=False).encode()


def _cleared(values: dict[str, object], secrets: set[str], above: str = "") -> dict[str, object]:
    kept: dict[str, object] = {}
    for name, value in values.items():
        key = f"{above}{name}"
        if key not in secrets:
            kept[name] = _cleared(value, secrets, f"{key}.") if isinstance(value, dict) else value
    return kept
