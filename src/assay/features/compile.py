"""Kernels are plain Python until bars are computed; here they meet numba.

Keeping the functions plain means that the package imports without numba, that a kernel can be run and debugged in
Python, and that a test can hold the compiled code against the interpreted one.

Three choices are about exactness and not about speed: no fastmath, no Intel SVML (its vector ``log`` differs from the
scalar one in the last bit, so a batch would differ from a stream), and a compiled file whose name holds the
fingerprint of all the code inside. Numba's own cache looks only at the outermost file and would serve a stale kernel.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import NamedTuple, cast

from assay.features.fingerprint import fingerprint, plain_function, used_globals

_CHECK_THEIR_PLACES = {f"assay.features.{name}" for name in ("windows", "blocks", "block_kernels", "drivers")}
_CHECK_THEIR_PLACES |= {f"assay.backtest.{name}" for name in ("loop", "bar", "filling", "signal_loop")}
"""The modules whose functions check the places they are given themselves, once a call: they are called so often."""

# A way in from Python and one from C are compiled with a function, used or not. Nobody calls a kernel but the loop
# around it, and nobody calls the loop from C: without them the compiler has a tenth less to do.
_NO_WAYS_IN = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_OUTERMOST = {"cache": True, "error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}


def use_cache_dir(directory: Path) -> None:
    """Keep compiled kernels under `directory`; call it before the first bars are computed.

    The directory may be shared by processes and by versions of Assay: each file's name carries its code's fingerprint.
    Without this call numba writes beside the package, or into the user's cache if it may not.

    Parameters
    ----------
    directory : Path
        Created if absent.
    """
    directory.mkdir(parents=True, exist_ok=True)
    os.environ["NUMBA_CACHE_DIR"] = str(directory)
    numba = sys.modules.get("numba")
    if numba is not None:
        numba.config.CACHE_DIR = str(directory)


def compile_loop(
    loop: Callable[..., object],
    name: str,
    parts: Mapping[str, Callable[..., object]],
    *,
    are_inlined: bool = True,
    are_lent: bool = False,
) -> Callable[..., object]:
    """Compile `loop` with some of its module-level names standing for other kernels.

    One loop thus serves every Step, and the compiler sees each pair as one function that it can optimise whole.

    Parameters
    ----------
    loop : function
        A plain function that calls placeholders of its own module.
    name : str
        What the compiled function is for; the fingerprints are appended.
    parts : mapping of str to function
        Placeholder to kernel.
    are_inlined : bool, default True
        Whether kernels become part of the loop. A loop of many large ones takes less time to compile without.
    are_lent : bool, default False
        Whether arrays are lent to the kernels for the time of a call, so that nobody counts who holds them; none can
        be made inside then.

    Returns
    -------
    function
        Compiled for each combination of argument types at its first call, cached on disk between processes.
    """
    codes = "_".join(fingerprint(part) for part in (loop, *parts.values()))
    way = _Way(are_inlined, are_lent)
    scope = _compiled_scope(loop, way) | {placeholder: _compiled_part(part, way) for placeholder, part in parts.items()}
    plain = plain_function(loop)
    special = FunctionType(plain.__code__, scope, f"{name}_{codes}", plain.__defaults__)
    special.__qualname__ = special.__name__
    # The cache finds the environment of a loaded function through the module it says it is from.
    special.__module__ = loop.__module__
    compiled: Callable[..., object] = _numba().njit(**_OUTERMOST, _nrt=not are_lent)(special)
    return compiled


def compile_text(
    text: str, name: str, parts: Mapping[str, Callable[..., object]], scope: Mapping[str, object]
) -> Callable[..., object]:
    """Compile a function that was written by a program.

    Parameters
    ----------
    text : str
        Source of one function, called `name`. It must be made of this package's own words alone.
    name : str
    parts : mapping of str to function
        Names of kernels in the text, each of which becomes part of the function.
    scope : mapping of str to object
        The other names it uses.

    Returns
    -------
    function
        As that of :func:`compile_loop`.
    """
    fingerprints = "".join(fingerprint(part) for part in parts.values())
    named = {key: value for key, value in scope.items() if isinstance(value, int | float)}
    code = hashlib.sha256(f"{text}{fingerprints}{sorted(named.items())}".encode()).hexdigest()[:24]
    made: dict[str, object] = dict(scope)
    # The cache wants a file that exists; what it would notice by the file's age, the name says.
    exec(compile(text, __file__, "exec"), made)  # noqa: S102  # the text is ours: a line for each kernel of a set
    written = plain_function(cast("Callable[..., object]", made[name]))
    special = FunctionType(
        written.__code__, made | {key: _compiled_part(part, _Way()) for key, part in parts.items()}, f"{name}_{code}"
    )
    special.__qualname__ = special.__name__
    special.__module__ = __name__
    compiled: Callable[..., object] = _numba().njit(**_OUTERMOST)(special)
    return compiled


class _Way(NamedTuple):
    is_inlined: bool = True
    is_lent: bool = False


@functools.cache
def _compiled_part(kernel: Callable[..., object], way: _Way) -> Callable[..., object]:
    plain = plain_function(kernel)
    special = FunctionType(plain.__code__, _compiled_scope(kernel, way), plain.__name__, plain.__defaults__)
    special.__module__ = plain.__module__
    # Bounds are checked here, where windows are indexed, and not in the loop: a slip in somebody's own indicator is
    # then an IndexError and not a damaged process. A kernel without a window pays nothing for it.
    is_checked = plain.__module__ not in _CHECK_THEIR_PLACES
    compiled: Callable[..., object] = _numba().njit(
        error_model="numpy", forceinline=way.is_inlined, boundscheck=is_checked, _nrt=not way.is_lent, **_NO_WAYS_IN
    )(special)
    return compiled


def _compiled_scope(function: Callable[..., object], way: _Way) -> dict[str, object]:
    """Return the globals of `function` with the kernels it calls compiled."""
    called = {name: value for name, value in used_globals(function).items() if isinstance(value, FunctionType)}
    return plain_function(function).__globals__ | {name: _compiled_part(value, way) for name, value in called.items()}


def _numba() -> ModuleType:
    os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")
    import numba  # noqa: PLC0415  # heavy: only where bars are computed

    module: ModuleType = numba
    return module
