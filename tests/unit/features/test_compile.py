from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SRC = Path(__file__).parents[3] / "src"

CALLEE = "def shifted(x):\n    return x + 1.0\n"

SCRIPT = """
import json, sys
from dataclasses import dataclass
from pathlib import Path
from assay.features.compile import use_cache_dir
from assay.features.drivers import compiled_loop, run_batch
from assay.features.indicators.ema import Ema
from assay.features.bars import Bar, Bars
from assay.features.registry import STEPS
from assay.features.sets import DIRECTION
from callee import shifted
import kernels

before = "numba" in sys.modules
use_cache_dir(Path(sys.argv[1]))

class Shift(Ema):
    @property
    def kernel(self):
        return kernels.kernel

values, _ = run_batch(Shift(2), Bars.of([Bar(0, 1, 5.0, 5.0, 5.0, 5.0, 5.0)]))
stats = compiled_loop(kernels.kernel).stats
print(json.dumps({
    "value": values[0, 0], "hits": sum(stats.cache_hits.values()), "misses": sum(stats.cache_misses.values()),
    "numba_before": before, "numba_after": "numba" in sys.modules,
}))
"""

KERNELS = """
from callee import shifted

def kernel(state, window, bar, params):
    return state, (shifted(bar.close),)
"""


def run(folder: Path, cache: Path) -> dict[str, object]:
    """Run the script in a process of its own, as the next start of the program would."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    environment["PYTHONPATH"] = os.pathsep.join((str(SRC), str(folder)))
    command = [sys.executable, str(folder / "script.py"), str(cache)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_kernels_are_compiled_once_and_again_when_code_they_call_is_edited(tmp_path: Path) -> None:
    folder, cache = tmp_path / "code", tmp_path / "home" / "cache" / "numba"
    folder.mkdir()
    for name, text in {"callee.py": CALLEE, "kernels.py": KERNELS, "script.py": SCRIPT}.items():
        (folder / name).write_text(text)

    first = run(folder, cache)
    assert first == {"value": 6.0, "hits": 0, "misses": 1, "numba_before": False, "numba_after": True}
    assert list(cache.rglob("*.nbi")), "nothing was cached where asked"

    again = run(folder, cache)
    assert (again["value"], again["hits"], again["misses"]) == (6.0, 1, 0)

    # Same length and an old date: nothing but the code itself can give the edit away.
    stamp = (folder / "kernels.py").stat().st_mtime
    (folder / "callee.py").write_text(CALLEE.replace("1.0", "3.0"))
    os.utime(folder / "callee.py", (stamp, stamp + 2))
    edited = run(folder, cache)
    assert (edited["value"], edited["misses"]) == (8.0, 1)
