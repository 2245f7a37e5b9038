"""A job is due once in each slot, also on a machine that sleeps and whose clock is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.duration import slot_of
from assay.domain.errors import BadInputError
from assay.pipelines.schedule import AFTER, due_slots

QUARTER = timedelta(minutes=15)
START = datetime(2024, 5, 1, 10, 7, tzinfo=UTC)


class Machine:
    """A machine whose clock can be set, and which can sleep through time that its count of seconds does not see."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment
        self.seconds = 0.0
        self.waits: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def elapsed(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.seconds += seconds

    def slots(self, every: timedelta = QUARTER) -> list[datetime]:
        return list(islice(due_slots(every, clock=self, elapsed=self.elapsed, wait=self.wait), 4))


def clock_times(slots: list[datetime]) -> list[str]:
    return [f"{slot:%H:%M}" for slot in slots]


def test_the_slot_of_now_is_due_at_once_and_the_next_ones_when_they_begin() -> None:
    machine = Machine()
    assert clock_times(machine.slots()) == ["10:00", "10:15", "10:30", "10:45"]
    assert machine.moment == datetime(2024, 5, 1, 10, 45, tzinfo=UTC) + AFTER
    assert max(machine.waits) <= 20


def test_what_a_long_run_missed_is_not_made_up_for() -> None:
    machine = Machine()
    slots = due_slots(QUARTER, clock=machine, elapsed=machine.elapsed, wait=machine.wait)
    seen = [next(slots)]
    machine.pass_time(50 * 60)
    seen += [next(slots), next(slots)]
    assert clock_times(seen) == ["10:00", "10:45", "11:00"]


def test_a_machine_that_slept_goes_on_in_the_slot_it_wakes_up_in() -> None:
    machine = Machine()
    slots = due_slots(QUARTER, clock=machine, elapsed=machine.elapsed, wait=machine.wait)
    next(slots)
    machine.moment += timedelta(hours=8)  # asleep: the count of seconds stood still
    assert clock_times([next(slots), next(slots)]) == ["18:00", "18:15"]


def test_a_clock_that_is_set_back_neither_stops_the_schedule_nor_repeats_a_slot_for_ever() -> None:
    machine = Machine()
    slots = due_slots(QUARTER, clock=machine, elapsed=machine.elapsed, wait=machine.wait)
    next(slots)
    machine.moment -= timedelta(hours=3)
    before = machine.seconds
    assert clock_times([next(slots), next(slots), next(slots)]) == ["07:00", "07:15", "07:30"]
    assert machine.seconds - before <= 2 * 900


def test_a_clock_that_stands_still_does_not_stop_the_schedule() -> None:
    machine = Machine()
    machine.now = lambda: START  # type: ignore[method-assign]
    assert clock_times(machine.slots()) == ["10:00"] * 4
    assert machine.seconds == pytest.approx(3 * 900, abs=1)


@given(
    jumps=st.lists(st.tuples(st.integers(-90_000, 90_000), st.integers(0, 5_000)), min_size=1, max_size=8),
    minutes=st.sampled_from([1, 5, 15, 60]),
)
def test_however_clock_and_runs_behave_runs_are_neither_more_nor_less_often_than_slots(
    jumps: list[tuple[int, int]], minutes: int
) -> None:
    machine, every = Machine(), timedelta(minutes=minutes)
    slots = due_slots(every, clock=machine, elapsed=machine.elapsed, wait=machine.wait)
    last = next(slots)
    for set_by_s, run_s in jumps:
        machine.pass_time(run_s)
        machine.moment += timedelta(seconds=set_by_s)
        waited_from = machine.seconds
        slot = next(slots)
        assert machine.seconds - waited_from <= every.total_seconds() + 0.1
        assert slot == slot_of(machine.moment - AFTER, every)
        assert slot != last or machine.seconds - waited_from + run_s >= every.total_seconds() - 0.1
        last = slot


@pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=-5), timedelta(days=30)])
def test_a_length_that_is_none_is_refused(every: timedelta) -> None:
    with pytest.raises(BadInputError, match="length of a schedule"):
        Machine().slots(every)
