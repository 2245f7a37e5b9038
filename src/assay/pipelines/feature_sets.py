"""Which feature set a name means: shipped, declared in a file of ``features.sets``, or named on the spot.

Indicators of people's own (``features.steps``) become known here, so that every use case that takes the name of a set
or of an indicator knows them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

import yaml

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.features.declared import DeclaredSet, declared_set, set_of_texts
from assay.features.higher import check_interval
from assay.features.own import read_own_steps
from assay.features.referenced import held_against
from assay.features.registry import known_steps, use_own_steps
from assay.features.sets import FEATURE_SETS
from assay.pipelines.workspace import Workspace
from assay.settings import load_document

_MINUTE, _HOUR = Interval.parse("1m"), Interval.parse("1h")


def find_own_steps(workspace: Workspace) -> tuple[BadInputError, ...]:
    """Make the indicators of the files in ``features.steps`` known to this process; return what is wrong with files.

    A file with a fault is left out as a whole; the others count. A server calls this when it begins.
    """
    found = read_own_steps(_paths(workspace, workspace.settings.features.steps))
    use_own_steps(found.steps)
    return found.problems


def know_own_steps(workspace: Workspace) -> None:
    """Make the indicators of the files in ``features.steps`` known to this process.

    Raises
    ------
    BadInputError
        If a file is not there or cannot be used: the first of them.
    """
    problems = find_own_steps(workspace)
    if problems:
        raise problems[0]


def known_sets(workspace: Workspace, interval: Interval = _HOUR) -> dict[str, DeclaredSet]:
    """Return the feature sets by name: those that are shipped and those of the files in ``features.sets``.

    Lengths of time in usual names (``Price_momentum_3h``) are counted in bars of `interval`.

    Raises
    ------
    BadInputError
        If a file cannot be read, declares none, or takes a name that is taken; or one of ``features.steps`` is wrong.
    """
    know_own_steps(workspace)
    files = _files_of_sets(workspace)
    return {name: DeclaredSet(one) for name, one in FEATURE_SETS.items()} | {
        name: _read(path, interval) for name, path in files.items()
    }


def find_set(workspace: Workspace, name: str, interval: Interval) -> DeclaredSet:
    """Return the feature set called `name`, shipped or of a file; over bars of `interval`.

    Raises
    ------
    BadInputError
        If there is none; and as :func:`known_sets`.
    """
    know_own_steps(workspace)
    files = _files_of_sets(workspace)
    if name in FEATURE_SETS:
        return DeclaredSet(FEATURE_SETS[name])
    if name not in files:
        names = sorted([*FEATURE_SETS, *files])
        near = difflib.get_close_matches(name, names, n=1)
        todo = f"did you mean {near[0]}?" if near else f"use one of {', '.join(names)}"
        raise BadInputError("unknown feature set", value=name, todo=todo)
    return _read(files[name], interval)


def chosen_set(workspace: Workspace, features: str, interval: Interval) -> DeclaredSet:
    """Return the set of that name, or one of what is named with commas between: ``rsi:14,MACD_signal``.

    Raises
    ------
    BadInputError
        If a name is none; and as :func:`known_sets`.
    """
    know_own_steps(workspace)
    names = {*FEATURE_SETS, *_files_of_sets(workspace)}
    if features in names:
        return find_set(workspace, features, interval)
    texts = [text for text in features.split(",") if text.strip()]
    if not texts:
        raise BadInputError("no features named", value=features, todo="name a set, or Steps such as rsi:14,ema:26")
    try:
        return set_of_texts(texts, interval)
    except BadInputError:
        if len(texts) == 1 and any(features.startswith(name[:4]) for name in names):
            find_set(workspace, features, interval)  # it looks like the name of a set: say which is near
        raise


def check_bars(chosen: DeclaredSet, interval: Interval) -> DeclaredSet:
    """Return the set, if all of it can be computed over bars of `interval`.

    Raises
    ------
    BadInputError
        If a Step is of bars of a longer interval that these do not make: ``rsi:14@4h`` over days.
    """
    for step in chosen.feature_set.steps:
        check_interval(step, interval)
    return chosen


def held(chosen: DeclaredSet, reference: str) -> DeclaredSet:
    """Return the set with every Step that reads a reference, and names none, held against `reference`.

    Raises
    ------
    BadInputError
        If there is such a Step and `reference` is empty or no name of one.
    """
    made = held_against(chosen.feature_set, reference)
    now = dict(zip(chosen.feature_set.columns, made.columns, strict=True))
    aliases = {now[column]: name for column, name in chosen.aliases.items()}
    return DeclaredSet(made, aliases, tuple(now[column] for column in chosen.columns))


def _files_of_sets(workspace: Workspace) -> dict[str, Path]:
    """Return the file of each set that people declared, by name, every file read and none wrong."""
    found: dict[str, Path] = {}
    for path in _paths(workspace, workspace.settings.features.sets):
        # Over minutes, in which any length of time can be counted: what a set means over the bars that are asked for
        # is a question to that set alone.
        name = _read(path, _MINUTE).feature_set.name
        if name in FEATURE_SETS or name in found:
            todo = f"call the set in {path} something else"
            raise BadInputError("two feature sets of one name", value=name, todo=todo)
        if name in known_steps():
            todo = f"call the set in {path} something else"
            raise BadInputError("a feature set with the name of an indicator", value=name, todo=todo)
        found[name] = path
    return found


def _paths(workspace: Workspace, texts: Iterable[str]) -> list[Path]:
    """Return what settings name; a path that is not absolute begins in the home."""
    return [workspace.home.root / Path(text).expanduser() for text in texts]


def _read(path: Path, interval: Interval) -> DeclaredSet:
    try:
        document = load_document(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeError) as error:
        todo = getattr(error, "strerror", None) or "write it as UTF-8 text"
        raise BadInputError("a file of features.sets cannot be read", value=path, todo=todo) from error
    except yaml.YAMLError as error:
        raise BadInputError("a feature set that is not YAML", value=path, todo=" ".join(str(error).split())) from error
    except RecursionError as error:
        todo = "put fewer brackets into one another"
        raise BadInputError("a file of features.sets goes too deep", value=path, todo=todo) from error
    try:
        return declared_set(document, interval)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error.what}", value=error.value, todo=error.todo) from error
