from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.features.drivers import run_batch
from assay.features.indicators.ema import Ema
from assay.features.indicators.log_return import LogReturn
from assay.features.indicators.rsi import Rsi
from assay.features.over import Over
from assay.features.step import identity
from tests.unit.features.made_bars import hourly, same_bits, walk


def test_over_a_column_is_the_step_of_bars_with_that_column_for_the_close() -> None:
    bars = walk(60)
    values, _ = run_batch(Over(Ema(5), "volume"), bars)
    expected, _ = run_batch(Ema(5), dataclasses.replace(bars, close=bars.volume))
    assert same_bits(values, expected)


@pytest.mark.parametrize("step", [Ema(3), LogReturn(3)], ids=["state", "window"])
def test_over_a_step_is_the_step_of_bars_with_its_values_for_the_close(step: Ema | LogReturn) -> None:
    close = walk(80).close.copy()
    close[[20, 21, 40]] = math.nan
    bars = hourly(close, hours=[hour + (hour > 50) * 3 for hour in range(80)])
    for source in (Rsi(4), LogReturn(5)):
        seen, _ = run_batch(source, bars)
        values, _ = run_batch(Over(step, source), bars)
        expected, _ = run_batch(step, dataclasses.replace(bars, close=seen[:, 0]))
        assert same_bits(values, expected)
        assert np.isfinite(values).sum() > 10


def test_over_says_what_it_is_of() -> None:
    step = Over(Ema(20), "volume")
    assert (step.outputs, step.inputs, step.warmup) == (("ema_20_of_volume",), ("volume",), 19)
    assert step.docs.units == ("base units",)
    assert step.docs.title == "Exponential moving average of volume"
    nested = Over(Ema(3), Rsi(14))
    assert (nested.outputs, nested.inputs, nested.warmup) == (("ema_3_of_rsi_14",), ("close",), 16)
    assert nested.docs.units == ("0 to 100",)
    assert identity(nested).startswith("over(step=Ema(n=3),source=Rsi(n=14),output=0)#")


def test_identity_changes_with_the_code_of_either_part() -> None:
    steps = (Over(Ema(3), Rsi(14)), Over(LogReturn(3), Rsi(14)), Over(Ema(3), LogReturn(14)), Over(Ema(3), "volume"))
    assert len({identity(step).partition("#")[2] for step in steps}) == len(steps)


@pytest.mark.parametrize(
    ("step", "source", "output", "message"),
    [
        (Over(Ema(3), "volume"), "high", 0, "cannot be run over something else"),
        (Ema(3), "turnover", 0, "no column of a bar"),
        (Ema(3), Ema, 0, "is of a step, and this is none"),
        ("ema", "volume", 0, "is of a step, and this is none"),
        (Ema(3), Rsi(3), 1, "no such output of the source.*there are rsi_3"),
        (Ema(3), Rsi(3), -1, "no such output"),
    ],
)
def test_what_cannot_be_put_together_is_refused(step: Ema, source: str, output: int, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Over(step, source, output)
