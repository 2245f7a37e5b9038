"""Models in the registry of a small home: judged by the real judges on forecasts that are made up, and not by training.

One is right more often than its baseline, one is not, one foretells values, and somebody gave reasons that would run as
a script if a page let them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from assay.domain.model_key import ModelKey
from assay.evidence.ablation import ablation
from assay.evidence.baselines import against_baselines
from assay.evidence.claim import Claim
from assay.evidence.direction import Forecasts, judge_direction
from assay.evidence.edge import Trades, judge_edge
from assay.evidence.importance import FeatureImportance, ImportanceEvidence
from assay.evidence.regimes import RegimeScore
from assay.evidence.scores import Drawing, score_directions
from assay.evidence.values import ValueForecasts, judge_values
from assay.evidence.verdict import Estimate
from assay.lake.model_aliases import challenge, promote, read_aliases
from assay.lake.model_store import ModelPaper, register
from assay.lake.sealed import Author, Documents, documents_of
from assay.measures.bootstrap import ConfidenceInterval
from assay.models.artefact import Artefact, pack
from assay.models.registry import new_direction
from assay.pipelines.workspace import Workspace

SERIES = "binance:spot:BTC-USDT:1h"
TASK = "direction_24h"
HOSTILE = '<script>alert("a reason")</script>'
_ROWS, _COLUMNS = 4_000, ("rsi_14", "log_return_1")
_SAMPLES = 100
CERTIFICATE = {
    "checks": ["stream", "truncation"], "code_hash": "843f887193f49343", "config_hash": "157062e0ab0c6695",
    "content_hash": "6180141aafd977c4", "data_version": "4fac7c8bcbc5a613", "density": 1, "made_at": None,
    "subject": "direction", "version": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Registered:
    """Versions by what is said of them."""

    skilled: str
    idle: str
    value: str


def register_models(workspace: Workspace, at: datetime, *, has_champion: bool = True) -> Registered:
    """Register three models at a moment; the skilled one becomes champion or challenger, and the other one nothing."""
    documents, author = documents_of(workspace.home), Author("ada", at)
    key = ModelKey(TASK, SERIES)
    skilled = _direction(documents, key, author, effect=0.56, seed=1)
    idle = _direction(documents, key, author, effect=0.5, seed=2)
    value = _value(documents, ModelKey("delta_1h", SERIES), author)
    move = promote if has_champion else challenge
    move(documents, key, skilled, known=read_aliases(documents, key), author=author, why=HOSTILE)
    return Registered(skilled, idle, value)


def _claim(horizon: str, bars: int, at: datetime) -> tuple[Claim, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    claim = Claim("BTC-USDT 1h on binance:spot", horizon, horizon_bars=bars, folds=6, trials=3)
    last = int(at.timestamp()) * 1_000_000
    return claim, last - np.arange(_ROWS, 0, -1) * 3_600_000_000


def _direction(documents: Documents, key: ModelKey, author: Author, *, effect: float, seed: int) -> str:
    """Register a base rate that is said to be right so often."""
    rng = np.random.default_rng(seed)
    claim, hours = _claim("24 h", 1, author.at)
    actual = (rng.random(_ROWS) < 0.5).astype(np.int8)
    predicted = np.where(rng.random(_ROWS) < effect, actual, 1 - actual).astype(np.int8)
    skill = judge_direction(
        Forecasts(hours, actual, predicted, np.ones(_ROWS, np.int8)), claim, rng=rng, samples=_SAMPLES
    )
    trades = Trades(hours, np.where(predicted == 1, 1.0, -1.0), np.where(actual == 1, 0.001, -0.001), cost=0.002)
    edge = judge_edge(trades, claim, rng=rng, samples=_SAMPLES)
    wrong = (predicted != actual).astype(np.float64)
    losses = {
        "base_rate": 1.0 - actual.astype(np.float64),
        "seasonal_naive": (rng.random(_ROWS) < 0.5).astype(np.float64),
    }
    rivals = against_baselines(wrong, losses, hours, claim=claim, rng=rng, samples=_SAMPLES)
    scores = score_directions(
        actual.astype(np.float64), np.where(predicted == 1, 0.6, 0.4), hours, Drawing(24, _SAMPLES)
    )
    more = {
        "baselines": [one.to_dict() | {"measure": "share_wrong", "model_loss": float(wrong.mean())} for one in rivals],
        "scores": {"test": {"rows": _ROWS, **{name: one.to_dict() for name, one in scores.items()}}},
    }
    return _register(
        documents, key, author, {"skill": skill.to_dict(), "edge": edge.to_dict(), **more, **_about(rng), "seed": seed}
    )


def _value(documents: Documents, key: ModelKey, author: Author) -> str:
    rng = np.random.default_rng(3)
    claim, hours = _claim("1 h", 1, author.at)
    actual = rng.normal(0, 50, _ROWS)
    forecasts = ValueForecasts(hours, actual, 0.3 * actual + rng.normal(0, 50, _ROWS), np.zeros(_ROWS))
    return _register(documents, key, author, {"skill": judge_values(forecasts, claim, rng=rng).to_dict()})


def _about(rng: np.random.Generator) -> dict[str, object]:
    """Return what is said of features, groups and regimes, in the words of the modules that say it."""
    some = Estimate(0.012, ConfidenceInterval(0.001, 0.024, 0.95))
    features = tuple(FeatureImportance(name, some, 0.5) for name in (*_COLUMNS, HOSTILE))
    complete = rng.random(_ROWS)
    groups = ablation(complete, {"order_flow": complete + 0.05}, block=24, rng=rng, samples=_SAMPLES)
    regimes = [RegimeScore(name, 900, 0.3, some, some, some, is_enough=name == "calm") for name in ("calm", "wild")]
    return {
        "importance": ImportanceEvidence(features, top_size=2, rankings=18, rows=_ROWS).to_dict(),
        "ablation": [one.to_dict() for one in groups],
        "regimes": [one.to_dict() for one in regimes],
        "rows": _ROWS,
        "kept_rows": 900,
    }


def _register(documents: Documents, key: ModelKey, author: Author, evidence: dict[str, object]) -> str:
    model = new_direction("base_rate", _COLUMNS).fit(np.zeros((4, 2)), np.array([1.0, 1.0, 1.0, 0.0]))
    artefact = Artefact("direction", model, _COLUMNS, feature_set="direction/1#00ff")
    day = timedelta(days=1)
    paper = ModelPaper(
        key, "base_rate", {}, "direction/1#00ff", "251ca2336991e028", author.at - 100 * day, author.at - 3 * day,
        author.at - 3 * day, artefact.model_hash, ("assay==0.1.0",), evidence, CERTIFICATE,
    )  # fmt: skip
    return register(documents, paper, pack(artefact), author).version
