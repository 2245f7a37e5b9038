"""What is asked of a simulated venue, and what it says: an answer as it goes over the wire, or a refusal.

>>> Refusal(400, {"code": -1121, "msg": "Invalid symbol."}).answer().body
b'{"code":-1121,"msg":"Invalid symbol."}'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import msgspec

from assay.venues.sandbox.market import Market
from assay.venues.spec import VenueSpec

Document = object
"""What JSON is made of: dicts, lists, texts, numbers, booleans, None; or msgspec.Raw, JSON that is written already.

Bytes are a file, which is sent as it is.
"""


def written(document: Document) -> bytes:
    """Return the body that a document is sent as."""
    return document if isinstance(document, bytes) else msgspec.json.encode(document)


def never(_open_us: int) -> bool:
    """Return that no bar is shown as it stood before it was whole."""
    return False


@dataclass(frozen=True, slots=True)
class Question:
    """One request, as a venue understands it.

    Parameters
    ----------
    endpoint : str
        Name inside Assay.
    params : mapping of str to str
        As sent.
    now : datetime
        What the venue's clock says.
    late_s : float
        For how long after its close a bar may still be shown as it stood before.
    is_late : callable
        Which bars are, by open time in microseconds.
    is_early : bool
        Whether the bar in progress is sent though the range that was asked for ends before it.
    """

    endpoint: str
    params: Mapping[str, str]
    now: datetime
    late_s: float = 0.0
    is_late: Callable[[int], bool] = never
    is_early: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire.

    Parameters
    ----------
    status : int
        HTTP status.
    body : bytes
        All of it.
    headers : mapping of str to str
        Beside those that every answer has.
    hold_s : float
        Seconds to say nothing before it.
    sent : int, optional
        Break the connection off after so many bytes of the body; None: after all.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    hold_s: float = 0.0
    sent: int | None = None

    @property
    def is_cut(self) -> bool:
        """Whether some of the body is not sent."""
        return self.sent is not None and self.sent < len(self.body)


class Refusal(Exception):  # noqa: N818  an answer, not an error of Assay
    """The venue says no, in its own words."""

    def __init__(self, status: int, document: Document) -> None:
        super().__init__(status, document)
        self.status = status
        self.document = document

    def answer(self) -> Answer:
        """Return it as it goes over the wire."""
        return Answer(self.status, written(self.document))


class Dialect(Protocol):
    """How a venue says what the market is like."""

    @property
    def spec(self) -> VenueSpec:
        """The venue's declaration, from which paths, weights and limits are taken."""
        ...

    def say(self, market: Market, question: Question) -> Document:
        """Return the answer to a question, or raise Refusal."""
        ...

    def too_many(self, status: int, until: datetime) -> Document:
        """Return the body that goes with 429 and 418; `until` when, by the venue's clock, it is to be left alone."""
        ...
