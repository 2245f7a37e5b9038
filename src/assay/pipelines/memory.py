"""Memory that was freed and will be wanted again in a moment."""

from __future__ import annotations

import ctypes
import functools

_TRIM_THRESHOLD = -1
_KEPT_BYTES = 1 << 30


@functools.cache
def keep_freed_memory() -> None:
    """Let this process keep up to a gigabyte that it has freed, in place of giving it back and asking for it anew.

    Work on arrays of some megabytes frees and asks thousands of times; with glibc's own threshold a third of the time
    of a backfill goes there. Other C libraries are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
