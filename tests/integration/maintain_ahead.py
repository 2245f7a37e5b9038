"""A process of its own that maintains a home as if two days had passed there, so that today's batches are packed too.

Usage: python -m tests.integration.maintain_ahead HOME; made to be killed.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from assay.domain.clock import FrozenClock
from assay.pipelines.maintaining import maintain
from assay.pipelines.workspace import open_workspace
from assay.settings import load_settings

TWO_DAYS = timedelta(days=2)


def main(home: str) -> None:
    """Maintain it; files and states are as old as they are."""
    workspace = open_workspace(load_settings({"home": home}), create=False)
    maintain(replace(workspace, clock=FrozenClock(datetime.now(UTC) + TWO_DAYS)))


if __name__ == "__main__":
    main(sys.argv[1])
