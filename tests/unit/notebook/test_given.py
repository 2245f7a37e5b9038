"""What has the wrong kind in a notebook is refused in words before anything is read; numbers of numpy are numbers."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

import assay
from assay.domain.errors import BadInputError
from assay.notebook.given import number, values_to_try, whole
from assay.pipelines.backtest_windows import Windows

RULES = {"buy": "rsi_14 < {low}", "sell": "rsi_14 > 60"}
DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"symbol": 5}, "symbol has the wrong kind: '5'; give a text, or a list of texts"),
        ({"symbol": ["BTC-USDT", None]}, "symbol has the wrong kind"),
        ({"cash": "much"}, "cash has the wrong kind: 'much'; give a number"),
        ({"cash": None}, "cash has the wrong kind"),
        ({"size": True}, "size has the wrong kind: 'True'; give a number"),
        ({"stop_loss": "a"}, "stop_loss has the wrong kind"),
        ({"trailing": [1, 2]}, "trailing has the wrong kind"),
        ({"max_bars": 1.5}, "max_bars has the wrong kind: '1.5'; give a whole number"),
        ({"max_positions": float("nan")}, "max_positions has the wrong kind"),
        ({"fee_bps": "x"}, "fee_bps has the wrong kind"),
        ({"enter": "x"}, "enter has the wrong kind"),
        ({"features": 3}, "features has the wrong kind: '3'; give a text"),
        ({"interval": 7}, "interval has the wrong kind"),
        ({"finer": None}, "finer has the wrong kind"),
        ({"start_date": dt.date(2026, 1, 1)}, "not a date or time: '2026-01-01'"),
    ],
)
def test_wrong_kind_is_refused_where_it_was_given(given: dict[str, object], told: str) -> None:
    tester = assay.Backtester(**({"symbol": "BTC-USDT"} | given))  # type: ignore[arg-type]  # that is the point
    with pytest.raises(BadInputError, match=told.replace("(", r"\(")):
        tester.run(buy="close > 1")


def test_class_in_place_of_a_model_and_rules_that_are_no_texts_are_refused() -> None:
    tester = assay.Backtester("BTC-USDT")
    with pytest.raises(BadInputError, match=r"a class is not a strategy: 'Windows'; make one: Windows\(\)"):
        tester.run(Windows)
    with pytest.raises(BadInputError, match="sell has the wrong kind: '5'"):
        tester.run(buy="close > 1", sell=5)  # type: ignore[arg-type]


def test_windows_and_values_of_the_wrong_kind_are_refused() -> None:
    tester = assay.Backtester("BTC-USDT")
    for vary in ("low", {"low": "30"}, {"low": 30}, {3: [1]}):
        with pytest.raises(BadInputError, match="has the wrong kind"):
            values_to_try(vary)
    with pytest.raises(BadInputError, match="windows has the wrong kind: '2.5'"):
        tester.walk_forward({"low": [20, 30]}, windows=2.5, **RULES)  # type: ignore[arg-type]
    for length in (0 * DAY, -DAY):
        with pytest.raises(BadInputError, match="a window has no length"):
            Windows(train=DAY, test=length)


def test_numbers_of_numpy_are_numbers() -> None:
    assert (whole("n", np.int64(24)), number("n", np.float32(0.5))) == (24, 0.5)
    assert values_to_try({"low": np.arange(20, 35, 5), "stop_loss": (None, 0.02)}) == {
        "low": ["20", "25", "30"],
        "stop_loss": ["none", "0.02"],
    }
