"""A process of its own that imports files one after the other, builds after each, and makes everything anew in the end.

Usage: python build_in_waves.py HOME FOLDER WAVES
"""

from __future__ import annotations

import sys
from pathlib import Path

from assay.pipelines.building import build
from tests.integration.conftest import NOW, bring_in, open_frozen


def main(home: str, folder: str, waves: str) -> None:
    workspace = open_frozen(Path(home), NOW)
    for wave in range(2, int(waves) + 1):
        bring_in(workspace, Path(folder) / f"{wave}.csv", recorded_at=NOW)
        build(workspace)
    build(workspace, full_refresh=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
