"""What can be wrong with an answer as a whole: the venue says no, or the page is no answer at all.

>>> error = VenueBusyError("binance", -1003, "Too many requests queued.")
>>> print(error)
binance answered with error -1003: 'Too many requests queued.'; it is asked again later
>>> error.exit_code
3
"""

from __future__ import annotations

from assay.domain.errors import AssayError, TerminalError, TransientError
from assay.venues.spec import Request, VenueSpec

_SHOWN = 120


class VenueError(AssayError):
    """The venue answered with an error of its own.

    Parameters
    ----------
    venue : str
        Who.
    code : int
        The venue's code, with its sign.
    message : str
        The venue's words.
    """

    advice = ""

    def __init__(self, venue: str, code: int, message: str) -> None:
        super().__init__(f"{venue} answered with error {code}", value=message, todo=self.advice)
        self.venue = venue
        self.code = code
        self.message = message


class VenueBusyError(VenueError, TransientError):
    """It may work later: too many requests, a time-out inside the venue, maintenance."""

    advice = "it is asked again later"


class VenueRefusedError(VenueError, TerminalError):
    """The question is wrong; asking again changes nothing."""

    advice = "asking again will not help; look at the symbol, the interval and the range"


class NothingThereError(VenueRefusedError):
    """The venue says by an error that it has nothing in the range, where others answer with no rows; an answer too."""


class PoisonPageError(TerminalError):
    """The page cannot be read at all: HTML, cut off, or of another form than documented.

    Parameters
    ----------
    request : Request
        What was asked.
    cause : str
        Why the page is useless.
    body : bytes
        As received; its beginning is shown.
    """

    def __init__(self, request: Request, cause: str, body: bytes) -> None:
        shown = body[:_SHOWN].decode("utf-8", errors="replace")
        super().__init__(f"useless answer of {request.venue} to {request.endpoint}: {cause}", value=shown)
        self.request = request
        self.cause = cause


def venue_error(spec: VenueSpec, code: int, message: str) -> VenueError:
    """Return the error that the code stands for at the venue: transient or terminal."""
    kind = VenueBusyError if code in spec.transient_codes else VenueRefusedError
    return kind(spec.venue, code, message)
