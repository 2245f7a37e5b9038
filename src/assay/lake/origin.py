"""What market a home holds, the real one or a simulated one, and what time it is there. Markets are never mixed.

A simulated exchange speaks as Binance does, so nothing in its bars tells them from real ones. The first venue that
fills a home therefore decides what the home is for, once and for all. A simulated market may have a time of its own;
the home remembers it, so that every command on that home lives in the same time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from assay.domain.clock import Clock, FrozenClock, ShiftedClock
from assay.domain.errors import AssayError, HomeError
from assay.domain.interval import parse_moment
from assay.lake.bronze_store import BronzeStore, store_of
from assay.lake.home import Home
from assay.lake.places import is_s3
from assay.lake.storage import storage_errors, write_atomically

REAL = "the real market"
_LONGEST = 200
_known: dict[str, str] = {}
"""Origins that were read from an object store: they never change, and every page shows them."""


def claim_origin(home: Home, origin: str) -> None:
    """Say that `origin` is about to fill `home`; killed at any moment, or called by many at once, one answer stands.

    Raises
    ------
    HomeError
        If the home holds another market.
    StorageError
        If the disk refuses.
    """
    if read_origin(home) is None:
        _beside(home).create(home.origin.name, origin[:_LONGEST].encode() + b"\n")
    check_origin(home, origin)


def check_origin(home: Home, origin: str) -> None:
    """Raise HomeError if the home holds another market than `origin`."""
    found = read_origin(home)
    if found not in (None, origin[:_LONGEST]):
        todo = "choose another ASSAY_HOME: simulated and real bars in one home could not be told apart"
        raise HomeError(f"this home holds {found}, and {origin} cannot be added", value=home.root, todo=todo)


def simulated_origin(name: str) -> str:
    """Return the origin that stands for the simulated market of that name."""
    return f"a simulated market ({name})"


def read_origin(home: Home) -> str | None:
    """Return what market the home holds, or None if no venue has filled it yet."""
    if home.places.bronze in _known:
        return _known[home.places.bronze]
    file = _beside(home).at(home.origin.name)
    with storage_errors(file):
        try:
            found = file.read_bytes().decode(errors="replace").rstrip("\n")
        except FileNotFoundError:
            return None
    if is_s3(home.places.bronze):
        _known[home.places.bronze] = found
    return found


def _beside(home: Home) -> BronzeStore:
    """Return where the origin is noted: in the home, or with a bronze that homes share, which is of one market too."""
    return store_of(home.bronze_store if home.places.bronze else home.root)


@dataclass(frozen=True, slots=True)
class HomeTime:
    """What time it is in a home.

    Attributes
    ----------
    simulated : datetime
        What its clock says, or said when it was set going.
    since : datetime or None
        The real moment at which it was set going; None while it stands still.
    """

    simulated: datetime
    since: datetime | None = None

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.since is not None

    def clock(self, machine: Clock) -> Clock:
        """Return that clock, driven by the clock of the machine."""
        if self.since is None:
            return FrozenClock(self.simulated)
        return ShiftedClock(machine, since=self.since, start=self.simulated)


def read_time(home: Home) -> HomeTime | None:
    """Return the time of a home that has one of its own, or None: it lives in real time.

    Raises
    ------
    HomeError
        If the file that remembers it is damaged.
    """
    with storage_errors(home.clock):
        try:
            body = home.clock.read_bytes()
        except FileNotFoundError:
            return None
    try:
        document = json.loads(body)
        since = document["since"]
        return HomeTime(parse_moment(document["simulated"]), None if since is None else parse_moment(since))
    except (ValueError, KeyError, TypeError, AttributeError, AssayError):
        todo = "restore it from a backup, or choose another ASSAY_HOME"
        raise HomeError("the file with the home's simulated time is damaged", value=home.clock, todo=todo) from None


def write_time(home: Home, time: HomeTime) -> None:
    """Remember the time of a home; whoever opens it from now on lives in it."""
    since = None if time.since is None else time.since.isoformat()
    document = {"simulated": time.simulated.isoformat(), "since": since}
    write_atomically(home.clock, json.dumps(document).encode() + b"\n")
