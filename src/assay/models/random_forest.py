"""A random forest: many deep trees, each grown on other rows and columns, whose mean is the answer.

>>> RandomForest(trees=0)
Traceback (most recent call last):
assay.domain.errors.BadInputError: trees out of range: '0'; give a number from 1 to 10000
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assay.models.flat_trees import Answer, FlatTree, FlatTrees
from assay.models.parameters import check_number
from assay.models.search_space import Space, whole
from assay.models.trees import Lesson, check_leaf_rows


@dataclass(frozen=True, slots=True)
class RandomForest:
    """Grows a forest with scikit-learn, whose features are float32 and whose sums are float64.

    Each split looks at the square root of the number of columns, drawn anew.

    Parameters
    ----------
    trees : int
    depth : int
        Most questions from root to leaf.
    min_leaf_rows : int
        Fewest training rows in a leaf; at most half of the rows.
    seed : int
        Of the rows and columns that are drawn.

    Raises
    ------
    BadInputError
        If a parameter is out of range.

    References
    ----------
    Breiman (2001), "Random Forests", Machine Learning 45.
    """

    trees: int = 200
    depth: int = 15
    min_leaf_rows: int = 5
    seed: int = 7

    name: ClassVar[str] = "random_forest"
    space: ClassVar[Space] = {"depth": whole(2, 20), "min_leaf_rows": whole(5, 500, is_log=True)}

    def __post_init__(self) -> None:
        check_number("trees", self.trees, least=1, most=10_000)
        check_number("depth", self.depth, least=1, most=64)
        check_number("min_leaf_rows", self.min_leaf_rows, least=1, most=1_000_000)
        check_number("seed", self.seed, least=0, most=2**31 - 1)

    def answer(self, *, is_direction: bool) -> Answer:  # noqa: ARG002  # a mean either way
        """Return the mean of the leaves."""
        return Answer("rounded_features", "mean")

    def grow(self, lesson: Lesson) -> FlatTrees:
        """Grow the forest, tree by tree on one thread."""
        check_leaf_rows(self.min_leaf_rows, len(lesson.features))
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor  # noqa: PLC0415  # slow to load

        kind = RandomForestClassifier if lesson.is_direction else RandomForestRegressor
        forest = kind(
            n_estimators=self.trees,
            max_depth=self.depth,
            min_samples_leaf=self.min_leaf_rows,
            max_features="sqrt",
            random_state=self.seed,
            n_jobs=1,
        )
        forest.fit(lesson.features, lesson.targets, sample_weight=lesson.weight)
        trees = [_flattened(one.tree_, is_direction=lesson.is_direction) for one in forest.estimators_]
        how = self.answer(is_direction=lesson.is_direction)
        return FlatTrees.of(trees, n_features=lesson.features.shape[1], how=how)


def _flattened(tree: Any, *, is_direction: bool) -> FlatTree:  # noqa: ANN401  # scikit-learn ships no types
    is_leaf = tree.children_left < 0
    # Of a leaf scikit-learn keeps the share of each class, which rounding can leave a bit above 1, or the mean.
    said = np.clip(tree.value[:, 0, 1], 0.0, 1.0) if is_direction else tree.value[:, 0, 0]
    return FlatTree(
        feature=np.where(is_leaf, -1, tree.feature),
        number=np.where(is_leaf, said, tree.threshold),
        left=tree.children_left,
        right=tree.children_right,
    )
