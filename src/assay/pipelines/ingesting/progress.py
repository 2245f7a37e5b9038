"""How a run says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Told by how much what was done, and what is to do, have grown."""


def silent(_done: int, _more: int) -> None:
    """Tell nobody."""
