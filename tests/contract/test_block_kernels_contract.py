"""Block kernels against the kernels they stand beside: outputs, states and windows, bit for bit."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from assay.features.bars import VALUE_COLUMNS, Bars, FloatArray
from assay.features.block_kernels import BLOCK_KERNELS
from assay.features.drivers import run_batch
from assay.features.indicators.bollinger import Bollinger
from assay.features.indicators.cmf import Cmf
from assay.features.indicators.rolling_std import RollingStd
from assay.features.indicators.sma import Sma
from assay.features.indicators.stochastic import Stochastic
from assay.features.indicators.vwap import Vwap
from assay.features.indicators.williams_r import WilliamsR
from assay.features.state import StepState
from assay.features.step import Step
from tests.unit.features.made_bars import same_bits, walk

pytestmark = pytest.mark.usefixtures("shared_kernels")
ROWS = 2_500
"""More than two of the driver's blocks."""
LONG: list[Step] = [
    Sma(20), Sma(1), Sma(1_500), RollingStd(30), Bollinger(7, 2.0), Vwap(20), Cmf(3), WilliamsR(14), WilliamsR(1),
    Stochastic(14, 3, 3), Stochastic(5, 1, 2),
]  # fmt: skip


def test_every_block_kernel_is_held_against_its_kernel_here() -> None:
    assert {step.kernel for step in LONG} == set(BLOCK_KERNELS)


@pytest.mark.parametrize("step", LONG, ids=lambda step: f"{step.outputs[0]}")
def test_blocks_say_and_leave_what_single_rows_do(step: Step) -> None:
    # Parts of 31 rows are too short for the driver to give them to a block kernel; NaN makes it decline a block.
    whole = walk(ROWS)
    holed = {name: getattr(whole, name).copy() for name in VALUE_COLUMNS}
    holed["close"][1_500] = math.nan
    still = {name: np.full(ROWS, getattr(whole, name)[0]) for name in VALUE_COLUMNS}
    for bars in (
        whole,
        dataclasses.replace(whole, **holed),
        dataclasses.replace(whole, **still | {"volume": np.zeros(ROWS)}),
    ):
        expected, state = in_parts(step, bars, 31)
        for rows in (ROWS, 700):
            found, end = in_parts(step, bars, rows)
            assert same_bits(found, expected)
            assert end.to_bytes() == state.to_bytes()


def in_parts(step: Step, bars: Bars, rows: int) -> tuple[FloatArray, StepState]:
    """Run the Step over so many rows at a time."""
    state, parts = StepState.start(step), []
    for begin in range(0, len(bars), rows):
        found, state = run_batch(step, bars.rows(begin, min(begin + rows, len(bars))), state)
        parts.append(found)
    return np.concatenate(parts), state
