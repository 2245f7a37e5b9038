"""The moments at which a process that dies must leave nothing wrong behind, each with a name.

Whatever writes passes its point right after a step that another step follows. Nothing happens there, unless a test put
an observer in, which kills the process: so every one of these moments is tried by name, and not left to luck.

>>> with observed(lambda point: print("at", point.value)):
...     reached(Point.BATCH_COMMITTED)
at batch_committed
>>> reached(Point.BATCH_COMMITTED)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum


class Point(StrEnum):
    """A named moment between two writes."""

    FILE_WRITTEN = "file_written"
    """A file's content is on the disk under a temporary name."""
    FILE_NAMED = "file_named"
    """It has its name; its directory is not flushed yet."""
    STATE_BEGUN = "state_begun"
    """A file that processes share is about to be replaced, and the place of its new text is made; nothing is in it."""
    STATE_WRITTEN = "state_written"
    """The new text is there, under the other name."""
    STATE_REMOVED = "state_removed"
    """The old text is gone; the new one does not have its name yet."""
    BODY_KEPT = "body_kept"
    """The body of a batch is there, and nothing else of it."""
    QUARANTINE_KEPT = "quarantine_kept"
    """So are the rows that cannot be used; the batch is not committed."""
    BATCH_COMMITTED = "batch_committed"
    """The batch is there; nobody was told."""
    PACK_BODIES_KEPT = "pack_bodies_kept"
    """The bodies of many batches are there once more, together; nobody knows of it."""
    PACK_QUARANTINE_KEPT = "pack_quarantine_kept"
    """So are the rows that were set aside of them."""
    PACK_LISTED = "pack_listed"
    """So is the list of them; the pack is not committed."""
    PACK_COMMITTED = "pack_committed"
    """The pack is there, and so are all the files that it stands for."""
    PACKED_REMOVED = "packed_removed"
    """One of these files is gone, and others of the same batch are not."""
    LAKE_WRITTEN = "lake_written"
    """A transaction of the lake has done its work and is not committed."""
    LAKE_COMMITTED = "lake_committed"
    """It is committed; nobody was told."""
    MODEL_WRITTEN = "model_written"
    """A model's rows are in the tables; its transaction is not committed."""
    MODEL_DONE = "model_done"
    """A model or a test of it is done, and the next one has not begun."""
    SILVER_DONE = "silver_done"
    """All of silver is there; the Steps have not begun."""
    STEPS_DONE = "steps_done"
    """So are the Steps' tables; gold has not begun."""
    GOLD_DONE = "gold_done"
    """Everything is there; the batches do not count as published."""


Observer = Callable[[Point], None]
_observers: list[Observer] = []


def reached(point: Point) -> None:
    """Say that the process is at `point`."""
    for observer in _observers:
        observer(point)


def is_observed() -> bool:
    """Return whether anybody listens, where saying it costs something."""
    return bool(_observers)


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Call `observer` at every point that this process reaches in the block, in the thread that reaches it."""
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)
