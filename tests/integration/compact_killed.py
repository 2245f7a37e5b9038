"""Child of a test: bronze of a home is put together, killed when it comes to a point for the n-th time.

Usage: python compact_killed.py HOME BEFORE REPLACED_BEFORE POINT HIT
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import date, datetime
from pathlib import Path

from assay.domain.points import Point, observed
from assay.lake.bronze_store import store_of
from assay.lake.compaction import compact
from assay.lake.day_notes import DayNotes
from assay.lake.home import Home


def main(root: str, before: str, replaced_before: str, named: str, hit: str) -> None:
    """Put batches together and remove what packs stand for."""
    home, left = Home(Path(root)), int(hit)

    def observer(point: Point) -> None:
        nonlocal left
        left -= point is Point(named)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with observed(observer):
        notes, moment = DayNotes(home, "compacted"), datetime.fromisoformat(replaced_before)
        compact(store_of(home.bronze_store), notes, before=date.fromisoformat(before), replaced_before=moment)


if __name__ == "__main__":
    main(*sys.argv[1:])
