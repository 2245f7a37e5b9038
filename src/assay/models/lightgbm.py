"""LightGBM: small trees grown one after the other, each on what the ones before have left unexplained.

>>> LightGbm(leaves=1)
Traceback (most recent call last):
assay.domain.errors.BadInputError: leaves out of range: '1'; give a number from 2 to 4096
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from assay.models.boosting import Boosting
from assay.models.flat_trees import Answer, FlatTree, FlatTrees
from assay.models.parameters import check_number
from assay.models.search_space import BOOSTING, Space, whole
from assay.models.trees import Lesson, check_leaf_rows, library


@dataclass(frozen=True, slots=True, kw_only=True)
class LightGbm(Boosting):
    """Grows boosted trees with LightGBM, which computes in float64.

    Parameters
    ----------
    leaves : int
        Most leaves of a tree.
    min_leaf_rows : int
        Fewest training rows in a leaf; at most half of the rows.
    trees, learning_rate, row_share, column_share, l2, seed
        As :class:`~assay.models.boosting.Boosting`.

    References
    ----------
    Ke et al. (2017), "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NIPS.
    """

    leaves: int = 15
    min_leaf_rows: int = 20

    name: ClassVar[str] = "lightgbm"
    space: ClassVar[Space] = {
        **BOOSTING,
        "leaves": whole(3, 63, is_log=True),
        "min_leaf_rows": whole(10, 500, is_log=True),
    }

    def __post_init__(self) -> None:
        # By name: a dataclass with slots is made anew, and a bare super() would look for the one before.
        Boosting.__post_init__(self)
        check_number("leaves", self.leaves, least=2, most=4096)
        check_number("min_leaf_rows", self.min_leaf_rows, least=1, most=1_000_000)

    def answer(self, *, is_direction: bool) -> Answer:
        """Return the sum of the leaves; of a direction, the probability of these log-odds."""
        return Answer("exact", "logistic" if is_direction else "sum")

    def grow(self, lesson: Lesson) -> FlatTrees:
        """Grow the trees on one thread, with histograms in one order."""
        check_leaf_rows(self.min_leaf_rows, len(lesson.features))
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
