"""Short texts of Steps: read, written back, and refused."""

from __future__ import annotations

import pytest

from assay.domain.errors import BadInputError
from assay.features.higher import Higher
from assay.features.indicators.bollinger import Bollinger
from assay.features.indicators.calendar import Calendar
from assay.features.indicators.rolling_mean import RollingMean
from assay.features.indicators.rsi import Rsi
from assay.features.indicators.sar import Sar
from assay.features.over import Over
from assay.features.registry import STEPS
from assay.features.step import Step
from assay.features.texts import parse_step, step_text


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("rsi", Rsi(14)),
        ("rsi:21", Rsi(21)),
        ("bollinger:20:2.5", Bollinger(20, 2.5)),
        ("sar:0.01", Sar(0.01)),
        ("calendar:Europe/Berlin", Calendar("Europe/Berlin")),
        ("rolling_mean:24@volume", Over(RollingMean(24), "volume")),
        ("rsi:7@4h", Higher(Rsi(7), "4h")),
        ("rsi:7@15m", Higher(Rsi(7), "15m", "1m")),
    ],
)
def test_means_a_step(text: str, step: Step) -> None:
    assert parse_step(text) == step
    assert parse_step(step_text(step)) == step


@pytest.mark.parametrize("step", [make() for make in STEPS.values()], ids=list(STEPS))
def test_every_step_is_written_and_read_back(step: Step) -> None:
    assert parse_step(step_text(step)) == step


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rsy:14", "unknown indicator: 'rsy'; did you mean rsi"),
        ("rsi:14:3", "too many parameters for rsi"),
        ("rsi:14.5", "not an indicator"),
        ("rsi:-3", "length of rsi out of range"),
        ("rsi:", "not an indicator"),
        ("rsi:1e3", "not an indicator"),
        ("bollinger:20:nan", "not an indicator"),
        ("bollinger:20:inf", "not an indicator"),
        ("calendar:../../etc", "not an indicator|unknown time zone"),
        ("rsi:14@", "not an indicator"),
        ("rsi:14@price", "over nothing that is known"),
        ("atr:14@volume", "cannot be run over something else"),
        ("rsi:14@4h@1d", "over nothing that is known"),
        ("", "unknown indicator"),
        ("rsi:" + "9" * 200, "not an indicator"),
        ("'; drop table x", "unknown indicator"),
    ],
)
def test_what_means_no_step_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        parse_step(text)


def test_a_step_over_a_step_has_no_short_text() -> None:
    with pytest.raises(BadInputError, match="without a short text"):
        step_text(Over(RollingMean(3), Rsi(14)))
    with pytest.raises(BadInputError, match="without a short text"):
        step_text(Higher(Over(RollingMean(3), "volume"), "4h"))
