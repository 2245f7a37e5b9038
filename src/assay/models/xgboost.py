"""XGBoost: boosted trees as LightGBM's, grown level by level, and computed in float32 throughout.

>>> Xgboost(depth=0)
Traceback (most recent call last):
assay.domain.errors.BadInputError: depth out of range: '0'; give a number from 1 to 20
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assay.models.boosting import Boosting
from assay.models.flat_trees import Answer, FlatTree, FlatTrees
from assay.models.parameters import check_number
from assay.models.search_space import BOOSTING, Range, Space, whole
from assay.models.trees import Lesson, library


@dataclass(frozen=True, slots=True, kw_only=True)
class Xgboost(Boosting):
    """Grows boosted trees with XGBoost.

    Parameters
    ----------
    depth : int
        Most questions from root to leaf.
    min_leaf_weight : float
        Fewest of a leaf, in XGBoost's measure: rows of a value, rows times p (1 - p) of a direction.
    trees, learning_rate, row_share, column_share, l2, seed
        As :class:`~assay.models.boosting.Boosting`.

    References
    ----------
    Chen and Guestrin (2016), "XGBoost: A Scalable Tree Boosting System", KDD.
    """

    depth: int = 4
    min_leaf_weight: float = 5.0

    name: ClassVar[str] = "xgboost"
    space: ClassVar[Space] = {
        **BOOSTING,
        "depth": whole(2, 8),
        "min_leaf_weight": Range(1.0, 200.0, is_log=True),
    }

    def __post_init__(self) -> None:
        # By name: a dataclass with slots is made anew, and a bare super() would look for the one before.
        Boosting.__post_init__(self)
        check_number("depth", self.depth, least=1, most=20)
        check_number("min_leaf_weight", self.min_leaf_weight, least=0, most=1e6)

    def answer(self, *, is_direction: bool) -> Answer:
        """Return the sum of start and leaves; of a direction, the probability of these log-odds."""
        return Answer("rounded", "logistic" if is_direction else "sum")

    def grow(self, lesson: Lesson) -> FlatTrees:
        """Grow the trees on one thread, from the log-odds of the base rate or the mean."""
        xgboost = library("xgboost")
        start = _start(lesson)
        # The start goes in as a margin: XGBoost would fit one of its own, and tell it in fewer digits.
        rows = xgboost.DMatrix(
            lesson.features,
            label=lesson.targets,
            weight=lesson.weight,
            base_margin=np.full(len(lesson.features), start),
            nthread=1,
        )
        booster = xgboost.train(self._settings(lesson), rows, num_boost_round=self.trees)
        grown = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]["trees"]
        how = self.answer(is_direction=lesson.is_direction)
        trees = [_flattened(tree) for tree in grown]
        return FlatTrees.of(trees, n_features=lesson.features.shape[1], how=how, start=float(start))

    def _settings(self, lesson: Lesson) -> dict[str, object]:
        return {
            "objective": "binary:logistic" if lesson.is_direction else "reg:squarederror",
            "eta": self.learning_rate,
            "max_depth": self.depth,
            "min_child_weight": self.min_leaf_weight,
            "subsample": self.row_share,
            "colsample_bytree": self.column_share,
            "lambda": self.l2,
            "seed": self.seed,
            "base_score": 0.5 if lesson.is_direction else 0.0,
            "tree_method": "hist",
            "nthread": 1,
            "verbosity": 0,
        }


def _start(lesson: Lesson) -> np.float32:
    mean = float(np.average(lesson.targets, weights=lesson.weight))
    return np.float32(math.log(mean / (1.0 - mean)) if lesson.is_direction else mean)


def _flattened(tree: Mapping[str, Any]) -> FlatTree:
    """Return a tree whose left branch takes what is at most the number; XGBoost's takes what is below it."""
    left = np.asarray(tree["left_children"], dtype=np.int32)
    number = np.asarray(tree["split_conditions"], dtype=np.float32)
    is_leaf = left < 0
    return FlatTree(
        feature=np.where(is_leaf, -1, np.asarray(tree["split_indices"], dtype=np.int32)),
        number=np.where(is_leaf, number, np.nextafter(number, np.float32(-np.inf))),
        left=left,
        right=np.asarray(tree["right_children"], dtype=np.int32),
    )
