"""Documents that are written once and never changed, each under a seal: a damaged one is named, never skipped.

A document is one line with the SHA-256 of the rest, and JSON. It is created unless its name is taken, whole or not at
all, by any number of writers without a lock. It lies in the home, or beside bronze where that lies elsewhere, so that
homes that share their bronze share it as well.

>>> unseal("a.json", seal({"n": 1}))
{'n': 1}
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from assay.domain.errors import BadInputError, TerminalError
from assay.lake.folders import LocalFolder
from assay.lake.home import Home
from assay.lake.places import S3Url, is_s3
from assay.lake.s3 import S3Folder
from assay.lake.storage import storage_errors, write_if_absent

_DIGITS = 16
_TODO = "restore the home from a backup; nothing is counted or served by guessing what it said"


class DamagedError(TerminalError):
    """A file that never changes does not say any more what it said."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who did something, and when."""

    name: str
    at: datetime

    def __post_init__(self) -> None:
        if not self.name.strip() or self.at.tzinfo is None:
            todo = "give a name and a moment with its time zone"
            raise BadInputError("nobody, or at no moment", value=f"{self.name} {self.at}", todo=todo)

    def document(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {"by": self.name, "at": self.at.isoformat()}

    @classmethod
    def read(cls, document: Mapping[str, object]) -> Author:
        """Return what :meth:`document` said."""
        return cls(str(document["by"]), datetime.fromisoformat(str(document["at"])))


def damage(what: str, place: str) -> DamagedError:
    """Return the error that names a file which cannot be what was written."""
    return DamagedError(what, value=place, todo=_TODO)


class Documents(Hashable, Protocol):
    """Where documents lie, by names with slashes in them."""

    def create(self, name: str, body: bytes) -> bool:
        """Create a file whole unless the name is taken; return whether it was created."""
        ...

    def read(self, name: str) -> bytes:
        """Return a file; FileNotFoundError if there is none."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, or all files below a folder, if there is one; only of what could be made again."""
        ...

    def stamp(self, name: str) -> object:
        """Return what changes when a file does, at the cost of one look; None if there is none."""
        ...

    def names(self, below: str) -> list[str]:
        """Return the whole names of the files below a folder, sorted; unfinished ones are left out."""
        ...

    def place(self, name: str) -> str:
        """Return where a file is, for people."""
        ...


@dataclass(frozen=True, slots=True)
class LocalDocuments:
    """Documents below a directory."""

    root: Path

    def create(self, name: str, body: bytes) -> bool:
        """Create a file whole unless the name is taken; return whether it was created."""
        return write_if_absent(self.root / name, body)

    def read(self, name: str) -> bytes:
        """Return a file; FileNotFoundError if there is none."""
        return LocalFolder(self.root).get(name)

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it, if there is one."""
        path = self.root / name
        with storage_errors(path), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def stamp(self, name: str) -> object:
        """Return the file's number, size and time."""
        with storage_errors(self.root / name):
            try:
                found = (self.root / name).stat()
            except FileNotFoundError:
                return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def names(self, below: str) -> list[str]:
        """Return the whole names of the files below a folder, sorted."""
        with storage_errors(self.root / below):
            found = [path for path in (self.root / below).rglob("*") if not path.name.startswith(".")]
            return sorted(path.relative_to(self.root).as_posix() for path in found if path.is_file())

    def place(self, name: str) -> str:
        """Return the path."""
        return str(self.root / name)


@dataclass(frozen=True, slots=True)
class S3Documents:
    """Documents below a prefix of an object store, which has to refuse a PUT of a name that is taken."""

    folder: S3Folder

    def create(self, name: str, body: bytes) -> bool:
        """Create an object unless the name is taken; return whether it was created."""
        return self.folder.put_if_absent(name, body)

    def read(self, name: str) -> bytes:
        """Return an object; FileNotFoundError if there is none."""
        return self.folder.get(name)

    def remove(self, name: str) -> None:
        """Remove an object, and those below it, if there are any."""
        self.folder.remove_all([name, *(one.name for one in self.folder.names_below(name))])

    def stamp(self, name: str) -> object:
        """Return when it was written."""
        return self.folder.modified_at(name)

    def names(self, below: str) -> list[str]:
        """Return the whole names of the objects below a folder, sorted."""
        return sorted(one.name for one in self.folder.names_below(below))

    def place(self, name: str) -> str:
        """Return the address."""
        return f"{self.folder.url}/{name}"


def documents_of(home: Home) -> Documents:
    """Return where a home keeps its documents: in itself, or beside bronze if that lies elsewhere."""
    place = home.places.bronze
    if is_s3(place):
        return S3Documents(S3Folder(S3Url.parse(place), home.places.s3))
    return LocalDocuments(Path(place) if place else home.root)


def take_over(source: Documents, target: Documents, below: str) -> tuple[int, list[str]]:
    """Create the documents below a folder elsewhere too; again at no risk.

    Where something else has the name of one, what is there stays, and nothing that comes after it in its folder is
    taken over: it might go on from what is not there.

    Returns
    -------
    (int, list of str)
        How many were new there, and the names that were not taken over.
    """
    new, left, apart = 0, [], set()
    for name in source.names(below):
        body, folder = source.read(name), name.rpartition("/")[0]
        if folder in apart:
            left.append(name)
        elif target.create(name, body):
            new += 1
        elif target.read(name) != body:
            apart.add(folder)
            left.append(name)
    return new, left


def seal(document: Mapping[str, object]) -> bytes:
    """Return a document as the bytes of its file.

    Raises
    ------
    BadInputError
        If something in it is no JSON, such as NaN.
    """
    text = canonical(document).encode()
    return hashlib.sha256(text).hexdigest().encode() + b"\n" + text


def unseal(place: str, body: bytes) -> dict[str, object]:
    """Return what a file says.

    Raises
    ------
    DamagedError
        If it is not what was written; the error names `place`.
    """
    digest, _, text = body.partition(b"\n")
    try:
        document = json.loads(text) if digest == hashlib.sha256(text).hexdigest().encode() else None
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise damage("a file is damaged", place)
    return document


def read_sealed(documents: Documents, name: str, *, kind: str, version: int) -> dict[str, object]:
    """Return what a document says, if it is of that kind and version.

    Raises
    ------
    DamagedError
        If it is not what was written, of another kind, or not there.
    BadInputError
        If a newer program wrote it.
    """
    place = documents.place(name)
    try:
        document = unseal(place, documents.read(name))
    except FileNotFoundError:
        raise damage("a file is missing", place) from None
    if document.get("kind") != kind:
        raise damage(f"a file is no {kind}", place)
    if document.get("format") != version:
        todo = f"this Assay reads format {version} of it; use the program that wrote it"
        raise BadInputError(f"a {kind} of another format", value=place, todo=todo)
    return document


def canonical(value: object) -> str:
    """Return the one text of a JSON value: sorted keys, no blanks; a float that is a whole number is that number.

    >>> canonical({"b": 1.0, "a": [True, 0.5, None]})
    '{"a":[true,0.5,null],"b":1}'

    Raises
    ------
    BadInputError
        If it is none, such as NaN.
    """
    try:
        return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInputError("not a value of JSON", value=error, todo="give finite numbers, texts and lists") from None


def identity(value: object) -> str:
    """Return 16 hexadecimal digits of a JSON value, the same for equal values.

    >>> identity({"depth": 15}) == identity({"depth": 15.0})
    True
    """
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:_DIGITS]


def _plain(value: object) -> object:
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    # What has an `item` is a number of NumPy; what is left is JSON's to take or to refuse.
    return _plain(value.item()) if hasattr(value, "item") else value
