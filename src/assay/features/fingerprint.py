r"""Short text that changes when the code of a kernel does, and only then.

A number is only comparable with another if the same code made it. A version counter would say so if people never
forgot it; this reads the code itself: the syntax tree of the function and of all functions and constants it uses,
without comments, docstrings, annotations or layout.

>>> fingerprint_source("def f(x): return 2*x") == fingerprint_source("def f(x):\n    # twice\n    return 2 * x")
True
>>> fingerprint_source("def f(x): return 2*x") == fingerprint_source("def f(x): return 3*x")
False
"""

from __future__ import annotations

import ast
import dis
import functools
import hashlib
import inspect
import textwrap
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

from assay.domain.errors import BadInputError

_LENGTH = 12
_CONSTANT = (int, float, str, tuple, type, FunctionType, BuiltinFunctionType, ModuleType)


@functools.cache
def fingerprint(function: Callable[..., object]) -> str:
    """Return 12 hexadecimal digits that identify the code of `function` and of everything it calls.

    Raises
    ------
    BadInputError
        If `function` is not a plain function, or depends on something that may change.
    """
    digest = hashlib.sha256()
    for used in _closure(function):
        digest.update(_plain(inspect.getsource(used)).encode())
        for name, value in sorted(used_globals(used).items()):
            fields = getattr(value, "_fields", value)  # of a NamedTuple the order of its fields counts
            if isinstance(fields, int | float | str | tuple):
                digest.update(f"{name}={fields!r}\n".encode())
    return digest.hexdigest()[:_LENGTH]


def fingerprint_source(source: str) -> str:
    """Return the fingerprint of one function given as text."""
    return hashlib.sha256(_plain(source).encode()).hexdigest()[:_LENGTH]


def plain_function(function: Callable[..., object]) -> FunctionType:
    """Return `function` if it is one written at the top of a module, or raise BadInputError."""
    if not isinstance(function, FunctionType) or function.__closure__:
        todo = "write it at the top of a module, so that it depends on nothing but its arguments"
        raise BadInputError("not a kernel", value=getattr(function, "__qualname__", function), todo=todo)
    return function


def used_globals(function: Callable[..., object]) -> dict[str, object]:
    """Return the module-level names that `function` uses, with what they stand for.

    Raises
    ------
    BadInputError
        If one stands for something that may change, such as a list.
    """
    scope = plain_function(function).__globals__
    found = {name: scope[name] for name in _global_names(plain_function(function).__code__) if name in scope}
    for name, value in found.items():
        if not isinstance(value, _CONSTANT):
            todo = "give it to the kernel as a parameter or keep it in the state"
            raise BadInputError(f"kernel {function.__qualname__} reads what may change", value=name, todo=todo)
    return found


def _global_names(code: CodeType) -> set[str]:
    names = {one.argval for one in dis.get_instructions(code) if one.opname in {"LOAD_GLOBAL", "STORE_GLOBAL"}}
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return names.union(*(_global_names(one) for one in inner))


def _closure(function: Callable[..., object]) -> list[FunctionType]:
    found: dict[FunctionType, None] = {}
    waiting: list[object] = [plain_function(function)]
    while waiting:
        one = waiting.pop()
        if isinstance(one, FunctionType) and one not in found:
            found[one] = None
            waiting.extend(value for _, value in sorted(used_globals(one).items()))
    return list(found)


def _plain(source: str) -> str:
    tree = ast.parse(textwrap.dedent(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.arg):
            node.annotation = None
    return ast.unparse(tree) + "\n"
