"""What the quality tests said when tables were last built: kept beside the catalogue, whether they passed or not.

A refresh that fails leaves its reasons here, with some of the rows that broke each test, so that `assay status`, the
data page, the API and SQL can show them. They are of that build and of the rows that it touched; a build that has
nothing to do runs no tests and leaves the file as it is. Only tests that found something cost anything beyond
themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from assay.lake.home import Home
from assay.lake.storage import storage_errors, write_atomically

Row = Mapping[str, str | None]
"""One row that broke a test, by column; every value as text, null as None."""

BROKEN_RULES = "broken_rules"
"""Column in which a test of several rules says which of them a row broke."""

TEST_RESULTS, FAILING_ROWS = "quality.test_results", "quality.failing_rows"
_TABLES = {
    TEST_RESULTS: "name varchar, table_name varchar, kind varchar, status varchar, is_gate boolean, failures bigint, "
    "message varchar, built_at timestamptz",
    FAILING_ROWS: "name varchar, table_name varchar, position integer, broken_rules varchar, row_values json, "
    "built_at timestamptz",
}
TABLES = tuple(_TABLES)
"""Of SQL; of the last build alone."""
_FORMAT = 2
_MOST_ROWS = 20
_LONGEST_VALUE = 200


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
    table : str
        The table that was tested, as ``schema.table``.
    is_gate : bool
        Whether it stops a build; otherwise it only warns.
    sample : tuple of Row
        The first of those rows in the order of their columns, at most 20.
    """

    __test__ = False  # the name is the field's, and pytest must not take it for its own

    name: str
    kind: str
    status: str
    failures: int
    message: str
    table: str = ""
    is_gate: bool = True
    sample: tuple[Row, ...] = ()

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
    def warned(self) -> tuple[TestResult, ...]:
        """Those that found something and let the build go on."""
        return tuple(one for one in self.results if one.status == "warn")

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
        results = tuple(TestResult(**one | {"sample": tuple(one["sample"])}) for one in fields["results"])
        return BuildTests(datetime.fromisoformat(fields["built_at"]), bool(fields["is_whole"]), results)
    except (ValueError, KeyError, TypeError):
        return None


def ordered(results: Sequence[TestResult]) -> tuple[TestResult, ...]:
    """Return the results with the failed ones first, then those that warn, each by name."""
    ranks = {"warn": 1, "pass": 2, "success": 2, "skipped": 3}
    return tuple(sorted(results, key=lambda one: (ranks.get(one.status, 0), one.name)))


def sample_of(lake: duckdb.DuckDBPyConnection, sql: str) -> tuple[Row, ...]:
    """Return the first rows of what a test found; none if it cannot be asked again.

    Parameters
    ----------
    lake : duckdb.DuckDBPyConnection
        The lake as it was tested.
    sql : str
        The compiled test: a select of the rows that break it.
    """
    try:
        found = lake.execute(f"select columns(*)::varchar from (\n{sql}\n) order by all limit {_MOST_ROWS}")
    except duckdb.Error:  # the test's own result stands, with its number of rows
        return ()
    names = [column[0] for column in found.description]
    return tuple(
        {name: value and value[:_LONGEST_VALUE] for name, value in zip(names, row, strict=True)}
        for row in found.fetchall()
    )


def broken_rules(sample: Iterable[Row]) -> str:
    """Return the rules that the rows broke, in words and each once; empty if the rows do not say."""
    return "; ".join(dict.fromkeys(rules for row in sample if (rules := row.get(BROKEN_RULES))))


def add_tables(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Let SQL on a connection find what is kept as ``quality.test_results`` and ``quality.failing_rows`` in memory.

    Both are empty if there was no build. A row that broke a test is an object of JSON, because each test has columns of
    its own.
    """
    tests = read_build_tests(home)
    results: list[list[object]] = []
    rows: list[list[object]] = []
    for one in tests.results if tests else ():
        built_at = tests.built_at.isoformat() if tests else ""
        verdict = [one.status, one.is_gate, one.failures, one.message]
        results.append([one.name, one.table, one.kind, *verdict, built_at])
        for number, row in enumerate(one.sample, start=1):
            values = {name: value for name, value in row.items() if name != BROKEN_RULES}
            rows.append([one.name, one.table, number, row.get(BROKEN_RULES), values, built_at])
    connection.execute("create schema if not exists memory.quality")
    for (name, columns), found in zip(_TABLES.items(), (results, rows), strict=True):
        types = [column.split()[1] for column in columns.split(", ")]
        casts = ", ".join(
            f"(one->{at})::{kind}" if kind == "json" else f"(one->>{at})::{kind}" for at, kind in enumerate(types)
        )
        connection.execute(f"create table memory.{name} ({columns})")
        connection.execute(
            f"insert into memory.{name} select {casts} from (select unnest(?::json[]) as one)", [json.dumps(found)]
        )


def _path(home: Home) -> Path:
    return home.build_tests
