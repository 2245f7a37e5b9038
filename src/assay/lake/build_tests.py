"""What the quality tests said when tables were last built: kept beside the catalogue, whether they passed or not.

A refresh that fails leaves its reasons here, so that a page can show them. They are of that build and of the rows that
it touched; a build that has nothing to do runs no tests and leaves the file as it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from assay.lake.home import Home
from assay.lake.storage import storage_errors, write_atomically

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class TestResult:
    """What became of one quality test, or of a model that could not be built.

    Attributes
    ----------
    name : str
    kind : str
        ``test`` or ``model``.
    status : str
        pass, warn, fail, error or skipped.
    failures : int
        Rows that broke the test.
    message : str
        What is wrong; empty if nothing is.
    """

    __test__ = False  # the name is the field's, and pytest must not take it for its own

    name: str
    kind: str
    status: str
    failures: int
    message: str

    @property
    def is_good(self) -> bool:
        """Whether the next layer may be built on it."""
        return self.status in ("pass", "warn", "success")


@dataclass(frozen=True, slots=True)
class BuildTests:
    """The tests of one build, the failed ones first. `is_whole` is false if it stopped before its last test."""

    built_at: datetime
    is_whole: bool
    results: tuple[TestResult, ...]

    @property
    def failed(self) -> tuple[TestResult, ...]:
        """Those that stopped the build."""
        return tuple(one for one in self.results if not one.is_good and one.status != "skipped")

    @property
    def test_count(self) -> int:
        """How many of the results are of tests; the others are of tables that could not be built."""
        return sum(one.kind == "test" for one in self.results)


def write_build_tests(home: Home, tests: BuildTests) -> None:
    """Replace what is kept.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    document = {
        "format": _FORMAT,
        "built_at": tests.built_at.isoformat(),
        "is_whole": tests.is_whole,
        "results": [asdict(one) for one in tests.results],
    }
    write_atomically(_path(home), json.dumps(document).encode() + b"\n")


def read_build_tests(home: Home) -> BuildTests | None:
    """Return the tests of the last build, or None if there was none or the file cannot be understood."""
    with storage_errors(_path(home)):
        try:
            text = _path(home).read_bytes()
        except FileNotFoundError:
            return None
    try:
        fields = json.loads(text)
        if fields["format"] != _FORMAT:
            return None
        results = tuple(TestResult(**one) for one in fields["results"])
        return BuildTests(datetime.fromisoformat(fields["built_at"]), bool(fields["is_whole"]), results)
    except (ValueError, KeyError, TypeError):
        return None


def ordered(results: Sequence[TestResult]) -> tuple[TestResult, ...]:
    """Return the results with the failed ones first, then by name."""
    return tuple(sorted(results, key=lambda one: (one.is_good, one.status == "skipped", one.name)))


def _path(home: Home) -> Path:
    return home.build_tests
