"""What market a home holds: the real one, or a simulated one. They are never mixed.

A simulated exchange speaks as Binance does, so nothing in its bars tells them from real ones. The first venue that
fills a home therefore decides what the home is for, once and for all.
"""

from __future__ import annotations

from assay.domain.errors import HomeError
from assay.lake.home import Home
from assay.lake.storage import storage_errors, write_if_absent

REAL = "the real market"
_LONGEST = 200


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
        write_if_absent(home.origin, origin[:_LONGEST].encode() + b"\n")
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
    with storage_errors(home.origin):
        try:
            return home.origin.read_text(encoding="utf-8", errors="replace").rstrip("\n")
        except FileNotFoundError:
            return None
