"""The champion as a server follows it: the same model until another one is promoted, and then that one, at once.

Nothing is served that is not what was registered: where the artefact of a champion is damaged, that is said, and the
champion before it stays, or comes back, until the file is whole again or somebody promotes another one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from assay.domain.errors import AssayError
from assay.domain.model_key import ModelKey
from assay.lake.model_aliases import Aliases, read_aliases
from assay.lake.model_store import ModelVersion, read_artefact, read_version
from assay.lake.sealed import Documents

Model = TypeVar("Model")


@dataclass(frozen=True, slots=True)
class Served(Generic[Model]):
    """What is served.

    Attributes
    ----------
    version : ModelVersion or None
        None if there is no champion, or none that can be served.
    model : Model or None
        What `load` made of its artefact.
    trouble : str
        Why it is not the champion that is served; empty if it is.
    """

    version: ModelVersion | None = None
    model: Model | None = None
    trouble: str = ""


class Follower(Generic[Model]):
    """Knows the champion of a key, and finds out by a look or two whether it still is.

    One may be shared by threads: each gets a whole answer, the old one or the new one.

    Parameters
    ----------
    documents : Documents
    key : ModelKey
    load : callable
        Makes a model of the bytes of an artefact; an AssayError of it counts as damage.
    """

    def __init__(self, documents: Documents, key: ModelKey, load: Callable[[bytes], Model]) -> None:
        self._documents = documents
        self._key = key
        self._load = load
        self._state: tuple[Aliases | None, object, Served[Model]] = (None, None, Served())

    def current(self) -> Served[Model]:
        """Return what is to be served now; what is damaged or out of reach is told in it, and raises nothing.

        It costs one look at the disk while nobody moves the champion, and a few more while that cannot be served.
        """
        known, stamp, served = self._state
        try:
            now = read_aliases(self._documents, self._key, known)
        except AssayError as error:
            # Which model is the champion cannot be known, so the one that was it stays.
            return Served(served.version, served.model, str(error))
        if now == known and (not served.trouble or self._stamp(now) == stamp):
            return served
        # Before the file is read: one that is mended meanwhile is looked at again.
        stamp = self._stamp(now)
        served = self._served(now, served)
        self._state = (now, stamp, served)
        return served

    def _served(self, aliases: Aliases, before: Served[Model]) -> Served[Model]:
        trouble = ""
        for version in (aliases.champion, *aliases.line):
            if not version:
                break
            if before.version and before.version.version == version and before.model is not None:
                return Served(before.version, before.model, trouble)
            try:
                found = read_version(self._documents, self._key, version)
                return Served(found, self._load(read_artefact(self._documents, found)), trouble)
            except AssayError as error:
                trouble = trouble or str(error)
        return Served(trouble=trouble)

    def _stamp(self, aliases: Aliases) -> object:
        """Return what changes when a file of the champion does."""
        try:
            version = read_version(self._documents, self._key, aliases.champion)
        except AssayError as error:
            return str(error)
        return self._documents.stamp(version.artefact_name)
