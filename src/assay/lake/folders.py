"""A folder to write results to, on a disk or in an object store: files that are replaced in one step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assay.lake.places import S3Access, S3Url, is_s3
from assay.lake.s3 import S3Folder
from assay.lake.storage import storage_errors, write_atomically


class Folder(Protocol):
    """Where files are written by name; StorageError if it refuses."""

    def put(self, name: str, body: bytes) -> None:
        """Create or replace a file in one step."""
        ...

    def get(self, name: str) -> bytes:
        """Return a file; FileNotFoundError if there is none."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder on a disk."""

    root: Path

    def put(self, name: str, body: bytes) -> None:
        """Create or replace a file in one step."""
        write_atomically(self.root / name, body)

    def get(self, name: str) -> bytes:
        """Return a file; FileNotFoundError if there is none."""
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            raise
        except OSError:
            with storage_errors(self.root / name):
                raise

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with storage_errors(self.root / name):
            (self.root / name).unlink(missing_ok=True)


def folder_at(place: str, access: S3Access) -> Folder:
    """Return the folder at a path or at ``s3://bucket/prefix``.

    Raises
    ------
    BadInputError
        If it begins like an address and is none.
    SettingsError
        If it is in an object store, and there are no keys for it or a package is missing.
    """
    if is_s3(place):
        access.check()
        return S3Folder(S3Url.parse(place), access)
    return LocalFolder(Path(place).expanduser().absolute())
