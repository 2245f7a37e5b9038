"""What a notebook needs, with the settings of the environment: ``import assay`` offers these names itself.

``reading.py`` reads the lake, ``training_data.py`` makes rows to learn from, ``classifiers.py`` and ``ensemble.py`` are
models as scikit-learn has them, ``backtester.py`` trades them. Models are loaded by name, so that who only reads does
not wait for scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.notebook.backtester import Backtester
    from assay.notebook.classifiers import (
        BaseRateClassifier,
        LightGBMClassifier,
        LogisticRegression,
        RandomForestClassifier,
        XGBoostClassifier,
    )
    from assay.notebook.ensemble import EnsembleModel
    from assay.notebook.reading import (
        compute_features,
        garch_volatility,
        get_gaps,
        get_instruments,
        get_klines,
        make_training_table,
        save_klines_to_csv,
    )
    from assay.notebook.training_data import CryptoDataLoader, TrainingData

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
    "compute_features",
    "garch_volatility",
    "get_gaps",
    "get_instruments",
    "get_klines",
    "make_training_table",
    "save_klines_to_csv",
]

_CLASSIFIERS = ("BaseRateClassifier", "LightGBMClassifier", "LogisticRegression", "RandomForestClassifier",
                "XGBoostClassifier")  # fmt: skip
_PLACES = dict.fromkeys(_CLASSIFIERS, "classifiers") | {
    "Backtester": "backtester",
    "EnsembleModel": "ensemble",
    "CryptoDataLoader": "training_data",
    "TrainingData": "training_data",
}


def __getattr__(name: str) -> object:
    if name in __all__:
        value: object = getattr(import_module(f"assay.notebook.{_PLACES.get(name, 'reading')}"), name)
        return value
    raise AttributeError(f"module 'assay.notebook' has no attribute {name!r}")
