"""What was set aside: rows and whole answers that could not be used, with the cause of each, as bronze holds them.

Nothing is lost by being set aside. The body of every batch is kept as it was received, so that a better reader can get
out of it tomorrow what today's could not.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from assay.domain.errors import BadInputError, NoDataError
from assay.lake import bronze
from assay.lake.bronze import BatchHeader
from assay.lake.storage import storage_errors

_ID = re.compile(r"[0-9a-f]{6,32}")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A batch of which something was set aside.

    Attributes
    ----------
    header : BatchHeader
        The batch.
    path : Path
        The file of the rows that were set aside.
    """

    header: BatchHeader
    path: Path

    def rows(self) -> pl.DataFrame:
        """Return the rows: row_number (from 1; 0 is the whole answer), cause, raw."""
        with storage_errors(self.path):
            return pl.read_parquet(self.path, hive_partitioning=False).select("row_number", "cause", "raw")


def quarantined_batches(root: Path, *, venue: str = "", since: date | None = None) -> Iterator[Quarantined]:
    """Yield the batches of which something was set aside, the latest days first.

    Parameters
    ----------
    root : Path
        The bronze directory.
    venue : str, optional
        Only this one.
    since : date, optional
        Only what was received on this day (UTC) or later.
    """
    folders = (root / bronze.QUARANTINE).glob(f"venue={venue or '*'}/known_date=*")
    by_day = sorted(folders, key=lambda folder: folder.name, reverse=True)
    for name, venues in itertools.groupby(by_day, key=lambda folder: folder.name):
        if since is None or name >= f"known_date={since.isoformat()}":
            paths = [path for folder in venues for path in bronze.committed(root, str(folder.relative_to(root)))]
            found = [one for one in (_read(root, path) for path in paths) if one]
            yield from sorted(found, key=lambda one: one.header.known_at, reverse=True)


def find_quarantined(root: Path, batch: str) -> Quarantined:
    """Return the batch whose id begins with `batch`.

    Raises
    ------
    BadInputError
        If `batch` is no beginning of an id, or of several.
    NoDataError
        If there is none.
    """
    text = batch.strip().lower()
    if not _ID.fullmatch(text):
        todo = "give at least its first six hexadecimal digits, as `assay quarantine list` shows them"
        raise BadInputError("not the id of a batch", value=batch, todo=todo)
    paths = sorted((root / bronze.QUARANTINE).glob(f"venue=*/known_date=*/{text}*.parquet"))
    found = [one for one in (_read(root, path) for path in paths) if one]
    if not found:
        raise NoDataError("nothing of that batch was set aside", value=batch, todo="see `assay quarantine list`")
    if len(found) > 1:
        todo = "give more digits: " + ", ".join(one.header.batch_id[:12] for one in found[:5])
        raise BadInputError("several batches begin like that", value=batch, todo=todo)
    return found[0]


def _read(root: Path, path: Path) -> Quarantined | None:
    """Return what a file holds, or None if its batch was never committed, because its writer was stopped."""
    found = Quarantined(bronze.read_header(path), path)
    return found if (root / found.header.dataset / path.relative_to(root / bronze.QUARANTINE)).exists() else None
