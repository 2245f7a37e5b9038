"""What was set aside: rows and whole answers that could not be used, with the cause of each, as bronze holds them.

Nothing is lost by being set aside. The body of every batch is kept as it was received, so that a better reader can get
out of it tomorrow what today's could not.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from assay.domain.errors import BadInputError, NoDataError
from assay.lake import bronze
from assay.lake.bronze import BatchHeader
from assay.lake.bronze_store import Bronze, BronzeFile, batches_of, store_of
from assay.lake.storage import storage_errors

if TYPE_CHECKING:
    import polars as pl

_ID = re.compile(r"[0-9a-f]{6,32}")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A batch of which something was set aside.

    Attributes
    ----------
    header : BatchHeader
        The batch.
    file : BronzeFile
        The file of the rows that were set aside.
    """

    header: BatchHeader
    file: BronzeFile

    def rows(self) -> pl.DataFrame:
        """Return the rows: row_number (from 1; 0 is the whole answer), cause, raw."""
        with storage_errors(self.file):
            return bronze.read_batches({self.header.batch_id: self.file}, ("row_number", "cause", "raw"))


def quarantined_batches(root: Bronze, *, venue: str = "", since: date | None = None) -> Iterator[Quarantined]:
    """Yield the batches of which something was set aside, the latest days first.

    Parameters
    ----------
    root : Path or BronzeStore
        Where bronze is.
    venue : str, optional
        Only this one.
    since : date, optional
        Only what was received on this day (UTC) or later.
    """
    days = [day for day, _ in bronze.partitions(root, bronze.QUARANTINE, venue=venue)]
    by_date = sorted(days, key=_date_of, reverse=True)
    for date_, together in itertools.groupby(by_date, key=_date_of):
        if since is None or date_ >= f"known_date={since.isoformat()}":
            batches = {one: file for day in together for one, file in batches_of(root, day).items()}
            found = list(_read(root, batches))
            yield from sorted(found, key=lambda one: one.header.known_at, reverse=True)


def _date_of(day: str) -> str:
    return day.rpartition("/")[2]


def find_quarantined(root: Bronze, batch: str) -> Quarantined:
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
    found = list(_read(root, store_of(root).find_like(bronze.QUARANTINE, text)))
    if not found:
        raise NoDataError("nothing of that batch was set aside", value=batch, todo="see `assay quarantine list`")
    if len(found) > 1:
        todo = "give more digits: " + ", ".join(one.header.batch_id[:12] for one in found[:5])
        raise BadInputError("several batches begin like that", value=batch, todo=todo)
    return found[0]


def _read(root: Bronze, batches: Mapping[str, BronzeFile]) -> Iterator[Quarantined]:
    """Yield what was set aside, but not of batches that were never committed, because their writer was stopped."""
    store = store_of(root)
    for header, file in bronze.read_headers_of(batches):
        beside = store.name_of(file).removeprefix(bronze.QUARANTINE)
        alone = f"{beside.rpartition('/')[0]}/{header.batch_id}.parquet"
        if any(store.at(header.dataset + name).exists() for name in dict.fromkeys((beside, alone))):
            yield Quarantined(header, file)
