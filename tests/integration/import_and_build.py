"""A process of its own that imports a folder of hourly BTC-USDT files and builds; made to be killed.

Usage: python import_and_build.py HOME FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake.recordings import RecordingSpec
from assay.pipelines.building import build
from assay.pipelines.importing import import_path
from assay.pipelines.workspace import open_workspace
from assay.settings import Settings
from tests.integration.homes import ONE_THREAD


def main(home: str, folder: str) -> None:
    workspace = open_workspace(Settings(home=Path(home), lake=ONE_THREAD))
    spec = RecordingSpec("binance", Market.SPOT, Interval.parse("1h"), Symbol.parse("BTC-USDT"))
    print("importing", flush=True)
    for _ in import_path(workspace, Path(folder), spec):
        pass
    print("building", flush=True)
    build(workspace)
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
