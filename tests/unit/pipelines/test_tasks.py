"""What a name of a task means, and which are none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.pipelines.tasks import parse_task

HOUR = Interval.parse("1h")


@pytest.mark.parametrize(
    ("name", "kind", "label", "baseline", "bars"),
    [
        ("direction_24h", "direction", "direction_24h", "base_rate", 24),
        ("direction_1h", "direction", "direction_1h", "base_rate", 1),
        ("delta_1h", "value", "return_1h", "last_value", 1),
        ("signal_24h", "signal", "direction_24h", "base_rate", 24),
        ("delta_7d", "value", "return_168h", "last_value", 168),
        ("signal", "signal", "direction_48h", "base_rate", 48),
    ],
)
def test_a_task_says_what_is_taught_and_who_has_to_be_beaten(
    name: str, kind: str, label: str, baseline: str, bars: int
) -> None:
    task = parse_task(name, usual_horizon=timedelta(hours=48))
    assert (task.kind, task.label.name, task.baseline, task.horizon_bars(HOUR)) == (kind, label, baseline, bars)
    assert parse_task(task.name) == task


@pytest.mark.parametrize("name", ["", "tomorrow", "return_1h", "delta_1q", "direction_1h_2", "triple_barrier_24h_2_2"])
def test_what_is_no_task_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match="unknown task"):
        parse_task(name)


def test_a_horizon_between_two_bars_is_refused() -> None:
    with pytest.raises(BadInputError, match="not a whole number of bars"):
        parse_task("delta_90m").horizon_bars(HOUR)
