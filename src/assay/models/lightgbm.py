"""LightGBM: small trees grown one after the other, each on what the ones before have left unexplained.

>>> LightGbm(learning_rate=0.0)
Traceback (most recent call last):
assay.domain.errors.BadInputError: learning_rate out of range: '0.0'; give a number from 1e-05 to 1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from assay.models.flat_trees import Answer, FlatTree, FlatTrees
from assay.models.parameters import check_number
from assay.models.trees import Lesson, library


@dataclass(frozen=True, slots=True)
class LightGbm:
    """Grows boosted trees with LightGBM, which computes in float64.

    Parameters
    ----------
    trees : int
    learning_rate : float
        What part of its answer each tree adds.
    leaves : int
        Most leaves of a tree.
    min_leaf_rows : int
        Fewest training rows in a leaf.
    row_share, column_share : float
        Part of rows and columns that each tree is grown on, drawn anew.
    l2 : float
        The larger, the closer to zero leaves are drawn.
    seed : int
        Of the rows and columns that are drawn.

    Raises
    ------
    BadInputError
        If a parameter is out of range.

    References
    ----------
    Ke et al. (2017), "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NIPS.
    """

    trees: int = 200
    learning_rate: float = 0.05
    leaves: int = 15
    min_leaf_rows: int = 20
    row_share: float = 0.8
    column_share: float = 0.8
    l2: float = 1.0
    seed: int = 7

    name: ClassVar[str] = "lightgbm"

    def __post_init__(self) -> None:
        check_number("trees", self.trees, least=1, most=10_000)
        check_number("learning_rate", self.learning_rate, least=1e-5, most=1)
        check_number("leaves", self.leaves, least=2, most=4096)
        check_number("min_leaf_rows", self.min_leaf_rows, least=1, most=1_000_000)
        check_number("row_share", self.row_share, least=0.01, most=1)
        check_number("column_share", self.column_share, least=0.01, most=1)
        check_number("l2", self.l2, least=0, most=1e6)
        check_number("seed", self.seed, least=0, most=2**31 - 1)

    def answer(self, *, is_direction: bool) -> Answer:
        """Return the sum of the leaves; of a direction, the probability of these log-odds."""
        return Answer("exact", "logistic" if is_direction else "sum")

    def grow(self, lesson: Lesson) -> FlatTrees:
        """Grow the trees on one thread, with histograms in one order."""
        lightgbm = library("lightgbm")
        rows = lightgbm.Dataset(lesson.features, label=lesson.targets, weight=lesson.weight)
        booster = lightgbm.train(self._settings(lesson), rows, num_boost_round=self.trees)
        grown = booster.dump_model()["tree_info"]
        trees = [_flattened(tree["tree_structure"]) for tree in grown]
        how = self.answer(is_direction=lesson.is_direction)
        return FlatTrees.of(trees, n_features=lesson.features.shape[1], how=how)

    def _settings(self, lesson: Lesson) -> dict[str, object]:
        return {
            "objective": "binary" if lesson.is_direction else "regression",
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_leaf_rows,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1,
            "feature_fraction": self.column_share,
            "lambda_l2": self.l2,
            "seed": self.seed,
            # Whatever the machine: one thread, one layout, and no timing that would choose between two.
            "num_threads": 1,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        }


def _flattened(root: Mapping[str, Any]) -> FlatTree:
    """Return a tree of nested mappings as arrays, a parent before its children."""
    feature: list[int] = []
    number: list[float] = []
    children: tuple[list[int], list[int]] = ([], [])
    waiting: list[tuple[Mapping[str, Any], int, int]] = [(root, -1, 0)]
    while waiting:
        node, parent, side = waiting.pop()
        if parent >= 0:
            children[side][parent] = len(feature)
        is_leaf = "leaf_value" in node
        feature.append(-1 if is_leaf else int(node["split_feature"]))
        number.append(float(node["leaf_value"] if is_leaf else node["threshold"]))
        for one in children:
            one.append(-1)
        if not is_leaf:
            here = len(feature) - 1
            waiting += [(node["right_child"], here, 1), (node["left_child"], here, 0)]
    return FlatTree(feature, number, *children)
