"""Usual names are read and written back, and mean what the Step says."""

from __future__ import annotations

import pytest

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.features.aliases import USUAL_WORDS, StepColumn, parse_usual, usual_name
from assay.features.indicators.bollinger import Bollinger
from assay.features.indicators.ema import Ema
from assay.features.indicators.macd import Macd
from assay.features.indicators.price_momentum import PriceMomentum
from assay.features.indicators.rsi import Rsi
from assay.features.indicators.volume_ratio import VolumeRatio
from assay.features.registry import STEPS
from assay.features.step import Step

HOUR = Interval.parse("1h")


@pytest.mark.parametrize(
    ("name", "step", "output"),
    [
        ("RSI_14", Rsi(14), "rsi_14"),
        ("EMA_26", Ema(26), "ema_26"),
        ("MACD_signal", Macd(), "macd_signal_12_26_9"),
        ("MACD_signal_5_35_5", Macd(5, 35, 5), "macd_signal_5_35_5"),
        ("BB_width", Bollinger(), "bb_width_20_2"),
        ("bb_width_10_2p5", Bollinger(10, 2.5), "bb_width_10_2p5"),
        ("Volume_ma_ratio", VolumeRatio(), "volume_ratio_20"),
        ("Price_momentum_3h", PriceMomentum(3), "price_momentum_3"),
        ("Price_momentum_1d", PriceMomentum(24), "price_momentum_24"),
    ],
)
def test_means_one_output_of_one_step(name: str, step: Step, output: str) -> None:
    assert parse_usual(name, HOUR) == StepColumn(step, output)


@pytest.mark.parametrize("word", USUAL_WORDS)
def test_every_word_is_written_back(word: str) -> None:
    column = parse_usual(word)
    assert column.output in column.step.outputs
    assert parse_usual(usual_name(column)) == column


@pytest.mark.parametrize("step", [make() for make in STEPS.values()], ids=list(STEPS))
def test_every_column_has_a_name_of_its_own(step: Step) -> None:
    names = [usual_name(StepColumn(step, output)) for output in step.outputs]
    assert len(set(names)) == len(names)
    for name, output in zip(names, step.outputs, strict=True):
        assert name == output or parse_usual(name) == StepColumn(step, output)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("RSY_14", "did you mean RSI"),
        ("Price_momentum_3h", "unknown length"),
        ("RSI_14_3", "too many numbers for RSI"),
        ("RSI_14p5", "not the name of a column"),
        ("RSI_0", "length of rsi out of range"),
        ("RSI_x", "not the name of a column"),
        ("", "unknown column"),
        ("Robert'); drop table", "unknown column"),
    ],
)
def test_what_is_no_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message.replace("(", r"\(")):
        parse_usual(name)


def test_a_length_of_time_must_be_whole_bars() -> None:
    with pytest.raises(BadInputError, match="no whole number of bars of 4h"):
        parse_usual("Price_momentum_3h", Interval.parse("4h"))
    with pytest.raises(BadInputError, match="unknown length"):
        parse_usual("Price_momentum_3d", Interval.parse("1M"))
