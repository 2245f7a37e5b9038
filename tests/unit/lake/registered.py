"""Models to register: papers that differ in what a test wants to differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from assay.domain.model_key import ModelKey
from assay.lake.model_store import ModelPaper, ModelVersion, register
from assay.lake.sealed import Author, Documents

KEY = ModelKey("direction_24h", "binance:spot:BTC-USDT:1h")
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
ADA, BOB = Author("ada", NOON), Author("bob", NOON + timedelta(days=1))
PAPER = ModelPaper(
    KEY,
    "logistic",
    {"penalty": 1.0},
    "direction/1#00ff",
    "a1",
    trained_from=datetime(2020, 1, 1, tzinfo=UTC),
    trained_until=datetime(2023, 1, 1, tzinfo=UTC),
    seen_until=datetime(2023, 6, 1, tzinfo=UTC),
    model_hash="00ff",
    requirements=("numpy==2.3.5", "scikit-learn==1.7.2"),
    evidence={"accuracy": 0.51, "verdict": "no_skill"},
)


def paper(number: int) -> ModelPaper:
    """Return the paper of another model for every number."""
    return replace(PAPER, parameters={"penalty": float(number)})


def model(documents: Documents, number: int, author: Author = ADA) -> ModelVersion:
    """Register another model for every number; its artefact says which."""
    return register(documents, paper(number), b"model %d" % number, author)
