"""Child of a test: maintenance of a home that is killed at a point; without a point it says which it came to."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from assay.domain.clock import FrozenClock
from assay.domain.points import Point, observed
from assay.pipelines.maintaining import maintain
from assay.pipelines.workspace import open_workspace
from assay.settings import LakeSettings, Settings


def main() -> None:
    """Maintain the home as of a moment of the machine, killed at the n-th point of all."""
    home, moment, killed_at = sys.argv[1], datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])
    seen = 0

    def observer(point: Point) -> None:
        nonlocal seen
        if point in (Point.LAKE_WRITTEN, Point.LAKE_COMMITTED):
            seen += 1
            if seen == killed_at:
                os.kill(os.getpid(), signal.SIGKILL)

    workspace = open_workspace(Settings(home=Path(home), lake=LakeSettings(threads=1)))
    with observed(observer):
        maintain(workspace, machine=FrozenClock(moment))
    print(seen)


if __name__ == "__main__":
    main()
