"""F15: one row asked of trees, flat and in one loop of our own, beside the library that grew them.

Both sides are asked the way one would: ours through the estimator, whose checks of the row are part of it, the
libraries through their fastest call for one row. That they say the same bits is checked first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import lightgbm
import numpy as np
import sklearn
import sklearn.ensemble
import xgboost

from assay.models.lightgbm import LightGbm
from assay.models.random_forest import RandomForest
from assay.models.trees import DirectionTrees, Grower
from assay.models.xgboost import Xgboost
from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.lakes import Stage
from benchmarks.sixteen import Array

GOALS = {"random_forest": 0.01, "xgboost": 0.1, "lightgbm": 0.5}
COLUMNS = tuple(f"feature_{number}" for number in range(16))
ROWS, QUICK_ROWS, ASKED = 20_000, 2_000, 200
Ask = Callable[[Array], Array]


def run(stage: Stage) -> Iterator[Figure]:
    """Measure a row at a time, of three kinds of trees taught the same rows."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(QUICK_ROWS if stage.is_quick else ROWS, len(COLUMNS)))
    labels = (features[:, 0] * features[:, 1] + rng.normal(size=len(features)) > 0).astype(float)
    rows = [row.reshape(1, -1) for row in features[:ASKED]]
    for grower, taught_beside in ((RandomForest(), forest), (Xgboost(), boosted_x), (LightGbm(), boosted_light)):
        model, theirs, version = taught_beside(grower, features, labels)
        together = np.concatenate([theirs(row) for row in rows])
        assert model.predict_proba(features[:ASKED]).tobytes() == together.astype(np.float64).tobytes()
        ours = Contender("flat trees", a_row(model.predict_proba, rows))
        peer = Contender(grower.name, a_row(theirs, rows), version)
        times = race([ours, peer], rounds=5 if stage.is_quick else 15, warmup=1)
        work = f"one row of {len(COLUMNS)} features asked of {len(model.learned['roots'])} trees, {grower.name}"
        yield Figure.of_ratio("F15", work, times, subject=ours, peer=peer, goal=GOALS[grower.name])


def a_row(ask: Ask, rows: list[Array]) -> Callable[[], float]:
    """Return a measure of the seconds that one row takes: the mean of all of them, asked one by one."""
    measure = timed(lambda: [ask(row) for row in rows])
    return lambda: measure() / len(rows)


Beside = tuple[DirectionTrees, Ask, str]


def forest(grower: Grower, features: Array, labels: Array) -> Beside:
    """Return the flat forest, and scikit-learn's on one thread: several only make one row slower."""
    model, peer = _grown(grower, (features, labels), sklearn.ensemble, "RandomForestClassifier")
    return model, lambda row: peer.predict_proba(row)[:, 1], sklearn.__version__


def boosted_x(grower: Grower, features: Array, labels: Array) -> Beside:
    """Return the flat trees, and XGBoost's without a DMatrix around the row."""
    model, peer = _grown(grower, (features, labels), xgboost, "train")
    start = np.array([model.learned["start"][0]], dtype=np.float32)
    peer.set_param({"nthread": 1})
    return model, lambda row: peer.inplace_predict(row, base_margin=start), xgboost.__version__


def boosted_light(grower: Grower, features: Array, labels: Array) -> Beside:
    """Return the flat trees, and LightGBM's on one thread."""
    model, peer = _grown(grower, (features, labels), lightgbm, "train")
    return model, lambda row: peer.predict(row, num_threads=1), lightgbm.__version__


def _grown(
    grower: Grower,
    rows: tuple[Array, Array],
    library: Any,  # noqa: ANN401  # a module
    name: str,
) -> tuple[DirectionTrees, Any]:
    """Teach the estimator, and catch what the library's `name` makes meanwhile."""
    make, made = getattr(library, name), []

    def catch(*args: object, **settings: object) -> object:
        made.append(make(*args, **settings))
        return made[-1]

    setattr(library, name, catch)
    try:
        model = DirectionTrees(COLUMNS, grower).fit(*rows)
    finally:
        setattr(library, name, make)
    return model, made[0]
