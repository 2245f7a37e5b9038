"""People's own indicators: files of Python like those in ``indicators/``, read where they lie.

The code of such a file runs with all the rights of whoever runs Assay. Only the settings and the command line name
files; nothing that comes over the network does. A file that cannot be used is refused as a whole, with the line that is
wrong, before anything is computed.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import linecache
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType

from assay.domain.errors import AssayError, BadInputError
from assay.domain.interval import Interval
from assay.features.aliases import USUAL_WORDS, parse_usual
from assay.features.bars import VALUE_COLUMNS
from assay.features.labels import parse_label
from assay.features.own_shape import check_shape
from assay.features.registry import STEPS, StepMaker
from assay.features.sets import FEATURE_SETS
from assay.features.step import Step, parts_of

_PREFIX = "assay_own_"
_MINUTE = Interval.parse("1m")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MEANINGS: dict[str, str] = {
    **dict.fromkeys(("over", "higher", "against"), "an indicator over another one"),
    **dict.fromkeys(VALUE_COLUMNS, "a column of the bars"),
    **dict.fromkeys(FEATURE_SETS, "a feature set"),
    **{word.lower(): "a column of a shipped indicator" for word in USUAL_WORDS},
    "garch": "the volatility of a GARCH",
    "all": "everything that ships",
}
"""Words that mean something already where indicators are named."""


@dataclass(frozen=True, slots=True)
class OwnSteps:
    """What the files of a list hold.

    Attributes
    ----------
    steps : dict of str to class
        By name.
    problems : tuple of BadInputError
        One for each file that cannot be used; its Steps are left out.
    """

    steps: dict[str, StepMaker]
    problems: tuple[BadInputError, ...]


def read_own_steps(places: Sequence[Path]) -> OwnSteps:
    """Return the Steps of files, and of the files of folders, in this order.

    Of a folder every ``*.py`` counts whose name begins with neither ``_`` nor ``.``, as what editors leave behind.
    A name that an earlier file has is a problem of the later one.
    """
    found: dict[str, StepMaker] = {}
    where: dict[str, Path] = {}
    problems = []
    for place in places:
        try:
            files = _files(place)
        except BadInputError as error:
            problems.append(error)
            continue
        for path in files:
            if path in where.values():  # named by itself and with its folder
                continue
            try:
                made = read_file(path)
                _check_names(made, where, path)
            except BadInputError as error:
                problems.append(error)
                continue
            found |= made
            where |= dict.fromkeys(made, path)
    return OwnSteps(found, tuple(problems))


def read_file(path: Path) -> dict[str, StepMaker]:
    """Return the Steps that a file defines, by name, in the order in which they stand there.

    Read again, a file that has not changed gives the same classes.

    Raises
    ------
    BadInputError
        If there is no such file, it is not Python, raises, holds no Step, or one that is not made as Steps are.
    """
    path = path.expanduser().absolute()
    try:
        content = path.read_bytes()
    except OSError as error:
        todo = f"{error.strerror}; correct the path: relative ones begin in the home"
        raise BadInputError("a file of indicators cannot be read", value=path, todo=todo) from error
    return dict(_read(path, content))


@contextlib.contextmanager
def running(*steps: Step) -> Iterator[None]:
    """Say it in one line if code of people's own among `steps` fails; what goes wrong in shipped code is let through.

    Raises
    ------
    BadInputError
        Naming the Step, its file and the line.
    """
    try:
        yield
    except AssayError:
        raise
    except Exception as error:
        own = next((part for step in steps for part in parts_of(step) if is_own(part)), None)
        if own is None:
            raise
        path = file_of(own)
        what = f"indicator {own.name} of {path}{line_of(error, path)} fails with {type(error).__name__}"
        raise BadInputError(what, value=first_line(error), todo=f"run `assay features check {path}`") from error


def is_own(step: Step | StepMaker) -> bool:
    """Whether a Step, or its class, is from a file of people's own."""
    kind = step if isinstance(step, type) else type(step)
    return kind.__module__.startswith(_PREFIX)


def file_of(step: Step | StepMaker) -> Path:
    """Return the file that an own Step is from."""
    kind = step if isinstance(step, type) else type(step)
    return Path(str(sys.modules[kind.__module__].__file__))


def first_line(error: BaseException) -> str:
    """Return what an error says that a person can use: numba's go over many lines, of which most are about itself."""
    lines = [_COLOUR.sub("", line).strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(("Failed in", "During:"))]
    return told[0] if told else type(error).__name__


def line_of(error: BaseException | None, path: Path) -> str:
    """Return ``, line 12``, of the innermost line of the file that an error is about; empty if of none.

    That of a compiler is about lines that nothing went through; it names them in its text.
    """
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    lines = [str(frame.lineno) for frame in frames if frame.filename == str(path)]
    lines = lines or re.findall(rf'File "[^"]*\b{re.escape(path.name)}", line (\d+)', str(error))[:1]
    return f", line {lines[-1]}" if lines else ""


def _files(place: Path) -> list[Path]:
    place = place.expanduser().absolute()
    if not place.exists():
        todo = "correct the path in features.steps: relative ones begin in the home"
        raise BadInputError("a file of indicators is not there", value=place, todo=todo)
    if not place.is_dir():
        return [place]
    return sorted(path for path in place.glob("*.py") if path.is_file() and not path.name.startswith(("_", ".")))


@functools.lru_cache(maxsize=1024)
def _read(path: Path, content: bytes) -> tuple[tuple[str, StepMaker], ...]:
    module = _executed(path, content)
    kinds = {
        id(value): value
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__ and _is_meant(value)
    }
    if not kinds:
        todo = "define one as in docs/how-to/add-an-indicator.md, or begin the file's name with _ to leave it out"
        raise BadInputError("no indicator in the file", value=path, todo=todo)
    found: dict[str, StepMaker] = {}
    for kind in kinds.values():
        place = f"{path}, line {_first_line_number(content, kind.__name__)}"
        try:
            check_shape(kind)
            _check_name(kind.name, found)  # type: ignore[attr-defined]  # check_shape has seen it
        except BadInputError as error:
            what = f"{path}{line_of(error.__cause__, path) or place.removeprefix(str(path))}: {kind.__name__}: "
            raise BadInputError(what + error.what, value=error.value, todo=error.todo) from error
        found[kind.name] = kind  # type: ignore[attr-defined]
    return tuple(found.items())


def _is_meant(kind: type) -> bool:
    """Whether a class is an indicator and not what several of the file have in common."""
    return hasattr(kind, "kernel") and not kind.__name__.startswith("_")


def _executed(path: Path, content: bytes) -> ModuleType:
    """Run a file as a module of its own; what it prints goes to stderr, since stdout is for answers."""
    try:
        text = importlib.util.decode_source(content)
        code = compile(text, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:  # a text that is not UTF-8 is a ValueError
        line = getattr(error, "lineno", None)
        what = f"{path}{f', line {line}' if line else ''}: not Python"
        reason = getattr(error, "msg", None) or str(error)
        raise BadInputError(what, value=reason, todo="correct it") from error
    digest = hashlib.sha256(str(path).encode() + content).hexdigest()[:12]
    module = ModuleType(f"{_PREFIX}{path.stem}_{digest}")
    module.__file__ = str(path)
    # Fingerprints read the source of functions: what was run, and not what somebody writes there later. Python looks
    # whether an entry is stale only if it has a time.
    linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
    sys.modules[module.__name__] = module  # dataclasses look there for the names of annotations
    try:
        with contextlib.redirect_stdout(sys.stderr):
            exec(code, vars(module))  # noqa: S102  # what this module is for; only settings and people name files
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        what = f"{path}{line_of(error, path)}: raises {type(error).__name__} when it is read"
        raise BadInputError(what, value=first_line(error), todo="correct it") from error
    for value in vars(module).values():
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            # A compiled kernel is found again by its code, from whatever file it was; what is kept of it on disk says
            # which module it is of, and another process could not import this one.
            value.__module__ = __name__
    return module


def _first_line_number(content: bytes, name: str) -> int:
    lines = importlib.util.decode_source(content).splitlines()
    starts = (number for number, line in enumerate(lines, start=1) if line.lstrip().startswith(f"class {name}"))
    return next(starts, 1)


def _check_name(name: str, others: dict[str, StepMaker]) -> None:
    if name in STEPS:
        raise BadInputError("an indicator of this name is shipped", value=name, todo="give yours another name")
    meaning = _meaning(name)
    if meaning:
        raise BadInputError("a name that is taken", value=name, todo=f"give yours another name: it means {meaning}")
    if name in others:
        raise BadInputError("two indicators of one name", value=name, todo="give one of them another name")


def _meaning(name: str) -> str:
    """Return what a name means already; empty if nothing."""
    if name in _MEANINGS:
        return _MEANINGS[name]
    with contextlib.suppress(BadInputError):
        parse_usual(name, _MINUTE)  # such as rsi_14
        return "a column of a shipped indicator"
    with contextlib.suppress(BadInputError):
        parse_label(name)  # such as return_24h, which `assay audit` takes as well
        return "a label"
    return ""


def _check_names(made: dict[str, StepMaker], where: dict[str, Path], path: Path) -> None:
    twice = next((name for name in made if name in where), None)
    if twice is not None:
        line = _first_line_number(path.read_bytes(), made[twice].__name__)
        what = f"{path}, line {line}: two indicators of one name"
        raise BadInputError(what, value=twice, todo=f"the other is in {where[twice]}; give one another name")
