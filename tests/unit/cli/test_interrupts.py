"""A signal where exceptions are forgotten is not lost: it comes a moment later."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# The import forgets whatever goes wrong in it, as libraries do with others that they can do without.
SCRIPT = """
import sys, time
from assay.cli.interrupts import Interrupts
Interrupts().install()
try:
    try:
        if sys.argv[1] == "import":
            import raises
        else:
            exec(open("raises.py").read())
    except BaseException:
        if sys.argv[1] == "import":
            sys.exit("it was lost")
        raise
    time.sleep(600)
except KeyboardInterrupt as raised:
    print(type(raised).__name__, "raises" in sys.modules)
"""


@pytest.mark.parametrize(("number", "kind"), [(2, "KeyboardInterrupt"), (15, "Terminated")])
@pytest.mark.parametrize("where", ["import", "own code"])
def test_interrupt_in_an_import_comes_when_the_import_is_done(
    tmp_path: Path, number: int, kind: str, where: str
) -> None:
    (tmp_path / "raises.py").write_text(f"import signal\nsignal.raise_signal({number})\n", encoding="utf-8")
    words = [sys.executable, "-c", SCRIPT, where]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert (done.stdout, done.stderr) == (f"{kind} {where == 'import'}\n", "")


# As mashumaro writes it for a field of several types.
READS = """
import signal, sys, time
from assay.cli.interrupts import Interrupts

def __mashumaro_from_dict__():
    for _ in range(2):
        try:
            signal.raise_signal(int(sys.argv[1]))
        except:
            sys.exit("it was lost")

Interrupts().install()
try:
    __mashumaro_from_dict__()
    time.sleep(600)
except KeyboardInterrupt as raised:
    print(type(raised).__name__)
"""


@pytest.mark.parametrize(("number", "kind"), [(2, "KeyboardInterrupt"), (15, "Terminated")])
def test_interrupt_while_dbt_reads_its_project_comes_when_it_has_read(number: int, kind: str) -> None:
    words = [sys.executable, "-c", READS, str(number)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert (done.stdout, done.stderr) == (f"{kind}\n", "")
