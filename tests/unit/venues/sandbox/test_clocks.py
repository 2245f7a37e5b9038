"""The sandbox's clock stands still, runs, or races, as one says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from assay.domain.clock import FrozenClock
from assay.domain.errors import BadInputError
from assay.venues.sandbox.clocks import make_clock
from tests.unit.venues.sandbox.reading import at


@pytest.mark.parametrize(("kind", "seconds"), [("frozen", 0), ("running", 10), ("60x", 600), ("0.5x", 5)])
def test_clock_passes_at_its_pace(kind: str, seconds: int) -> None:
    machine = FrozenClock(at(2026, 1, 1))
    clock = make_clock(kind, machine, start=at(2024, 5, 1))
    assert clock.now() == at(2024, 5, 1)
    machine.moment += timedelta(seconds=10)
    assert clock.now() == at(2024, 5, 1) + timedelta(seconds=seconds)


def test_clock_starts_now_unless_told_otherwise() -> None:
    assert make_clock("running", FrozenClock(at(2026, 1, 1))).now() == at(2026, 1, 1)


@pytest.mark.parametrize("kind", ["", "60", "x", "0x", "-2x", "nanx", "infx", "stopped"])
def test_what_is_no_clock_is_refused(kind: str) -> None:
    with pytest.raises(BadInputError, match="not a clock"):
        make_clock(kind, FrozenClock(at(2026, 1, 1)))
