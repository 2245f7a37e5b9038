"""The source of a computation: the function, what it calls in its own module, and the constants it reads.

>>> "digest" in source_of(source_of)
False
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

_PLAIN = (int, float, str, bytes, bool, type(None), tuple, frozenset)


def source_of(function: Callable[..., Any]) -> str:
    """Return text that changes when the code of `function` does: its own, and that of its module which it uses.

    Comments, docstrings and layout do not count. Where there is no source (typed at a prompt), the bytecode stands in.
    """
    seen: dict[int, str] = {}
    _add(function, seen, module=_module_of(function))
    return "\n".join(seen.values())


def functions_of(function: Callable[..., Any]) -> list[FunctionType]:
    """Return the plain functions behind a callable, those of its own module that it calls included."""
    found: dict[int, FunctionType] = {}
    waiting: list[object] = [function]
    module = _module_of(function)
    while waiting:
        one = _plain_function(waiting.pop())
        if one is None or id(one) in found or (one.__module__ != module and found):
            continue
        found[id(one)] = one
        waiting.extend(value for _, value in used(one))
    return list(found.values())


def used(function: FunctionType) -> Iterator[tuple[str, object]]:
    """Yield the globals and the enclosed values that a function reads, by name."""
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not bound yet
            continue


def _add(one: object, seen: dict[int, str], *, module: str) -> None:
    function = _plain_function(one)
    if function is None:
        if isinstance(one, type) and one.__module__ == module and id(one) not in seen:
            seen[id(one)] = _text(one)
        return
    if id(function) in seen or (function.__module__ != module and seen):
        return
    seen[id(function)] = _text(function)
    for name, value in used(function):
        if isinstance(value, _PLAIN):
            seen[id(function)] += f"{name} = {value!r}\n"
        else:
            _add(value, seen, module=module)


def _plain_function(one: object) -> FunctionType | None:
    while isinstance(one, functools.partial):
        one = one.func
    one = inspect.unwrap(one) if callable(one) else one
    one = getattr(one, "__func__", one)
    if not isinstance(one, FunctionType) and not isinstance(one, type) and callable(one):
        one = getattr(type(one).__call__, "__func__", type(one).__call__)
    return one if isinstance(one, FunctionType) else None


def _module_of(function: Callable[..., Any]) -> str:
    plain = _plain_function(function)
    return "" if plain is None else str(plain.__module__)


def _names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return set(code.co_names).union(*(_names(one) for one in inner))


def _text(one: FunctionType | type) -> str:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(one)))
    except (OSError, TypeError, SyntaxError):
        # A lambda in the middle of a line, or code without a file.
        return _bytecode(one.__code__) if isinstance(one, FunctionType) else one.__qualname__
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree) + "\n"


def _bytecode(code: CodeType) -> str:
    inner = [_bytecode(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {inner}\n"
