"""A signal where exceptions are forgotten is not lost: it comes a moment later, and once it is in hand never again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# The import forgets whatever goes wrong in it, as libraries do with others that they can do without.
SCRIPT = """
import sys, time
from assay.cli.interrupts import Interrupts
interrupts = Interrupts()
interrupts.install()
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
    interrupts.end()
"""


@pytest.mark.parametrize(("number", "kind"), [(2, "Interrupted"), (15, "Terminated")])
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

interrupts = Interrupts()
interrupts.install()
try:
    __mashumaro_from_dict__()
    time.sleep(600)
except KeyboardInterrupt as raised:
    print(type(raised).__name__)
    interrupts.end()
"""


@pytest.mark.parametrize(("number", "kind"), [(2, "Interrupted"), (15, "Terminated")])
def test_interrupt_while_dbt_reads_its_project_comes_when_it_has_read(number: int, kind: str) -> None:
    words = [sys.executable, "-c", READS, str(number)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert (done.stdout, done.stderr) == (f"{kind}\n", "")


# Where Python itself forgets what is raised, and where somebody else's code does.
FORGETS = """
import signal, sys, time, weakref
from assay.cli.interrupts import Interrupts

class Kept:
    pass

def finalizer():
    kept = Kept()
    weakref.finalize(kept, signal.raise_signal, int(sys.argv[1]))
    del kept

def library():
    try:
        signal.raise_signal(int(sys.argv[1]))
    except BaseException:
        pass

interrupts = Interrupts()
interrupts.install()
try:
    globals()[sys.argv[2]]()
    time.sleep(600)
except KeyboardInterrupt as raised:
    print(type(raised).__name__)
    interrupts.end()
"""


@pytest.mark.parametrize(("number", "kind"), [(2, "Interrupted"), (15, "Terminated")])
@pytest.mark.parametrize("where", ["finalizer", "library"])
def test_interrupt_that_is_forgotten_comes_again(number: int, kind: str, where: str) -> None:
    words = [sys.executable, "-c", FORGETS, str(number), where]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert (done.stdout, done.stderr) == (f"{kind}\n", "")


# Longer than it takes to look again, each where an interrupt that is on its way can be.
ENDS_IN_ORDER = """
import asyncio, contextlib, signal, time
from assay.cli.interrupts import Interrupts

class Held:
    def __enter__(self):
        return self
    def __exit__(self, *_):
        time.sleep(0.3)
        print("exit")

async def told():
    try:
        signal.raise_signal(15)
        await asyncio.sleep(600)
    finally:
        time.sleep(0.3)
        print("task")

interrupts = Interrupts()
interrupts.install()
try:
    with Held():
        try:
            try:
                asyncio.run(told())
            finally:
                time.sleep(0.3)
                with contextlib.suppress(ValueError):
                    raise ValueError
                print("finally")
        except KeyboardInterrupt as interrupt:
            time.sleep(0.3)
            print("except")
            raise RuntimeError from interrupt
except RuntimeError:
    time.sleep(0.3)
    print("end")
    interrupts.end()
time.sleep(0.3)
print("over")
"""


def test_interrupt_that_is_in_hand_does_not_come_again() -> None:
    words = [sys.executable, "-c", ENDS_IN_ORDER]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert (done.stdout.split(), done.stderr) == (["task", "finally", "except", "exit", "end", "over"], "")


# Python looks at what leaves a text that it runs, such as the methods that it writes for a dataclass.
IN_A_TEXT = """
import signal, sys
from assay.cli.interrupts import Interrupts
interrupts = Interrupts()
interrupts.install()
try:
    exec("signal.raise_signal(2)")
except KeyboardInterrupt:
    interrupts.end()
    sys.exit(130)
"""


def test_interrupt_that_was_handled_leaves_the_exit_code_alone(tmp_path: Path) -> None:
    (tmp_path / "command.py").write_text(IN_A_TEXT, encoding="utf-8")
    words = [sys.executable, "-m", "command"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (130, "")
