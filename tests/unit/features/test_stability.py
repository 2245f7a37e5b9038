from __future__ import annotations

import math

import pytest

from assay.domain.errors import BadInputError
from assay.features.indicators.ema import Ema
from assay.features.indicators.log_return import LogReturn
from assay.features.indicators.rsi import Rsi
from assay.features.stability import history_needed
from tests.unit.features.made_bars import walk

BARS = walk(4000)


def test_a_window_needs_itself() -> None:
    assert history_needed(LogReturn(24), BARS) == 25


@pytest.mark.parametrize("n", [2, 12, 26])
def test_an_exponential_average_needs_until_the_start_weighs_less_than_the_tolerance(n: int) -> None:
    """A start that is wrong by a fraction d is wrong by d (1 - k)^m after m bars more; d is below 0.1 here."""
    needed = history_needed(Ema(n), BARS)
    assert needed is not None
    assert needed <= n + math.log(1e-9 / 0.1) / math.log(1.0 - 2.0 / (n + 1)) + 1.0
    assert needed >= n + math.log(1e-9 / 1e-4) / math.log(1.0 - 2.0 / (n + 1))


def test_a_looser_tolerance_needs_less() -> None:
    tight, loose = (history_needed(Rsi(14), BARS, tolerance=tolerance) for tolerance in (1e-9, 1e-3))
    assert tight is not None
    assert loose is not None
    assert 14 < loose < tight


def test_more_than_half_of_the_bars_is_not_known() -> None:
    assert history_needed(Ema(200), walk(1000)) is None
    assert history_needed(Ema(200), walk(10_000)) is not None


def test_too_few_bars_are_refused() -> None:
    with pytest.raises(BadInputError, match="too few bars.*at least 16"):
        history_needed(Ema(2), walk(15))
