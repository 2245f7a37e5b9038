"""Kernels made of kernels: a function with some names of its module standing for others than they stand for there.

What comes out is as plain as any kernel: it has no closure, its source can be read, and its fingerprint holds that of
every function and constant put in. So everything that takes a kernel takes it as well.
"""

from __future__ import annotations

import functools
from types import FunctionType
from typing import cast

from assay.features.fingerprint import plain_function
from assay.features.step import Kernel


@functools.cache
def bound(kernel: Kernel, **names: object) -> Kernel:
    """Return `kernel` with `names` in place of those of its module; the same names give the same function.

    Parameters
    ----------
    kernel : function
        A kernel that uses placeholders of its own module.
    **names : function, int or tuple of float
        Placeholder to what it stands for.
    """
    plain = plain_function(kernel)
    made = FunctionType(plain.__code__, plain.__globals__ | names, plain.__name__, plain.__defaults__)
    made.__module__ = plain.__module__
    return cast("Kernel", made)
