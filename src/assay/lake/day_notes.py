"""Which days of bronze a kind of housekeeping has nothing left to do in, so that nobody lists them again.

A note holds while the day does not change, and is made only of a day that had settled when it was listed. All notes
lie in the home's cache: they may be deleted at any time, and cost one listing of each day then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

from assay.lake.bronze_store import BronzeStore, Day
from assay.lake.home import Home
from assay.lake.storage import storage_errors, write_atomically

_DAY = "known_date="


class DayNotes:
    """The notes of a home about the place where its bronze is.

    Parameters
    ----------
    home : Home
    purpose : str
        The kind of housekeeping.
    """

    def __init__(self, home: Home, purpose: str) -> None:
        self._path = home.cache / "housekeeping" / f"{purpose}.json"
        self._place = home.bronze_at
        self._noted = self._read()
        self._new: dict[str, int] = {}

    def due(self, store: BronzeStore, before: date) -> Iterator[Day]:
        """Yield the days before a date that there may be something to do in."""
        days = [(day, at) for day, at in store.days() if _is_before(day, before) and self._noted.get(day) != at]
        if not days:
            return
        settled_ns = store.now_ns() - store.settle_ns  # before any of them is listed: what comes later is later
        for day, at in days:
            self._new[day] = at if at < settled_ns else 0
            yield day, at

    def is_done(self, day: str) -> None:
        """Note that nothing is left to do in a day, as it was when :meth:`due` yielded it."""
        if at := self._new.get(day):
            self._noted[day] = at

    def write(self) -> None:
        """Keep the notes for the next time, if there are new ones."""
        if any(self._noted.get(day) == at for day, at in self._new.items()):
            document = {"place": self._place, "days": self._noted}
            write_atomically(self._path, json.dumps(document, sort_keys=True).encode())

    def _read(self) -> dict[str, int]:
        with storage_errors(self._path):
            try:
                document = json.loads(self._path.read_bytes())
                if document["place"] == self._place:
                    return {str(day): int(at) for day, at in document["days"].items()}
            except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
                pass
        return {}


def _is_before(day: str, before: date) -> bool:
    try:
        return date.fromisoformat(day.rpartition("/")[2].removeprefix(_DAY)) < before
    except ValueError:
        return False
