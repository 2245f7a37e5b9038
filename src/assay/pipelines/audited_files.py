"""What people bring to be audited: a function in a Python file, a SQL model, a file of bars or of a finished table."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from assay.domain.errors import BadInputError
from assay.evidence.causality import Audit, Subject, audit
from assay.evidence.causality.prove import Density

_KEYS = ("open_time", "close_time", "available_at")


@dataclass(frozen=True, slots=True)
class FileOptions:
    """Columns of what is computed, and how densely to look; as of ``AuditRequest``."""

    target: str = ""
    known_at: str = ""
    density: Density = "sampled"
    seed: int = 0


def audit_file(text: str, bars: pl.DataFrame, options: FileOptions) -> Audit:
    """Audit ``FILE.py:function`` or ``FILE.sql`` over bars.

    A function takes the bars as a frame of Polars, or of pandas with the open time as its index: the annotation of its
    first parameter says which, else Polars is tried first. One that takes nothing returns an audit of its own.

    Raises
    ------
    BadInputError
        If the file or the function is not there, cannot be loaded, or fails on the bars.
    """
    name, _, function = text.partition(":")
    path = Path(name).expanduser()
    if not path.is_file():
        raise BadInputError("no such file", value=path, todo="give the path of a .py or .sql file")
    if path.suffix == ".sql":
        return _audit(sql_subject(path), bars, options)
    if not function:
        raise BadInputError("no function named", value=text, todo=f"write {path.name}:name_of_the_function")
    found = load_function(path, function)
    taken = [one for one in inspect.signature(found).parameters.values() if one.default is one.empty]
    if not taken:
        return _own_audit(found, text)
    subject = Subject(f"{path.name}:{function}", found)
    kind = str(taken[0].annotation)
    if "pandas" in kind or kind.startswith("pd."):
        return _audit(subject, _as_pandas(bars), options)
    if "polars" in kind or kind.startswith("pl."):
        return _audit(subject, bars, options)
    try:
        return _audit(subject, bars, options)
    except BadInputError as of_polars:
        if of_polars.__cause__ is None:  # not the function has failed, but what it made or was asked for is wrong
            raise
        try:
            return _audit(subject, _as_pandas(bars), options)
        except BadInputError as of_pandas:
            value = f"polars: {of_polars.value}; pandas: {of_pandas.value}"
            raise BadInputError(of_polars.what, value=value, todo=of_polars.todo) from of_pandas


def load_function(path: Path, name: str) -> Callable[..., Any]:
    """Return a function of a Python file.

    Raises
    ------
    BadInputError
        If the file cannot be run, or has no such function.
    """
    module_name = f"assay_audited_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    # What stands beside the file can be imported from it, as when Python runs it.
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever a stranger's file raises
        value = f"{type(error).__name__}: {error}"
        raise BadInputError(
            f"{path.name} cannot be loaded", value=value, todo="run it with Python by itself"
        ) from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    found = getattr(module, name, None)
    if not callable(found):
        there = [
            key for key, value in vars(module).items() if inspect.isfunction(value) and value.__module__ == module_name
        ]
        todo = f"it has {', '.join(there)}" if there else "it has no functions"
        raise BadInputError(f"no such function in {path.name}", value=name, todo=todo)
    return found  # type: ignore[no-any-return]


def sql_subject(path: Path) -> Subject:
    """Return a SQL model as a subject: one SELECT of DuckDB over the table ``bars``.

    Raises
    ------
    BadInputError
        If it cannot be read, or is something else.
    """
    import duckdb  # noqa: PLC0415  # a second of start-up

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise BadInputError("a file that cannot be read", value=path, todo="write it as UTF-8 text") from error
    # One thread: sums in another order have other last digits. And nothing but the bars can be read.
    connection = duckdb.connect(config={"threads": 1, "enable_external_access": False})
    try:
        statements = connection.extract_statements(text)
    except duckdb.Error as error:
        raise BadInputError(f"{path.name} is not SQL", value=_line(error), todo="write one SELECT over bars") from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise BadInputError(f"{path.name} is not one SELECT", value=len(statements), todo="write one SELECT over bars")

    def select(bars: pl.DataFrame) -> pl.DataFrame:
        connection.register("bars", bars.to_arrow())
        try:
            return connection.execute(text).pl()
        finally:
            connection.unregister("bars")

    return Subject(path.name, select, code=text)


def read_table(path: Path) -> pl.DataFrame:
    """Read a Parquet or CSV file; a column of times becomes moments in UTC.

    Raises
    ------
    BadInputError
        If it is not there or is none.
    """
    if not path.is_file():
        raise BadInputError("no such file", value=path, todo="give a .parquet or .csv file")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        frame = pl.read_csv(path, try_parse_dates=True, infer_schema_length=10_000)
    except (pl.exceptions.PolarsError, OSError) as error:
        todo = "give Parquet, or CSV with a header"
        raise BadInputError(f"{path.name} cannot be read as a table", value=_line(error), todo=todo) from error
    return frame


def _audit(subject: Subject, frame: Any, options: FileOptions) -> Audit:  # noqa: ANN401
    named = Subject.of(subject, target=options.target, known_at=options.known_at)
    return audit(named, frame, density=options.density, seed=options.seed)


def _own_audit(function: Callable[..., Any], text: str) -> Audit:
    try:
        found = function()
    except (Exception, SystemExit) as error:  # whatever a stranger's function raises
        raise BadInputError(
            f"{text} fails", value=f"{type(error).__name__}: {error}", todo="run it by itself"
        ) from error
    if not isinstance(found, Audit):
        todo = "take the bars as a parameter, or return what audit, audit_label, audit_fit or audit_split returns"
        raise BadInputError(f"{text} takes no bars and returns no audit", value=type(found).__name__, todo=todo)
    return found


def _as_pandas(bars: pl.DataFrame) -> Any:  # noqa: ANN401
    try:
        return bars.to_pandas().set_index("open_time")
    except ImportError as error:
        todo = "install pandas, or take a frame of Polars"
        raise BadInputError("a function of pandas, which is not installed", value=error, todo=todo) from error


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
