"""When a forecast becomes BUY, SELL, HOLD or ABSTAIN, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.selectors.foretold import PredictionBrief, SymbolPrediction
from assay.selectors.signals import Terms, signal_of

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TERMS = Terms(NOON, confidence=0.75, cost=0.002)


def foretold(
    signal: str = "UP", likely: float | None = 0.8, move: float | None = 0.01, **more: object
) -> SymbolPrediction:
    """Return the latest forecast of a series, made at noon for the next day unless said otherwise."""
    values: dict[str, object] = dict.fromkeys(PredictionBrief.__dataclass_fields__)
    values |= {
        "probability_up": likely, "signal": signal, "expected_move": move, "as_of": NOON, "model": "logistic",
        "until": NOON + timedelta(days=1), "horizon_hours": 24.0, "task": "direction_24h", "model_version": "4f1c",
        "reason": "", "sentence": "", "kind": "live", **more,
    }  # fmt: skip
    brief = PredictionBrief(**values)  # type: ignore[arg-type]  # by the names of its fields
    place = ("binance", "spot", "BTC-USDT", "1h", "binance:spot:BTC-USDT")
    return SymbolPrediction(*place, 100.0, 0.5, NOON, 900, NOON, brief)


@pytest.mark.parametrize(
    ("prediction", "action", "why"),
    [
        (foretold(likely=0.8), "BUY", "probability 0.800, and 0.750 is asked for"),
        (foretold("DOWN", likely=0.2, move=-0.01), "SELL", "probability 0.800"),
        (foretold(likely=0.7), "HOLD", "a probability of 0.700, and 0.750 is asked for"),
        (foretold(likely=0.9, move=0.001), "HOLD", "a move of 10.0 bps is expected, and a trade costs 20.0 bps"),
        (foretold(likely=0.9, move=None), "HOLD", "how far the price is expected to go is not known"),
        (foretold(likely=0.8, confidence=0.85), "HOLD", "0.850 is asked for"),
        (foretold(likely=0.8, cost=0.05), "HOLD", "a trade costs 500.0 bps"),
        (foretold("BUY", task="signal_24h"), "BUY", "probability 0.800"),
        (foretold("HOLD", task="signal_24h", reason="the move is too small"), "HOLD", "the move is too small"),
        (foretold("ABSTAIN", reason="the bars are late"), "ABSTAIN", "the bars are late"),
        (foretold("ABSTAIN"), "ABSTAIN", "the model has shown no skill"),
        (foretold(likely=None), "ABSTAIN", "no skill"),
        (foretold(as_of=None, until=None), "ABSTAIN", "nothing was foretold of it yet"),
        (foretold(until=NOON), "ABSTAIN", "2026-05-01 12:00 UTC, which is over"),
    ],
)
def test_signal_says_what_is_done_and_why(prediction: SymbolPrediction, action: str, why: str) -> None:
    found = signal_of(prediction, TERMS)
    assert found.action == action
    assert why in found.reason


@given(
    st.sampled_from(["UP", "DOWN", "ABSTAIN"]), st.none() | st.floats(0, 1),
    st.none() | st.floats(-0.1, 0.1), st.floats(0, 0.05),
)  # fmt: skip
def test_nothing_is_done_on_less_than_was_asked_for(
    signal: str, likely: float | None, move: float | None, cost: float
) -> None:
    found = signal_of(foretold(signal, likely, move, cost=cost), TERMS)
    assert found.reason
    if found.action in ("BUY", "SELL"):
        assert found.confidence is not None
        assert found.confidence >= 0.75
        assert move is not None
        assert abs(move) > cost
        assert (found.action == "BUY") == ((likely or 0.0) > 0.5)
