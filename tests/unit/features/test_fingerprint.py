from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.domain.errors import BadInputError
from assay.features.fingerprint import fingerprint

SOURCE = '''
from collections import namedtuple
from math import sqrt

SCALE = 2.0
Pair = namedtuple("Pair", "left right")

def callee(x: float) -> float:
    """Add one."""
    return x + 1.0

def kernel(x: float) -> float:
    """Double."""
    return SCALE * callee(Pair(x, 0.0).left)

def unrelated(x):
    return x
'''
_count = itertools.count()


def load(folder: Path, source: str, name: str = "kernel") -> Callable[..., object]:
    path = folder / f"made_{next(_count)}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., object] = getattr(module, name)
    return function


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SCALE * callee", "SCALE + callee"),
        ("x + 1.0", "x + 1.5"),
        ("SCALE = 2.0", "SCALE = 3.0"),
        ('"left right"', '"left other"'),
    ],
    ids=["own-code", "code-it-calls", "constant", "field-of-a-tuple"],
)
def test_changes_with(tmp_path: Path, old: str, new: str) -> None:
    assert old in SOURCE
    assert fingerprint(load(tmp_path, SOURCE.replace(old, new))) != fingerprint(load(tmp_path, SOURCE))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Double.", "Times two."),
        ("return SCALE", "# a comment\n    return  SCALE"),
        ("(x: float) -> float", "(x)"),
        ("    return x\n", "    return -x\n"),
    ],
    ids=["docstring", "comment-and-layout", "annotations", "unrelated-function"],
)
def test_does_not_change_with(tmp_path: Path, old: str, new: str) -> None:
    assert old in SOURCE
    assert fingerprint(load(tmp_path, SOURCE.replace(old, new))) == fingerprint(load(tmp_path, SOURCE))


def test_is_the_same_on_every_python() -> None:
    """Saved states outlive the interpreter: the value was computed once, on Python 3.11, 3.12 and 3.13 alike."""
    from assay.features.fingerprint import fingerprint_source

    assert fingerprint_source(SOURCE) == "ee9aec9e3905"


@pytest.mark.parametrize("made", ["t = [1.0]", "import numpy\nt = numpy.ones(1)"], ids=["list", "array"])
def test_refuses_a_kernel_that_reads_what_may_change(tmp_path: Path, made: str) -> None:
    with pytest.raises(BadInputError, match="reads what may change"):
        fingerprint(load(tmp_path, made + "\ndef kernel(x):\n    return t[0]\n"))


def test_refuses_what_is_not_a_plain_function() -> None:
    factor = 2.0
    for thing in (lambda x: factor * x, max, Path):
        with pytest.raises(BadInputError, match="not a kernel"):
            fingerprint(thing)
