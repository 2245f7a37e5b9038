from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.drivers import Stream, run_batch
from assay.features.indicators.ema import Ema
from assay.features.indicators.log_return import LogReturn
from assay.features.sets import TECHNICAL, SetState
from assay.features.state import NEVER, StateError, StepState, pack, unpack
from tests.unit.features.made_bars import walk

SAVED = run_batch(LogReturn(3), walk(10))[1].to_bytes()


def test_every_number_comes_back_bit_for_bit() -> None:
    odd = (0.1, -0.0, 5e-324, math.nan, math.inf, 2.0**60 + 1.0)
    state = StepState("x#1", 7, odd, np.array(odd[::-1]))
    again = StepState.from_bytes(state.to_bytes())
    assert (again.step, again.last_close_time) == ("x#1", 7)
    assert np.array(again.values).tobytes() == np.array(odd).tobytes()
    assert again.window.tobytes() == np.array(odd[::-1]).tobytes()


def test_a_state_does_not_share_memory_with_what_made_it() -> None:
    window = np.zeros(2)
    state = StepState("x#1", NEVER, (), window)
    window[0] = 1.0
    assert state.window.tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        state.window[0] = 1.0


@given(st.integers(0, len(SAVED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(position: int, mask: int) -> None:
    damaged = bytearray(SAVED)
    damaged[position] ^= mask
    with pytest.raises(StateError):
        StepState.from_bytes(bytes(damaged))


@given(st.integers(0, len(SAVED) - 1))
def test_a_cut_is_noticed(length: int) -> None:
    with pytest.raises(StateError):
        StepState.from_bytes(SAVED[:length])


def test_other_blocks_are_not_taken_for_a_step() -> None:
    for content in (b"", b"PK\x03\x04", pack({"parts": ""}, b""), pack({"step": "x", "values": "many"}, b"12345678")):
        with pytest.raises(StateError):
            StepState.from_bytes(content)
    with pytest.raises(StateError, match="not the saved state of a feature set"):
        SetState.restore(SAVED)
    with pytest.raises(StateError):
        StepState.from_bytes(TECHNICAL.start().save())


def test_a_failed_restore_leaves_the_stream_as_it_was() -> None:
    bars = walk(20)
    stream = Stream(Ema(3), run_batch(Ema(3), bars)[1])
    before = stream.save()
    for content in (SAVED, before[:-1], StepState.start(Ema(4)).to_bytes()):
        with pytest.raises(StateError):
            stream.restore(content)
    assert stream.save() == before


def test_a_state_made_by_other_code_is_refused() -> None:
    state = StepState.start(Ema(3))
    older = StepState(state.step.partition("#")[0] + "#000000000000", state.last_close_time, state.values, state.window)
    with pytest.raises(StateError, match="another step or of other code.*compute it again"):
        run_batch(Ema(3), walk(5), older)


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3), st.binary(max_size=20))
def test_pack_and_unpack(header: dict[str, str | int], payload: bytes) -> None:
    assert unpack(pack(header, payload)) == (header, payload)
