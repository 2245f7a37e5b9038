"""Versions of models: an artefact, and a paper that says what it is, what it learned from and what it is worth.

``models/<task>/<series>/artefacts/<sha256>``
    The bytes of the fitted model, named after themselves.
``models/<task>/<series>/versions/<version>.json``
    The paper, a document of :mod:`assay.lake.sealed`. It is written last: a version that has one is whole.

Neither is ever changed. A version is named after all that the paper says of the model, so the same model registered
again is the same version. Which of them is the champion says :mod:`assay.lake.model_aliases`.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.model_key import ModelKey
from assay.lake.sealed import Author, Documents, damage, identity, read_sealed, seal

FOLDER = "models"
FORMAT = 1
_KIND = "model version"
_DIGITS = 12
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?==[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_NAME = re.compile(r"versions/(?P<version>[0-9a-f]{12})\.json")


@dataclass(frozen=True, slots=True)
class ModelPaper:
    """What is said of a fitted model; all of it decides its version.

    Attributes
    ----------
    key : ModelKey
    estimator : str
    parameters : mapping
    feature_set : str
        ``name/version#hash`` of what it reads.
    data_version : str
        Content hash of the rows it was fitted on.
    trained_from, trained_until : datetime
        When the first of these rows was known, and the end of the last of their labels.
    seen_until : datetime
        The last moment whose outcome had a part in making or choosing it, searches included; not before
        `trained_until`. Only what comes later can test it.
    model_hash : str
        Of its predictions on a probe set.
    requirements : tuple of str
        Pinned, such as ``scikit-learn==1.7.2``.
    evidence : mapping
        Plain values: scores, intervals, verdicts.
    certificate : mapping or None
        Of its features, as :class:`~assay.evidence.causality.Certificate` says it.
    """

    key: ModelKey
    estimator: str
    parameters: Mapping[str, object] = field(hash=False)
    feature_set: str
    data_version: str
    trained_from: datetime
    trained_until: datetime
    seen_until: datetime
    model_hash: str
    requirements: tuple[str, ...] = ()
    evidence: Mapping[str, object] = field(default_factory=dict, hash=False)
    certificate: Mapping[str, object] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        moments = (self.trained_from, self.trained_until, self.seen_until)
        if any(moment.tzinfo is None for moment in moments) or list(moments) != sorted(moments):
            told = " ".join(moment.isoformat() for moment in moments)
            todo = "give trained_from, trained_until and seen_until in this order, with a time zone"
            raise BadInputError("a model cannot have learned at these moments", value=told, todo=todo)
        loose = [one for one in self.requirements if not _PINNED.fullmatch(one)]
        if loose:
            raise BadInputError("a requirement is not pinned", value=loose[0], todo="write name==version")

    def document(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        moments = {name: getattr(self, name).astimezone(UTC).isoformat() for name in _MOMENTS}
        return {"task": self.key.task, "source": self.key.source, **plain, **moments}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> ModelPaper:
        """Return what :meth:`document` said."""
        moments: dict[str, Any] = {name: datetime.fromisoformat(document[name]) for name in _MOMENTS}
        plain = {name: document[name] for name in _PLAIN} | {"requirements": tuple(document["requirements"])}
        return cls(key=ModelKey(document["task"], document["source"]), **plain, **moments)


_PLAIN = (
    "estimator", "parameters", "feature_set", "data_version", "model_hash", "requirements", "evidence", "certificate",
)  # fmt: skip
_MOMENTS = ("trained_from", "trained_until", "seen_until")


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A model that was registered.

    Attributes
    ----------
    version : str
        12 hexadecimal digits of the paper and the artefact.
    paper : ModelPaper
    artefact_sha256 : str
    artefact_bytes : int
    author : Author
        Who registered it first, and when.
    """

    version: str
    paper: ModelPaper
    artefact_sha256: str
    artefact_bytes: int
    author: Author

    @property
    def artefact_name(self) -> str:
        """The name of the file with its bytes."""
        return f"{folder_of(self.paper.key)}/artefacts/{self.artefact_sha256}"


def folder_of(key: ModelKey) -> str:
    """Return the name of the folder of a key's models."""
    return f"{FOLDER}/{key.folder}"


def register(documents: Documents, paper: ModelPaper, artefact: bytes, author: Author) -> ModelVersion:
    """Keep a fitted model; the same again is the version that is there already.

    Parameters
    ----------
    documents : Documents
        See :func:`assay.lake.sealed.documents_of`.
    paper : ModelPaper
    artefact : bytes
        The file that it can be loaded from.
    author : Author

    Raises
    ------
    BadInputError
        If the artefact is empty, or the paper has something that JSON does not know.
    DamagedError
        If this model is there already, and one of its files is damaged.
    StorageError
        If the disk refuses; there is no new version then.
    """
    if not artefact:
        raise BadInputError("the artefact is empty", value=paper.key, todo="save a fitted model")
    digest = hashlib.sha256(artefact).hexdigest()
    about = {"paper": paper.document(), "artefact_sha256": digest, "artefact_bytes": len(artefact)}
    version = identity(about)[:_DIGITS]
    made = ModelVersion(version, paper, digest, len(artefact), author)
    if not documents.create(made.artefact_name, artefact):
        read_artefact(documents, made)
    document = {"kind": _KIND, "format": FORMAT, **about, **author.document()}
    name = f"{folder_of(paper.key)}/versions/{version}.json"
    return made if documents.create(name, seal(document)) else read_version(documents, paper.key, version)


def read_artefact(documents: Documents, version: ModelVersion) -> bytes:
    """Return the artefact of a version, held against its hash.

    Raises
    ------
    DamagedError
        If it is missing, or not what was registered.
    """
    place = documents.place(version.artefact_name)
    try:
        body = documents.read(version.artefact_name)
    except FileNotFoundError:
        raise damage(f"the artefact of model {version.version} is missing", place) from None
    if hashlib.sha256(body).hexdigest() != version.artefact_sha256:
        raise damage(f"the artefact of model {version.version} is damaged", place)
    return body


def read_version(documents: Documents, key: ModelKey, version: str) -> ModelVersion:
    """Return a version by its full name.

    Raises
    ------
    NoDataError
        If there is none.
    DamagedError
        If its paper is damaged.
    """
    name = f"{folder_of(key)}/versions/{version}.json"
    if not _NAME.fullmatch(f"versions/{version}.json") or documents.stamp(name) is None:
        raise _unknown(documents, key, version)
    return _read(documents, key, name)


def read_versions(documents: Documents, key: ModelKey) -> list[ModelVersion]:
    """Return all versions of a key, in the order in which they were registered.

    Raises
    ------
    DamagedError
        If a paper is damaged, or there is a file that is none; the error names it.
    """
    found = [_read(documents, key, name) for name in documents.names(f"{folder_of(key)}/versions")]
    return sorted(found, key=lambda one: (one.author.at, one.version))


def find_version(documents: Documents, key: ModelKey, text: str) -> ModelVersion:
    """Return the version whose name begins like `text`.

    Raises
    ------
    NoDataError
        If there is none.
    BadInputError
        If there are several.
    """
    names = [name.rpartition("/")[2][:_DIGITS] for name in documents.names(f"{folder_of(key)}/versions")]
    found = [name for name in names if text and name.startswith(text)]
    if not found:
        raise _unknown(documents, key, text)
    if len(found) > 1:
        raise BadInputError("several models begin like that", value=text, todo=f"say which: {', '.join(found[:8])}")
    return read_version(documents, key, found[0])


def read_keys(documents: Documents) -> list[ModelKey]:
    """Return the keys that have a version, sorted; a folder whose name is that of no key holds nothing of ours."""
    keys = set()
    for task, source in {tuple(name.split("/")[1:3]) for name in documents.names(FOLDER) if "/versions/" in name}:
        with contextlib.suppress(BadInputError):  # "direction_24h copy": one such folder must not stop all serving
            keys.add(ModelKey(task, source.replace(",", ":")))
    return sorted(keys)


def _read(documents: Documents, key: ModelKey, name: str) -> ModelVersion:
    place = documents.place(name)
    if not _NAME.fullmatch(name.removeprefix(f"{folder_of(key)}/")):
        raise damage("a file is no model version", place)
    document: Any = read_sealed(documents, name, kind=_KIND, version=FORMAT)
    about = {part: document[part] for part in ("paper", "artefact_sha256", "artefact_bytes")}
    paper = ModelPaper.read(document["paper"])
    version = identity(about)[:_DIGITS]
    if name != f"{folder_of(paper.key)}/versions/{version}.json":
        raise damage("a file has the name of another one", place)
    return ModelVersion(version, paper, about["artefact_sha256"], about["artefact_bytes"], Author.read(document))


def _unknown(documents: Documents, key: ModelKey, text: str) -> NoDataError:
    names = [name.rpartition("/")[2][:_DIGITS] for name in documents.names(f"{folder_of(key)}/versions")]
    todo = f"there are {', '.join(names[:8])}" if names else "train one first"
    return NoDataError(f"there is no such model for {key}", value=text, todo=todo)
