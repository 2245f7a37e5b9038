"""A home holds one market: the one that filled it first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assay.domain.errors import AssayError, HomeError
from assay.lake.home import Home, open_home
from assay.lake.origin import REAL, claim_origin, read_origin


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def test_the_first_to_come_decides_and_may_come_again(home: Home) -> None:
    assert read_origin(home) is None
    claim_origin(home, "sandbox, seed 7")
    claim_origin(home, "sandbox, seed 7")
    assert read_origin(home) == "sandbox, seed 7"


@pytest.mark.parametrize("other", [REAL, "sandbox, seed 8"])
def test_another_market_is_refused_and_changes_nothing(home: Home, other: str) -> None:
    claim_origin(home, "sandbox, seed 7")
    with pytest.raises(HomeError, match=r"holds sandbox, seed 7, and .*; choose another ASSAY_HOME"):
        claim_origin(home, other)
    assert read_origin(home) == "sandbox, seed 7"


def test_of_many_at_once_one_wins(home: Home) -> None:
    def claim(number: int) -> str | None:
        try:
            claim_origin(home, f"sandbox, seed {number}")
        except AssayError:
            return None
        return f"sandbox, seed {number}"

    with ThreadPoolExecutor(8) as pool:
        winners = {name for name in pool.map(claim, range(8)) if name}
    assert winners == {read_origin(home)}
