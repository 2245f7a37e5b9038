"""Assay: a crypto-market platform whose numbers can be proven.

The names a notebook needs are here; they are loaded when they are used, so ``import assay`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.notebook import (
        Backtester,
        BaseRateClassifier,
        CryptoDataLoader,
        EnsembleModel,
        LightGBMClassifier,
        LogisticRegression,
        RandomForestClassifier,
        TrainingData,
        XGBoostClassifier,
        compute_features,
        garch_volatility,
        get_gaps,
        get_instruments,
        get_klines,
        make_training_table,
        save_klines_to_csv,
    )

__version__ = "0.1.0"

__all__ = [
    "Backtester",
    "BaseRateClassifier",
    "CryptoDataLoader",
    "EnsembleModel",
    "LightGBMClassifier",
    "LogisticRegression",
    "RandomForestClassifier",
    "TrainingData",
    "XGBoostClassifier",
    "__version__",
    "compute_features",
    "garch_volatility",
    "get_gaps",
    "get_instruments",
    "get_klines",
    "make_training_table",
    "save_klines_to_csv",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        # By name: the lower layers may import the package for its version, and must not see the notebook behind it.
        value: object = getattr(import_module("assay.notebook"), name)
        return value
    raise AttributeError(f"module 'assay' has no attribute {name!r}")
