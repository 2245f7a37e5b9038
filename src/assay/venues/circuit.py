"""Whether a venue is down: known once for all tasks, so that hundreds of them do not each find out for minutes.

A venue is down after several failures in a row over some seconds: a single failure, or one that hits everything on its
way at the same moment, is only a reason to retry. While it is down nobody asks, except one request after each rest.

>>> seconds = [0.0]
>>> circuit = Circuit("binance", lambda: seconds[0], failures=2, over_s=10)
>>> for moment in (0.0, 12.0):
...     seconds[0] = moment
...     circuit.failed()
>>> circuit.is_down
True
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

from assay.venues.spec import Request
from assay.venues.transport import TransportError

_log = logging.getLogger(__name__)


class VenueDownError(TransportError):
    """The venue has not answered for a while, and it is not time to ask again; nothing was sent."""

    def __init__(self, request: Request, for_s: float) -> None:
        super().__init__(f"the venue is down; it is asked again in {for_s:.0f} s", request=request, was_sent=False)


class Circuit:
    """What this process knows about one venue's health.

    Parameters
    ----------
    venue : str
        For the log.
    elapsed : callable
        Seconds since some moment, only going up.
    failures : int
        So many in a row, and
    over_s : float
        the first of them so many seconds ago, mean that the venue is down.
    rest_s, longest_rest_s : float
        How long nobody asks; doubled whenever the venue is found to be down still, up to the longest.
    """

    def __init__(
        self,
        venue: str,
        elapsed: Callable[[], float],
        *,
        failures: int = 5,
        over_s: float = 10.0,
        rest_s: float = 15.0,
        longest_rest_s: float = 300.0,
    ) -> None:
        self.venue = venue
        self._elapsed = elapsed
        self._enough, self._over_s = failures, over_s
        self._rest_s, self._longest_rest_s = rest_s, longest_rest_s
        self._next_rest_s = rest_s
        self._count = 0
        self._first_s = 0.0
        self._rest_until: float | None = None
        self._is_probed = False

    @property
    def is_down(self) -> bool:
        """Whether the venue was down when last heard of."""
        return self._rest_until is not None

    def check(self, request: Request) -> None:
        """Raise VenueDownError while nobody may ask."""
        if self._rest_until is not None:
            left_s = self._rest_until - self._elapsed()
            if left_s > 0 or self._is_probed:
                raise VenueDownError(request, max(left_s, 0.0))

    @contextlib.contextmanager
    def attempt(self, request: Request) -> Iterator[None]:
        """Ask in the block, and call :meth:`succeeded` or :meth:`failed` in it; neither, if one was interrupted.

        Raises
        ------
        VenueDownError
            While nobody may ask. After the rest one may, and the others wait for what comes of it.
        """
        self.check(request)
        is_probe = self.is_down
        self._is_probed = self._is_probed or is_probe
        try:
            yield
        finally:
            if is_probe:
                self._is_probed = False

    def succeeded(self) -> None:
        """Say that the venue answered, if only to refuse."""
        if self.is_down:
            _log.info("venue=%s is=up", self.venue)
        self._count = 0
        self._rest_until = None
        self._next_rest_s = self._rest_s

    def failed(self) -> None:
        """Say that the venue gave no answer, or answered that it is in trouble."""
        now_s = self._elapsed()
        if self._rest_until is not None and now_s < self._rest_until:
            return  # it was on its way when the venue was found to be down, and tells nothing new
        if self._count == 0:
            self._first_s = now_s
        self._count += 1
        if self._count >= self._enough and now_s - self._first_s >= self._over_s:
            _log.info("venue=%s is=down rest_s=%.0f", self.venue, self._next_rest_s)
            self._rest_until = now_s + self._next_rest_s
            self._next_rest_s = min(2 * self._next_rest_s, self._longest_rest_s)
