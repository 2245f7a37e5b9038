"""Feature sets as people write them down."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.features.against import Against
from assay.features.declared import DeclaredSet, declared_set, set_of_texts, steps_of
from assay.features.higher import Higher
from assay.features.indicators.beta import Beta
from assay.features.indicators.ema import Ema
from assay.features.indicators.lag import Lag
from assay.features.indicators.macd import Macd
from assay.features.indicators.price_momentum import PriceMomentum
from assay.features.indicators.rolling_mean import RollingMean
from assay.features.indicators.rsi import Rsi
from assay.features.over import Over
from assay.features.sets import FeatureSet

DOCUMENT = """
name: mine
version: 3
steps:
  - rsi:7
  - Price_momentum_3h
  - {step: rolling_mean, n: 24, of: volume}
  - {step: lag, n: 3, of: {step: rsi, n: 14}}
  - {step: ema, n: 5, of: macd, output: 1}
  - {step: rsi, n: 14, interval: 4h}
  - {step: rsi, interval: 30m}
  - {step: beta, n: 168, reference: BTC-USDT}
aliases:
  rsi_7: fast_strength
"""
STEPS = (
    Rsi(7),
    PriceMomentum(12),
    Over(RollingMean(24), "volume"),
    Over(Lag(3), Rsi(14)),
    Over(Ema(5), Macd(), 1),
    Higher(Rsi(14), "4h"),
    Higher(Rsi(14), "30m", "1m"),
    Against(Beta(168), "BTC-USDT"),
)


def test_a_document_declares_the_set_that_python_would() -> None:
    made = declared_set(yaml.safe_load(DOCUMENT), Interval.parse("15m"))
    assert made.feature_set == FeatureSet("mine", 3, STEPS)
    assert made.feature_set.hash == FeatureSet("mine", 3, STEPS).hash
    assert made.aliases == {"rsi_7": "fast_strength"}


def test_steps_are_named_by_short_texts_and_by_usual_names_and_come_once() -> None:
    assert steps_of(["rsi:14", " MACD_signal", "macd", "RSI_14", "ema:3@volume"]) == (
        Rsi(14),
        Macd(),
        Over(Ema(3), "volume"),
    )


def test_a_usual_name_is_one_column_and_each_step_is_computed_once() -> None:
    made = set_of_texts(["MACD_hist", "rsi:14", "MACD", "RSI_14"])
    assert made.feature_set.steps == (Macd(), Rsi(14))
    assert made.columns == ("macd_histogram_12_26_9", "rsi_14", "macd_12_26_9")
    assert made.places == [2, 3, 0]
    assert set_of_texts(["BB_width", "macd"]).columns == ("bb_width_20_2", *Macd().outputs)
    aliases = {"macd_signal_12_26_9": "slow"}
    declared = declared_set({"name": "mine", "version": 1, "steps": ["MACD_signal", "rsi"], "aliases": aliases})
    assert declared.names == ("slow", "rsi_14")
    assert DeclaredSet(declared.feature_set).columns == (*Macd().outputs, "rsi_14")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "My set"}, "name: not the name of a feature set: 'My set'"),
        ({"version": "1"}, "version: not a version: '1'"),
        ({"steps": []}, "steps: no list of steps"),
        ({"setps": []}, "the file: unknown key: 'setps'; did you mean steps"),
        ({"steps": ["rsi:14", "RSI_14"]}, "steps: a column stands twice in a feature set: 'rsi_14'"),
        ({"steps": ["rsi", "emma:3"]}, r"steps\[2\]: unknown indicator: 'emma'; did you mean ema"),
        ({"steps": ["mine_of_old"]}, r"steps\[1\]: unknown indicator: 'mine_of_old'; use one of adx, "),
        ({"steps": [{"n": 3}]}, r"steps\[1\]: not a step"),
        ({"steps": [{"step": "rsj"}]}, r"steps\[1\]\.step: unknown indicator: 'rsj'; did you mean rsi"),
        ({"steps": [{"step": "rsi", "m": 3}]}, r"steps\[1\]: unknown key: 'm'; .*n"),
        ({"steps": [{"step": "rsi", "n": "3"}]}, r"steps\[1\]: length of rsi out of range: '3'"),
        ({"steps": [{"step": "ema", "of": "volum"}]}, r"steps\[1\]\.of: no column of a bar: 'volum'"),
        ({"steps": [{"step": "ema", "of": {"step": "rsi", "n": 0}}]}, r"steps\[1\]\.of: length of rsi out of range"),
        ({"steps": [{"step": "ema", "output": 1}]}, r"steps\[1\]\.output: of nothing"),
        ({"steps": [{"step": "rsi", "interval": "4x"}]}, r"steps\[1\]\.interval: "),
        ({"steps": [{"step": "rsi", "reference": "BTC-USDT"}]}, r"steps\[1\]\.reference: a step that is held against"),
        ({"aliases": {"rsi_9": "x"}}, "aliases: no column of this set: 'rsi_9'"),
        ({"steps": ["rsi", "ema"], "aliases": {"rsi_14": "ema_12"}}, "aliases: two columns of one name"),
        ({"steps": ["rsi"], "aliases": {"rsi_14": "close_time"}}, r"aliases\.rsi_14: a name that is taken"),
        ({"aliases": {"rsi_14": None}}, r"aliases\.rsi_14: not the name of a column"),
        ({"aliases": {"rsi_14": "a\nb"}}, r"aliases\.rsi_14: not the name of a column"),
        ({"aliases": {"rsi_14": {"a": 1}}}, r"aliases\.rsi_14: not the name of a column"),
        ({"aliases": 0}, "aliases: no mapping"),
        ({"steps": ["MACD_signal"], "aliases": {"macd_12_26_9": "x"}}, "no column of this set: 'macd_12_26_9'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        declared_set({"name": "mine", "version": 1, "steps": ["rsi:14"]} | change)


@pytest.mark.parametrize("document", [None, [], "rsi", 3])
def test_a_document_that_is_no_mapping_is_refused(document: object) -> None:
    with pytest.raises(BadInputError, match="the file: no mapping"):
        declared_set(document)


def test_a_step_that_stands_within_itself_is_refused() -> None:
    step: dict[str, Any] = {"step": "ema", "n": 3}
    step["of"] = step  # as YAML's anchors can have it
    with pytest.raises(BadInputError, match=r"steps\[1\]: steps of steps without end; let at most 10"):
        declared_set({"name": "mine", "version": 1, "steps": [step]})
