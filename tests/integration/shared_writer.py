"""A process of its own that brings files of hourly bars one by one into a lake that others share; made to be killed.

Usage: python -m tests.integration.shared_writer HOME FOLDER SYMBOL, with the places of the lake in the environment.
"""

from __future__ import annotations

import sys
from pathlib import Path

from assay.domain.clock import FrozenClock
from assay.pipelines.building import build
from assay.pipelines.workspace import open_workspace
from assay.settings import load_settings
from tests.integration.conftest import NOW, bring_in


def main(home: str, folder: str, symbol: str) -> None:
    workspace = open_workspace(load_settings({"home": home}), clock=FrozenClock(NOW))
    for file in sorted(Path(folder).glob("*.csv")):
        if bring_in(workspace, file, symbol, recorded_at=NOW).is_new:
            build(workspace)
    build(workspace)


if __name__ == "__main__":
    main(*sys.argv[1:])
