"""A model becomes champion, or does not: one transaction, whose every condition is looked at just before.

Looked at are the state of the aliases, the model's own files, the certificate of its features against the code of
today, and the paired test, which is taken down as a look at its data before anything is decided. The move itself is one
file that is created unless somebody else was faster, and then nothing has changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from assay.domain.errors import BadInputError
from assay.domain.model_key import ModelKey
from assay.evidence.promotion import (
    Circumstances,
    Contender,
    Decision,
    Features,
    Opponent,
    PairedTest,
    decide_promotion,
    read_certificate,
)
from assay.lake import model_aliases
from assay.lake.model_aliases import Aliases, read_aliases
from assay.lake.model_store import ModelVersion, find_version, read_artefact, read_version
from assay.lake.model_tests import KeptTest, count_looks, keep_test
from assay.lake.sealed import Author, Documents, documents_of
from assay.pipelines.workspace import Workspace


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """Which model, against whom, and on what grounds.

    Attributes
    ----------
    key : ModelKey
    version : str
        Or how it begins.
    features : Features
        Those that it reads, as they are computed now: see :func:`assay.pipelines.auditing.features_of`.
    test : PairedTest or None
    baseline : str
        Who has to be beaten where there is no champion.
    by, why : str
    """

    key: ModelKey
    version: str
    features: Features
    test: PairedTest | None
    by: str
    why: str
    baseline: str = "base_rate"


@dataclass(frozen=True, slots=True)
class PromotionResult:
    """What was decided, and who is champion and challenger now."""

    decision: Decision
    aliases: Aliases


def promote_model(workspace: Workspace, request: PromotionRequest) -> PromotionResult:
    """Make a model the champion if it deserves it; a model that does not is kept where it is, and told why.

    Raises
    ------
    NoDataError
        If there is no such model.
    BadInputError
        If it is the champion already, or its certificate was altered.
    DamagedError
        If one of its files, or of the history, is damaged.
    MovedError
        If somebody else moved the champion or the challenger meanwhile: nothing has changed then.
    """
    documents, key, now = documents_of(workspace.home), request.key, workspace.clock.now()
    author = Author(request.by, now)
    known = read_aliases(documents, key)
    version = find_version(documents, key, request.version)
    if version.version == known.champion:
        raise BadInputError("the model is the champion already", value=version.version, todo="nothing has to be done")
    read_artefact(documents, version)
    looks = 1 if request.test is None else _looks(documents, key, request.test, author)
    decision = decide_promotion(
        _contender(version), _opponent(documents, key, known, request.baseline), request.test,
        Circumstances(request.features, now, looks),
    )  # fmt: skip
    if not decision.is_promoted:
        return PromotionResult(decision, known)
    why = f"{request.why}: {decision.sentence}"
    moved = model_aliases.promote(documents, key, version.version, known=known, author=author, why=why)
    return PromotionResult(decision, moved)


def roll_back_model(workspace: Workspace, key: ModelKey, *, by: str, why: str) -> Aliases:
    """Make the champion before the champion again, if it is whole; nothing else is asked of it.

    Raises
    ------
    NoDataError
        If there was none.
    DamagedError
        If one of its files, or the history, is damaged.
    MovedError
        If somebody else moved the champion or the challenger meanwhile.
    """
    documents, author = documents_of(workspace.home), Author(by, workspace.clock.now())
    known = read_aliases(documents, key)
    for version in known.line[:1]:
        read_artefact(documents, read_version(documents, key, version))
    return model_aliases.roll_back(documents, key, known=known, author=author, why=why)


def _contender(version: ModelVersion) -> Contender:
    paper = version.paper
    certificate = None if paper.certificate is None else read_certificate(paper.certificate)
    return Contender(version.version, paper.feature_set, paper.seen_until, certificate)


def _opponent(documents: Documents, key: ModelKey, known: Aliases, baseline: str) -> Opponent:
    if not known.champion:
        return Opponent(baseline)
    return Opponent(known.champion, read_version(documents, key, known.champion).paper.seen_until)


def _looks(documents: Documents, key: ModelKey, test: PairedTest, author: Author) -> int:
    """Take the test down, and return how often anybody looked at its outcomes."""
    numbers = {"rows": test.rows, "blocks": test.blocks, "score": test.score, "plausible_to": test.plausible_to}
    finite = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
    found = {**finite, "difference": test.difference.to_dict()}
    kept = KeptTest(test.challenger, test.opponent, test.first_at, test.until, test.data_version, found)
    keep_test(documents, key, kept, author)
    return count_looks(documents, key, first_at=test.first_at, until=test.until)
