"""A backup: every file of a home once, under the hash of what is in it, and a manifest that names them all.

Layout: ``objects/<first two digits>/<sha256>``, ``backups/<moment>.json`` and ``latest.json``. A manifest is written
last, so that a backup that has one is whole; it begins with its own hash. A file that an earlier backup has is not
written again. Nothing in a backup is ever changed, but ``latest.json``, which is replaced in one step.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from assay.domain.errors import BadInputError, HomeError, StorageError
from assay.lake.folders import Folder
from assay.lake.storage import storage_errors

FORMAT = 1
LATEST = "latest.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PRIVATE = 0o600
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BackedUp:
    """One file of a backup: its name below the home, the hash of what is in it, and its size."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes
    ----------
    created_at : str
        When it was begun, UTC; also its name, without what a file's name cannot have.
    home_format : int
        The format of the home.
    files : tuple of BackedUp
        By name.
    """

    created_at: str
    home_format: int
    files: tuple[BackedUp, ...]

    @property
    def name(self) -> str:
        """The name of the backup, such as ``20260601T120000Z``."""
        return re.sub(r"[-:]|\..*|\+.*", "", self.created_at) + "Z"


def put_files(
    target: Folder, sources: Iterable[tuple[str, Path | bytes]], before: Manifest | None, *, told: Told
) -> Iterator[tuple[BackedUp, bool]]:
    """Write what the target lacks; yield of each file what became of it, and whether it was written.

    Parameters
    ----------
    target : Folder
    sources : iterable of (str, Path or bytes)
        Names below the home, and where each is, or what is in it. A file that is gone by then is left out if it is a
        body, which may be past its time, or of a kept backtest, which anybody may remove; any other is an error.
    before : Manifest or None
        The last backup of the same home: its files that never change are not read again, which are those of bronze, of
        the tables, of trials, of models and of backtests.
    told : callable
        Told of each file that it was looked at, and 0.

    Raises
    ------
    HomeError
        If a file that belongs to the backup is gone.
    StorageError
        If either place refuses.
    """
    known = {one.name: one for one in before.files} if before else {}
    written = {one.sha256 for one in known.values()}
    for name, source in sources:
        told(1, 0)
        old = known.get(name)
        if old and isinstance(source, Path) and _never_changes(name) and _size(source) == old.bytes:
            yield old, False
            continue
        try:
            with storage_errors(source if isinstance(source, Path) else name):
                body = source.read_bytes() if isinstance(source, Path) else source
        except StorageError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            if ".body." in name or name.startswith("backtests/"):
                continue
            todo = "run the same command again; raise lake.keep_snapshots if this keeps happening"
            raise HomeError("a file went away while it was backed up", value=name, todo=todo) from error
        digest = hashlib.sha256(body).hexdigest()
        is_new = digest not in written
        if is_new:
            target.put(_object(digest), body)
            written.add(digest)
        yield BackedUp(name, digest, len(body)), is_new


def put_manifest(target: Folder, manifest: Manifest) -> None:
    """Write the manifest of a backup whose files are all there: from now on it is one."""
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, sort_keys=True).encode()
    sealed = hashlib.sha256(text).hexdigest().encode() + b"\n" + text
    target.put(f"backups/{manifest.name}.json", sealed)
    target.put(LATEST, sealed)


def read_manifest(source: Folder, name: str = "") -> Manifest | None:
    """Return the manifest of the latest backup, or of the one of that name; None if there is none.

    Raises
    ------
    BadInputError
        If it is damaged, or of another version of the format.
    """
    file = f"backups/{name}.json" if name else LATEST
    try:
        seal, _, text = source.get(file).partition(b"\n")
    except FileNotFoundError:
        return None
    if seal != hashlib.sha256(text).hexdigest().encode():
        raise BadInputError("the manifest of the backup is damaged", value=file, todo="take another backup of it")
    fields = json.loads(text)
    if fields.pop("format") != FORMAT:
        todo = "use the program that made it, or a newer one"
        raise BadInputError("the backup is of another version", value=file, todo=todo)
    return Manifest(**fields | {"files": tuple(BackedUp(**one) for one in fields["files"])})


def check_files(source: Folder, files: Iterable[BackedUp], *, told: Told) -> None:
    """Read every file of a backup, and hold it against its hash.

    Raises
    ------
    BadInputError
        If a file is missing or damaged; the error names it.
    """
    for one in files:
        _get(source, one)
        told(1, 0)


def put_back(source: Folder, files: Iterable[BackedUp], root: Path, *, told: Told) -> None:
    """Write the files below a directory, each held against its hash once more, and flush them to the disk."""
    for one in files:
        body, path = _get(source, one), root / one.name
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Accounts are nobody's business but the owner's.
            mode = _PRIVATE if one.name.endswith(".sqlite3") else 0o644
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        told(1, 0)


def _get(source: Folder, one: BackedUp) -> bytes:
    parts = PurePosixPath(one.name).parts
    if not _SHA256.fullmatch(one.sha256) or not parts or parts[0] == "/" or ".." in parts:
        raise BadInputError("the manifest of the backup names no file of a home", value=one.name)
    todo = "restore an older backup with --at, or make silver and gold from bronze with --rebuild if it is below lake/"
    try:
        body = source.get(_object(one.sha256))
    except FileNotFoundError:
        raise BadInputError("a file of the backup is missing", value=one.name, todo=todo) from None
    if hashlib.sha256(body).hexdigest() != one.sha256:
        raise BadInputError("a file of the backup is damaged", value=one.name, todo=todo)
    return body


def _object(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"


def _never_changes(name: str) -> bool:
    return name.startswith(("bronze/", "lake/data/", "trials/", "models/", "backtests/"))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
