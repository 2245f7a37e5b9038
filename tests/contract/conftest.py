"""What the contract tests share: one place for compiled kernels, whatever ran before them in the same process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from assay.features.compile import use_cache_dir


@pytest.fixture(scope="package")
def shared_kernels(pytestconfig: pytest.Config) -> Iterator[None]:
    """Keep them where all workers and the next run find them: a file's name holds the fingerprint of its code."""
    import numba

    numba_config = vars(numba.config)
    before = os.environ.get("NUMBA_CACHE_DIR"), numba_config["CACHE_DIR"]
    use_cache_dir(pytestconfig.rootpath / ".pytest_cache" / "numba")
    yield
    numba_config["CACHE_DIR"] = before[1]
    if before[0] is None:
        del os.environ["NUMBA_CACHE_DIR"]
    else:
        os.environ["NUMBA_CACHE_DIR"] = before[0]
