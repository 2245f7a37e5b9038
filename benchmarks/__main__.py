"""``python -m benchmarks [F10 F11 ...] [--quick] [--out DIR]``: run the benchmarks and write one table."""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.harness import Figure
from benchmarks.lakes import Stage

BENCHMARKS = {
    "F1": "f1_steps",
    "F2": "f2_stream",
    "F3": "f3_many",
    "F4": "f4_backtest",
    "F5": "f5_sweep",
    "F9": "f9_klines_pages",
    "F10": "f10_silver",
    "F11": "f11_refresh",
    "F12": "f12_correlation",
    "F15": "f15_predict",
    "F16": "f16_api",
    "F17": "f17_chart",
    "F18": "f18_start",
    "F19": "f19_demo",
    "archive": "archive",
    "audit": "audit",
}
"""Id to module; a module has ``run(stage)``, which yields its figures."""


def main() -> int:
    """Run what is asked for, everything by default; a missed goal is reported and not an error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios to a peer of the same run.")
    parser.add_argument("ids", nargs="*", metavar="ID", help=f"of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that everything runs")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="where bench.json and bench.md go")
    asked = parser.parse_args()
    unknown = sorted(set(asked.ids) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    about = report.conditions(is_quick=asked.quick)
    figures: list[Figure] = []
    text = ""
    scratch = Path(tempfile.mkdtemp(prefix="assay-bench-"))
    try:
        stage = Stage(scratch, asked.quick)
        for one in asked.ids or BENCHMARKS:
            print(f"{one} ...", file=sys.stderr, flush=True)
            for figure in importlib.import_module(f"benchmarks.{BENCHMARKS[one]}").run(stage):
                figures.append(figure)
                # After each, so that an interrupted run leaves what it has.
                text = report.write(asked.out, about, figures)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
