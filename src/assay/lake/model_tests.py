"""On which data models were tested against each other: every look at them makes the next one worth less.

``models/<task>/<series>/tests/<digest>.json`` is one test, named after who was tested against whom on which data: the
same test again is the same look. Documents of :mod:`assay.lake.sealed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from assay.domain.model_key import ModelKey
from assay.lake.model_store import folder_of
from assay.lake.sealed import Author, Documents, damage, identity, read_sealed, seal

FORMAT = 1
_KIND = "paired test"


@dataclass(frozen=True, slots=True)
class KeptTest:
    """One paired test.

    Attributes
    ----------
    challenger, opponent : str
        Versions, or the name of a baseline.
    first_at, until : datetime
        The first forecast, and the end of the last outcome.
    data_version : str
        Content hash of the rows.
    found : mapping
        What came of it: plain values, for people.
    """

    challenger: str
    opponent: str
    first_at: datetime
    until: datetime
    data_version: str
    found: Mapping[str, object] = field(default_factory=dict, hash=False)

    @property
    def look(self) -> dict[str, object]:
        """What tells one look from another."""
        moments = {name: getattr(self, name).astimezone(UTC).isoformat() for name in ("first_at", "until")}
        names = {name: getattr(self, name) for name in ("challenger", "opponent", "data_version")}
        return {**names, **moments}


def keep_test(documents: Documents, key: ModelKey, test: KeptTest, author: Author) -> bool:
    """Take a test down before anything is decided on it; return whether it is the first one of its kind.

    Raises
    ------
    BadInputError
        If there is something in it that JSON does not know.
    StorageError
        If the disk refuses.
    """
    document = {"kind": _KIND, "format": FORMAT, "look": test.look, "found": test.found, **author.document()}
    return documents.create(_name(key, test), seal(document))


def is_kept(documents: Documents, key: ModelKey, test: KeptTest) -> bool:
    """Return whether this look was taken down before, by whomever."""
    return documents.stamp(_name(key, test)) is not None


def count_looks(documents: Documents, key: ModelKey, *, first_at: datetime, until: datetime) -> int:
    """Return how many tests of a key looked at outcomes of ``[first_at, until)``.

    Raises
    ------
    DamagedError
        If a file is damaged; the error names it.
    """
    looks = 0
    for name in documents.names(_folder(key)):
        document: Any = read_sealed(documents, name, kind=_KIND, version=FORMAT)
        look = document["look"]
        if name != f"{_folder(key)}/{identity(look)}.json":
            raise damage("a file has the name of another one", documents.place(name))
        looks += datetime.fromisoformat(look["first_at"]) < until and first_at < datetime.fromisoformat(look["until"])
    return looks


def _name(key: ModelKey, test: KeptTest) -> str:
    return f"{_folder(key)}/{identity(test.look)}.json"


def _folder(key: ModelKey) -> str:
    return f"{folder_of(key)}/tests"
