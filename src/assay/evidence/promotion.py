"""Whether a model may take the place of the champion: a rule, and its reasons in words.

Two things are asked of it. Its features have a certificate that holds for the code of today. And it has won a paired
test, on the same rows, against whoever is the champion, or against a baseline where nobody is; on outcomes that had no
part in making or choosing either of them; by a difference that is above zero over its whole interval, which is the
wider the more often these outcomes were looked at (Bonferroni): :func:`assay.evidence.selection.select` gives it, with
the looks as trials. A score that nobody reaches honestly is no win.

>>> from datetime import UTC, datetime
>>> noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
>>> features = Features("direction/1#00ff", code="a", config="direction/1")
>>> contender = Contender("4711", "direction/1#00ff", seen_until=noon, certificate=None)
>>> print(decide_promotion(contender, Opponent("base_rate"), None, Circumstances(features, noon)).sentence)
Kept: its features have no certificate; there is no paired test against base_rate
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.domain.errors import BadInputError
from assay.evidence.causality.certificate import Certificate
from assay.evidence.selection import ALPHA
from assay.evidence.verdict import MIN_BLOCKS, Estimate

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Features:
    """The features as they are computed now.

    Attributes
    ----------
    identity : str
        ``name/version#hash``, as a model names what it was trained on.
    code, config, label : str
        What a certificate of them was issued for.
    """

    identity: str
    code: str
    config: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Contender:
    """A model that would be champion.

    Attributes
    ----------
    version : str
    feature_set : str
        ``name/version#hash`` of what it was trained on.
    seen_until : datetime
        The last moment whose outcome had a part in making or choosing it.
    certificate : Certificate or None
        Of its features.
    """

    version: str
    feature_set: str
    seen_until: datetime
    certificate: Certificate | None


@dataclass(frozen=True, slots=True)
class Opponent:
    """Who has to be beaten: the champion, or a baseline where there is none; that has learned nothing ahead."""

    name: str
    seen_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Two models on the same rows.

    Attributes
    ----------
    challenger, opponent : str
        Versions, or the name of a baseline.
    first_at, until : datetime
        The first forecast, and the end of the last outcome.
    data_version : str
        Content hash of the rows.
    rows : int
    blocks : float
        Rows over rows in a bootstrap block: how many nearly independent stretches there are.
    difference : Estimate
        By how much the challenger is better, in the unit of the score; its interval says at which level.
    score : float
        Of the challenger.
    plausible_to : float
        A better score than this is a leak: see :data:`assay.evidence.verdict.SUSPECT_ACCURACY` for directions.
    """

    challenger: str
    opponent: str
    first_at: datetime
    until: datetime
    data_version: str
    rows: int
    blocks: float
    difference: Estimate
    score: float
    plausible_to: float


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else counts: the features of today, what time it is, and how often the outcomes of the test were looked at.

    `looks` includes this test.
    """

    features: Features
    now: datetime
    looks: int = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and every reason against it; none if the model is promoted."""

    is_promoted: bool
    reasons: tuple[str, ...]
    sentence: str


def decide_promotion(
    contender: Contender, opponent: Opponent, test: PairedTest | None, circumstances: Circumstances
) -> Decision:
    """Return whether the contender becomes champion; if not, why, in words.

    Parameters
    ----------
    contender : Contender
    opponent : Opponent
        The champion of this moment, or a baseline.
    test : PairedTest or None
    circumstances : Circumstances

    Returns
    -------
    Decision
        With every reason, so that nobody has to ask again for the next one.
    """
    reasons = tuple(_about_features(contender, circumstances.features))
    if test is None:
        reasons += (f"there is no paired test against {opponent.name}",)
    else:
        reasons += tuple(_about_data(contender, opponent, test, circumstances))
        reasons += tuple(_about_result(test, circumstances.looks))
    if reasons or test is None:
        return Decision(False, reasons, f"Kept: {'; '.join(reasons)}")
    return Decision(True, (), f"Promoted: {contender.version} beats {opponent.name} by {_shown(test)}")


def wanted_level(looks: int) -> float:
    """Return the level that the interval of a difference needs when its data are looked at for the `looks`-th time.

    >>> wanted_level(1), wanted_level(4)
    (0.98, 0.995)

    Raises
    ------
    BadInputError
        If `looks` is below one.
    """
    if looks < 1:
        raise BadInputError("a test is one look at least", value=looks)
    return 1 - 2 * ALPHA / looks


def certificate_document(certificate: Certificate) -> dict[str, object]:
    """Return a certificate as plain values for JSON."""
    moment = certificate.made_at
    return dataclasses.asdict(certificate) | {"made_at": moment.isoformat() if moment else None}


def read_certificate(document: Mapping[str, Any]) -> Certificate:
    """Return a certificate from its plain values.

    Raises
    ------
    BadInputError
        If it is none, or does not say what was issued.
    """
    try:
        moment = document.get("made_at")
        fields = dict(document) | {
            "checks": tuple(document["checks"]),
            "made_at": datetime.fromisoformat(moment) if isinstance(moment, str) else moment,
        }
        found = Certificate(**fields)
        is_altered = found.content_hash != found.hash_of_what_it_says
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadInputError("not a certificate", value=dict(document), todo="audit the features again") from None
    if is_altered:
        todo = "audit the features again"
        raise BadInputError("the certificate was altered", value=found.content_hash, todo=todo)
    return found


def _about_features(contender: Contender, features: Features) -> list[str]:
    certificate, reasons = contender.certificate, []
    if contender.feature_set != features.identity:
        reasons.append(f"it was trained on {contender.feature_set}, and the features are {features.identity} now")
    if certificate is None:
        return [*reasons, "its features have no certificate"]
    stale = certificate.why_stale(code=features.code, config=features.config, label=features.label)
    if stale:
        reasons.append(f"the certificate {certificate.content_hash} of its features does not hold any more: {stale}")
    if not certificate.checks or not certificate.density > 0:
        reasons.append(f"the certificate {certificate.content_hash} proves nothing: no row was checked")
    return reasons


def _about_data(contender: Contender, opponent: Opponent, test: PairedTest, circumstances: Circumstances) -> list[str]:
    reasons = []
    if test.challenger != contender.version:
        reasons.append(f"the paired test is of {test.challenger}")
    if test.opponent != opponent.name:
        reasons.append(f"the paired test is against {test.opponent}, and {opponent.name} has to be beaten")
    if test.first_at < contender.seen_until:
        seen, begins = _day(contender.seen_until), _day(test.first_at)
        reasons.append(f"the test is not on untouched data: it begins {begins}, and the model has seen until {seen}")
    if opponent.seen_until is not None and test.first_at < opponent.seen_until:
        seen, begins = _day(opponent.seen_until), _day(test.first_at)
        reasons.append(
            f"the two cannot be compared: the test begins {begins}, and {opponent.name} has seen until {seen}"
        )
    if test.until > circumstances.now:
        reasons.append(f"the last outcome of the test is not known before {_day(test.until)}")
    return reasons


def _about_result(test: PairedTest, looks: int) -> list[str]:
    interval = test.difference.interval
    if not test.blocks >= MIN_BLOCKS:
        return [
            f"not enough data: {test.rows:,} rows are {test.blocks:.1f} blocks, and fewer than {MIN_BLOCKS} say nothing"
        ]
    if not interval.level >= wanted_level(looks) - _ROUNDING:
        often = "once" if looks == 1 else f"{looks:,} times"
        wanted = f"{100 * wanted_level(looks):.6g} %"
        return [
            f"its interval is of {100 * interval.level:.6g} %, and of outcomes looked at {often} {wanted} is needed"
        ]
    if not interval.low > 0:
        return [f"it has not won: {_shown(test)} is not above zero"]
    if not test.score <= test.plausible_to:
        return [
            f"too good to be true, look for a leak: a score of {test.score:.4g}, where {test.plausible_to:.4g} is much"
        ]
    return []


def _shown(test: PairedTest) -> str:
    low, high, level = test.difference.interval.low, test.difference.interval.high, test.difference.interval.level
    return (
        f"{test.difference.value:+.4g} [{low:+.4g}, {high:+.4g}] at {100 * level:.6g} % "
        f"({_day(test.first_at)} to {_day(test.until)}, n = {test.rows:,})"
    )


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
