"""The shape of the code: sizes, names, layers, and who may ask the machine what."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "assay"
MODULES = sorted(SOURCE.rglob("*.py"))
PYTHON = [*MODULES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py"))]
BELOW_PIPELINES = [
    path for path in MODULES if path.relative_to(SOURCE).parts[0] not in ("cli", "settings", "pipelines")
]
MAX_LINES, MAX_FUNCTION_LINES, MAX_ARGUMENTS = 400, 50, 6
Function = ast.FunctionDef | ast.AsyncFunctionDef


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_lines(text: str) -> set[int]:
    """Return the numbers of the lines with code on them: no blank lines, comments or docstrings."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in silent
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def functions(text: str) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, Function))


def too_large(text: str) -> list[str]:
    """Return what is wrong with the sizes in one module's `text`."""
    lines = code_lines(text)
    found = [f"{len(lines)} lines of code"] if len(lines) > MAX_LINES else []
    for function in functions(text):
        inside = lines & set(range(function.lineno, (function.end_lineno or function.lineno) + 1))
        names = function.args
        arguments = [name.arg for name in (*names.posonlyargs, *names.args, *names.kwonlyargs)]
        count = len([name for name in arguments if name not in ("self", "cls")])
        if len(inside) > MAX_FUNCTION_LINES:
            found.append(f"{function.name} has {len(inside)} lines")
        # A command's parameters are the options of the command line, which are as many as the task needs.
        is_command = any(name.annotation and ast.unparse(name.annotation) == "AsJson" for name in names.args)
        if count > MAX_ARGUMENTS and not is_command:
            found.append(f"{function.name} takes {count} arguments")
    return found


def imports(text: str) -> Iterator[str]:
    """Yield the full name of every imported module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            yield node.module or ""


@pytest.mark.parametrize("path", PYTHON, ids=shown)
def test_module_and_its_functions_are_of_a_size_to_be_read(path: Path) -> None:
    assert too_large(path.read_text(encoding="utf-8")) == []


def test_sizes_beyond_the_limits_are_found() -> None:
    # The check above must be able to fail: 401 lines of code, a function of 51, and one with 7 arguments.
    body = "\n".join(f"    x = {number}" for number in range(50))
    text = f'"""Text."""\n\n# comment\ndef long():\n{body}\n\ndef wide(self, a, b, c, d, *, e, f, g): ...\n'
    rest = "\n".join(f"y = {number}" for number in range(349))
    assert too_large(text) == ["long has 51 lines", "wide takes 7 arguments"]
    assert too_large(text + rest) == ["401 lines of code", "long has 51 lines", "wide takes 7 arguments"]


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "util", "common", "helpers", "helper", "core", "base", "misc"}
    assert [shown(path) for path in PYTHON if {path.stem, *path.relative_to(ROOT).parts[:-1]} & drawers] == []


def test_every_module_says_why_it_exists() -> None:
    assert [shown(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize(
    ("package", "allowed"),
    [("domain", {"assay.domain"}), ("measures", {"assay.domain", "assay.measures", "numpy"})],
)
def test_lowest_layers_import_only_what_they_may(package: str, allowed: set[str]) -> None:
    files = sorted((SOURCE / package).rglob("*.py"))
    if not files:
        pytest.skip(f"{package} is not there yet")
    foreign = {
        f"{shown(path)}: {name}"
        for path in files
        for name in imports(path.read_text(encoding="utf-8"))
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not any(name == prefix or name.startswith(prefix + ".") for prefix in allowed)
    }
    assert foreign == set()


def test_domain_does_no_input_or_output() -> None:
    banned = {"os", "io", "pathlib", "socket", "subprocess", "random", "sqlite3", "urllib", "http", "threading", "time"}
    used = {
        f"{shown(path)}: {name}"
        for path in (SOURCE / "domain").rglob("*.py")
        for name in imports(path.read_text(encoding="utf-8"))
        if name.partition(".")[0] in banned
    }
    assert used == set()


def asks_the_machine(text: str) -> list[str]:
    """Return the calls in `text` that read the clock, the environment or randomness behind the caller's back."""
    patterns = (
        r"(datetime|date)\.(now|utcnow|today)",
        r"time\.(time|time_ns|localtime|gmtime)",  # monotonic and perf_counter only measure how long something takes
        r"os\.(environ\b.*|getenv)",
        r"(np|numpy)\.random\.(?!Generator|default_rng|SeedSequence)\w+",
        r"random\.\w+",
        r"uuid\.uuid[14]",
    )
    found = []
    for node in ast.walk(ast.parse(text)):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        name = called or (ast.unparse(node) if isinstance(node, ast.Attribute) else "")
        unseeded = called.endswith("random.default_rng") and isinstance(node, ast.Call) and not node.args
        if unseeded or any(re.fullmatch(pattern, name) for pattern in patterns):
            found.append(name)
    return sorted(set(found))


MAY_ASK = {
    "src/assay/domain/clock.py": {"datetime.now"},  # SystemClock, which is built above and handed down
    "src/assay/features/compile.py": {"os.environ", "os.environ.setdefault"},  # tells numba where its cache is
    "src/assay/venues/scan_kernel.py": {
        "os.environ",
        "os.environ.setdefault",
    },  # the same choice of numba's, made before it starts
    "src/assay/models/tree_kernel.py": {"os.environ", "os.environ.setdefault"},  # likewise
    "src/assay/lake/storage.py": {"uuid.uuid4"},  # a temporary file's name, which nothing keeps
}


def test_nothing_below_the_pipelines_asks_the_machine() -> None:
    unexpected = {
        f"{shown(path)}: {call}"
        for path in BELOW_PIPELINES
        for call in asks_the_machine(path.read_text(encoding="utf-8"))
        if call not in MAY_ASK.get(shown(path), set())
    }
    assert unexpected == set()


@pytest.mark.parametrize(
    "text",
    [
        "datetime.now(UTC)", "os.environ['X']", "os.getenv('X')", "time.time()", "np.random.normal(3)",
        "np.random.default_rng()", "random.choice(x)", "uuid.uuid4()",
    ],
)  # fmt: skip
def test_asking_the_machine_is_found(text: str) -> None:
    assert asks_the_machine(text) != []


@pytest.mark.parametrize(
    "text", ["clock.now()", "rng.normal(3)", "np.random.default_rng(7)", "time.monotonic()", "time.sleep(1)"]
)
def test_using_what_was_handed_down_is_not_found(text: str) -> None:
    assert asks_the_machine(text) == []
