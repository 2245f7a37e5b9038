"""The out-of-sample loop against a loop written out, and against leaks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.models.base_rate import BaseRate
from assay.models.logistic import Logistic
from assay.models.registry import new_value
from assay.models.splits import Fold, walk_forward
from assay.models.walk_forward import OutOfSample, foretell, out_of_sample, values_out_of_sample

N = 700
RNG = np.random.default_rng(7)
FEATURES = RNG.normal(size=(N, 2))
LABELS = (FEATURES[:, 0] + RNG.normal(size=N) > 0).astype(float)
START = np.arange(N)
FOLDS = walk_forward(START, START + 24, folds=6, min_rows=50)


def foretold(features: NDArray[np.float64], labels: NDArray[np.float64]) -> OutOfSample:
    return out_of_sample(Logistic(("a", "b")), BaseRate(), features=features, labels=labels, folds=FOLDS)


def test_each_block_is_what_a_fresh_model_of_its_past_says() -> None:
    result = foretold(FEATURES, LABELS)
    for number, fold in enumerate(FOLDS):
        here = result.fold == number
        assert result.row[here].tolist() == fold.test.tolist()
        alone = Logistic(("a", "b")).fit(FEATURES[fold.train], LABELS[fold.train])
        assert result.probability[here].tobytes() == alone.predict_proba(FEATURES[fold.test]).tobytes()
        share = LABELS[fold.train].mean()
        assert set(result.baseline_probability[here]) == {share}
        assert set(result.baseline[here]) == {int(share > 0.5)}
    assert result.predicted.tolist() == [int(p > 0.5) for p in result.probability]


def test_real_dependence_is_found() -> None:
    result = foretold(FEATURES, LABELS)
    # P(sign(a + e) = sign(a)) for two independent standard normals is 3/4; 600 rows give a standard error of 0.018.
    assert np.mean(result.predicted == LABELS[result.row]) == pytest.approx(0.75, abs=0.06)


def test_labels_and_features_of_the_future_change_nothing_said_before() -> None:
    before = foretold(FEATURES, LABELS)
    cut = FOLDS[3].test_start
    features, labels = FEATURES.copy(), LABELS.copy()
    features[cut:] = RNG.normal(size=(N - cut, 2))
    known_later = cut < START + 24
    labels[known_later] = 1 - labels[known_later]
    after = foretold(features, labels)
    past = before.row < cut
    assert after.probability[past].tobytes() == before.probability[past].tobytes()
    # The block that begins at the cut has other rows to foretell but the same model: purged labels did not reach it.
    fitted = Logistic(("a", "b")).fit(FEATURES[FOLDS[3].train], LABELS[FOLDS[3].train])
    block = after.fold == 3
    assert after.probability[block].tobytes() == fitted.predict_proba(features[FOLDS[3].test]).tobytes()


def test_repeated_run_gives_the_same_bits_and_leaves_the_estimator_untaught() -> None:
    assert foretold(FEATURES, LABELS).probability.tobytes() == foretold(FEATURES, LABELS).probability.tobytes()


def test_weights_reach_the_fit_with_their_rows() -> None:
    weight = RNG.uniform(0.1, 1, N)
    result = out_of_sample(
        BaseRate(), BaseRate(), features=FEATURES, labels=LABELS, folds=FOLDS[:1], sample_weight=weight
    )
    train = FOLDS[0].train
    assert result.probability[0] == pytest.approx(np.average(LABELS[train], weights=weight[train]), rel=1e-12)


def test_no_fold_is_refused() -> None:
    none: tuple[Fold, ...] = ()
    with pytest.raises(BadInputError, match="no fold"):
        out_of_sample(BaseRate(), BaseRate(), features=FEATURES, labels=LABELS, folds=none)


def test_values_are_foretold_by_fresh_models_of_the_past_as_well() -> None:
    values = FEATURES[:, 1] + 3.0
    columns = ("a", "b")
    drift, now = new_value("drift", columns), new_value("last_value", columns)
    result = values_out_of_sample(drift, now, features=FEATURES, values=values, folds=FOLDS)
    for number, fold in enumerate(FOLDS):
        here = result.fold == number
        assert result.row[here].tolist() == fold.test.tolist()
        assert set(result.predicted[here]) == {new_value("drift", columns).fit(
            FEATURES[fold.train], values[fold.train]).predict(FEATURES[:1])[0]}  # fmt: skip
        assert foretell(result.fitted[number], FEATURES[:1])[0] == result.predicted[here][0]
    assert set(result.baseline) == {0.0}
