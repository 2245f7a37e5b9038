"""``ASSAY_HOME``: one directory that holds everything, with a format version that says who may touch it.

A home is made in an empty or absent directory. A directory with other people's files in it is refused, and so is a
home written by a newer Assay, because guessing at a format is how data gets rewritten.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import assay
from assay.domain.errors import HomeError
from assay.lake.bronze_store import Bronze
from assay.lake.places import IN_THE_HOME, Places, S3Url, is_s3
from assay.lake.postgres import PostgresCatalog
from assay.lake.s3_bronze import s3_bronze
from assay.lake.storage import storage_errors, write_atomically

FORMAT = 2
"""What this program writes: 2 may hold batches in packs, which a program that knows only 1 takes for damage."""
_OLDEST = 1
_MARKER = "assay-home.json"
_OWN_FILES = frozenset({_MARKER, "assay.yaml", ".env"})
PREPARED = Path(assay.__file__).parent / "__pycache__" / "prepared"
"""Where an installation keeps what the cache of every new home begins with, if that was made once."""


@dataclass(frozen=True, slots=True)
class Home:
    """The directories of one Assay home, and the places of what lies elsewhere.

    Attributes
    ----------
    root : Path
    places : Places
        Where bronze, tables and catalogue are, if not in the home.
    """

    root: Path
    places: Places = IN_THE_HOME

    @property
    def bronze(self) -> Path:
        """The home's own directory of raw bodies and the typed Parquet read from them; see :attr:`bronze_store`."""
        return self.root / "bronze"

    @property
    def bronze_store(self) -> Bronze:
        """Where bronze is: that directory, unless the settings name another place."""
        if is_s3(self.places.bronze):
            return s3_bronze(self.places.bronze, self.places.s3)
        return Path(self.places.bronze) if self.places.bronze else self.bronze

    @property
    def bronze_at(self) -> str:
        """Directory or address of bronze, without a slash at its end."""
        return str(S3Url.parse(self.places.bronze)) if is_s3(self.places.bronze) else str(self.bronze_store)

    @property
    def catalog(self) -> Path:
        """The DuckLake catalogue (SQLite), unless it is in PostgreSQL; one for each place where tables may lie."""
        place = hashlib.sha256(self.tables_at.encode()).hexdigest()[:8] if self.places.tables else ""
        return self.root / "lake" / (f"catalog-{place}.sqlite" if place else "catalog.sqlite")

    @property
    def postgres(self) -> PostgresCatalog | None:
        """The catalogue in PostgreSQL, if that is where it is."""
        return PostgresCatalog(self.places.catalog, self.places.catalog_schema) if self.places.catalog else None

    @property
    def tables(self) -> Path:
        """Parquet files that the catalogue owns, unless they lie elsewhere."""
        return self.root / "lake" / "data"

    @property
    def tables_at(self) -> str:
        """Directory or address of the files that the catalogue owns, without a slash at its end."""
        place = self.places.tables
        return str(S3Url.parse(place)) if is_s3(place) else place or str(self.tables)

    @property
    def writer_lock(self) -> Path:
        """Held by the one process that writes to the catalogue."""
        return self.root / "lake" / "writer.lock"

    @property
    def extensions(self) -> Path:
        """DuckDB extensions, installed from their Python packages."""
        return self.root / "cache" / "duckdb"

    @property
    def cache(self) -> Path:
        """Compiled kernels and dbt's target directory; may be deleted at any time."""
        return self.root / "cache"

    @property
    def origin(self) -> Path:
        """Says what market the home holds."""
        return self.root / "origin.txt"

    @property
    def build_tests(self) -> Path:
        """What the quality tests said when tables were last built from here."""
        return self.root / "lake" / "tests.json"

    @property
    def clock(self) -> Path:
        """Says what time it is in a home with a simulated clock."""
        return self.root / "clock.json"

    @property
    def demo(self) -> Path:
        """What a demo home holds; other homes have no such file."""
        return self.root / "demo.json"

    @property
    def run_lock(self) -> Path:
        """Held by the one main job at work."""
        return self.root / "runs" / "run.lock"

    @property
    def runs(self) -> Path:
        """One JSON file a run."""
        return self.root / "runs"


def open_home(root: Path, *, create: bool = True, places: Places = IN_THE_HOME) -> Home:
    """Return the home at `root`, making it if it is absent or empty and `create` is true.

    Raises
    ------
    HomeError
        If `root` is a file, holds foreign files, is absent (and `create` is false), or has a newer format.
    StorageError
        If the disk refuses.
    """
    root = root.expanduser().absolute()
    home = Home(root, places)
    if "\\" in str(root):
        todo = "choose a path without one: DuckDB cannot install its extensions below it"
        raise HomeError("ASSAY_HOME has a backslash in its path", value=root, todo=todo)
    with storage_errors(root):
        if root.exists() and not root.is_dir():
            raise HomeError("ASSAY_HOME is not a directory", value=root, todo="point ASSAY_HOME at a directory")
        marker = root / _MARKER
        # Looked at before the marker, so that a home which another process is making is never taken for a foreign one.
        foreign = _foreign(home) if root.exists() else []
        if marker.exists():
            _check_format(marker)
            return home
        if foreign:
            what = f"ASSAY_HOME holds files that are not Assay's ({', '.join(foreign[:3])})"
            raise HomeError(what, value=root, todo="point ASSAY_HOME at an empty or new directory")
        if not create:
            raise HomeError(
                "there is no Assay home",
                value=root,
                todo="run `assay ingest` or `assay import` first, or set ASSAY_HOME",
            )
        for path in (root, *_directories(home)):
            path.mkdir(parents=True, exist_ok=True)
        _take_prepared(home)
        # Last, so that a home that is marked is a home that is whole.
        _write_format(root)
    return home


def _take_prepared(home: Home) -> None:
    """Copy what the installation has compiled and read already; without it a home does so by itself in some seconds."""
    # One that is being replaced is gone half-way, and half of it is of no use.
    for part in [one.name for one in PREPARED.glob("*")]:
        try:
            shutil.copytree(PREPARED / part, home.cache / part, dirs_exist_ok=True)
        except (FileNotFoundError, shutil.Error):
            shutil.rmtree(home.cache / part, ignore_errors=True)


def home_format(home: Home) -> int:
    """Return the format that a home says it has.

    Raises
    ------
    HomeError
        If this program cannot read it, or the home does not say.
    StorageError
        If the disk refuses.
    """
    with storage_errors(home.root / _MARKER):
        return _check_format(home.root / _MARKER)


def raise_format(home: Home) -> None:
    """Give a home of an older format this program's, so that older programs refuse it; before what they do not know.

    Raises
    ------
    HomeError, StorageError
        If the home is of a newer format, or the disk refuses.
    """
    if home_format(home) < FORMAT:
        _write_format(home.root)


def _write_format(root: Path) -> None:
    write_atomically(root / _MARKER, json.dumps({"format": FORMAT}).encode() + b"\n")


def _directories(home: Home) -> tuple[Path, ...]:
    return home.bronze, home.tables, home.extensions, home.runs


def _foreign(home: Home) -> list[str]:
    """Return what lies in a home without a marker and was not put there by one that was stopped while being made."""
    own = {path.relative_to(home.root).parts[0] for path in _directories(home)}
    return sorted(
        path.name
        for path in home.root.iterdir()
        if path.name not in _OWN_FILES
        and not path.name.startswith(f".{_MARKER}.")
        and not (path.name in own and path.is_dir() and all(_is_prepared(home, one) for one in _files_below(path)))
    )


def _files_below(path: Path) -> Iterator[Path]:
    return (one for one in path.rglob("*") if one.is_file())


def _is_prepared(home: Home, file: Path) -> bool:
    """Return whether a file is one that a new home is given by the installation."""
    return file.is_relative_to(home.cache) and (PREPARED / file.relative_to(home.cache)).exists()


def _check_format(marker: Path) -> int:
    try:
        found = json.loads(marker.read_bytes())["format"]
    except (ValueError, KeyError, TypeError):
        todo = "restore it from a backup, or choose another ASSAY_HOME"
        raise HomeError("the home's format file is damaged", value=marker, todo=todo) from None
    if type(found) is not int or not _OLDEST <= found <= FORMAT:
        todo = f"this Assay reads formats {_OLDEST} to {FORMAT}; use the newer program, or choose another ASSAY_HOME"
        raise HomeError("ASSAY_HOME was written by another version", value=f"format {found}", todo=todo)
    return found
