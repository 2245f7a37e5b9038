"""A home with a simulated clock: every command on it lives in the same time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.domain.clock import FrozenClock, ShiftedClock, SystemClock
from assay.domain.errors import HomeError
from assay.lake.home import Home, open_home
from assay.lake.origin import HomeTime, read_time, write_time
from assay.pipelines.workspace import open_workspace
from assay.settings import Settings

THEN = datetime(2026, 6, 1, 12, 0, 20, tzinfo=UTC)
REAL = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def test_a_home_without_a_time_of_its_own_lives_in_real_time(home: Home) -> None:
    assert read_time(home) is None
    assert isinstance(open_workspace(Settings(home=home.root)).clock, SystemClock)


def test_a_frozen_time_stands_still_in_every_workspace(home: Home) -> None:
    write_time(home, HomeTime(THEN))
    assert read_time(home) == HomeTime(THEN)
    assert open_workspace(Settings(home=home.root)).clock.now() == THEN
    given = FrozenClock(REAL)
    assert open_workspace(Settings(home=home.root), clock=given).clock is given


def test_a_running_time_goes_on_as_fast_as_the_machine(home: Home) -> None:
    machine = FrozenClock(REAL)
    write_time(home, HomeTime(THEN, REAL))
    found = read_time(home)
    assert found is not None
    assert found.is_running
    clock = found.clock(machine)
    assert clock.now() == THEN
    machine.moment += timedelta(days=3, seconds=7)
    assert clock.now() == THEN + timedelta(days=3, seconds=7)


def test_two_workspaces_opened_apart_tell_the_same_time(home: Home) -> None:
    write_time(home, HomeTime(THEN, datetime.now(UTC) - timedelta(minutes=5)))
    first, second = (open_workspace(Settings(home=home.root)).clock for _ in range(2))
    one, other = first.now(), second.now()
    assert THEN + timedelta(minutes=5) <= one <= other < one + timedelta(seconds=30)


def test_a_machine_that_is_set_back_does_not_take_the_home_before_its_start() -> None:
    machine = FrozenClock(REAL - timedelta(hours=2))
    assert ShiftedClock(machine, since=REAL, start=THEN).now() == THEN


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'"2026"', b'{"simulated": 3, "since": null}', b"\xff\xfe"])
def test_a_damaged_file_is_refused_in_words(home: Home, body: bytes) -> None:
    home.clock.write_bytes(body)
    with pytest.raises(HomeError, match="simulated time is damaged"):
        read_time(home)
