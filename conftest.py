"""What every test and every doctest gets: no setting of the person who runs them, and the same examples each time."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Django's parts can be imported once Django is configured, which a collector of doctests does not do.
collect_ignore = [
    "src/assay/appdb/models.py",
    "src/assay/web/admin.py",
    "src/assay/web/login.py",
    "src/assay/web/urls.py",
]

# Timings on a busy machine say nothing about a property. `pytest --hypothesis-profile=explore` looks for new examples.
settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=2_000)
settings.load_profile("same")

# A worker comes to hold some hundred thousand objects (dbt's project, Django, schemas), and by default Python
# looks through all of them every few seconds: a twelfth of the time of all tests.
gc.set_threshold(10_000, 20, 20)


def pytest_collection_finish() -> None:
    """Take what collecting has made, which lives as long as the worker, out of what is looked through."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the environment's settings and the user's home, so that ``~/.assay`` is neither read nor written."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith("ASSAY_")]:
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield
