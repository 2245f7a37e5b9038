"""The test of Diebold and Mariano: by hand, against statsmodels' robust variance, and how often it errs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special

from assay.domain.errors import BadInputError, NoDataError
from assay.measures.diebold_mariano import Kernel, diebold_mariano, long_run_variance


def test_worked_by_hand() -> None:
    # Gains 3 1 2 0 4, mean 2. Deviations 1 -1 0 -2 2: autocovariances (1 + 1 + 0 + 4 + 4) / 5 = 2 at lag 0 and
    # (-1 + 0 + 0 - 4) / 5 = -1 at lag 1. Horizon 2: 2 + 2 * -1 = 0 with the rectangular kernel, which is no variance;
    # 2 + 2 * -1 / 2 = 1 with Bartlett's. Correction (5 + 1 - 4 + 2 * 1 / 5) / 5 = 0.48; error sqrt(1 / 5 / 0.48).
    test = diebold_mariano(np.array([3.0, 1.0, 2.0, 0.0, 4.0]), horizon=2)
    assert test.kernel is Kernel.BARTLETT
    assert test.gain == 2.0
    assert test.standard_error == pytest.approx(math.sqrt(1 / 2.4))
    assert test.statistic == pytest.approx(2 * math.sqrt(2.4))
    assert test.p_better == pytest.approx(float(scipy.special.stdtr(4, -2 * math.sqrt(2.4))))
    assert test.p_value == pytest.approx(2 * test.p_better)


@pytest.mark.parametrize(("horizon", "kernel"), [(1, "uniform"), (5, "uniform"), (24, "uniform"), (24, "bartlett")])
def test_variance_equals_that_of_statsmodels(horizon: int, kernel: str) -> None:
    from statsmodels.regression.linear_model import OLS  # type: ignore[import-untyped]

    rng = np.random.default_rng(5)
    gains = np.convolve(rng.normal(size=523), np.ones(24) / 24, mode="valid") + 0.05
    ours = long_run_variance(
        gains, horizon=horizon, kernel=Kernel.BARTLETT if kernel == "bartlett" else Kernel.RECTANGULAR
    )
    options = {"maxlags": horizon - 1, "kernel": kernel, "use_correction": False}
    theirs = OLS(gains, np.ones(500)).fit(cov_type="HAC", cov_kwds=options).bse[0]
    assert math.sqrt(ours / 500) == pytest.approx(float(theirs), rel=1e-10)


def test_statistic_is_that_of_statsmodels_times_the_factor_of_the_paper() -> None:
    from statsmodels.regression.linear_model import OLS

    gains, h, n = np.random.default_rng(6).normal(0.1, 1, size=60), 4, 60
    options = {"maxlags": h - 1, "kernel": "uniform", "use_correction": False}
    plain = float(OLS(gains, np.ones(n)).fit(cov_type="HAC", cov_kwds=options).tvalues[0])
    expected = plain * math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    test = diebold_mariano(gains, horizon=h)
    assert test.statistic == pytest.approx(expected, rel=1e-10)
    assert test.p_better == pytest.approx(float(scipy.special.stdtr(n - 1, -expected)), rel=1e-9)


def test_printed_example_of_another_program() -> None:
    # The package dieboldmariano (its page on PyPI, "Code example") prints for these forecasts the statistic
    # -2.2229922805746782 and, one-sided, p = 0.04515565862099125: squared errors, horizon 1, with the correction of
    # Harvey, Leybourne and Newbold. Its first forecaster is the better one; a gain here is the loss of the other one
    # less its own, hence the sign.
    happened = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
    first, second = np.array([11.0, 21.0, 29.0, 42.0, 53.0]), np.array([13.0, 26.0, 24.0, 40.0, 59.0])
    test = diebold_mariano((second - happened) ** 2 - (first - happened) ** 2, horizon=1)
    assert test.statistic == pytest.approx(2.2229922805746782, rel=1e-12)
    assert test.p_better == pytest.approx(0.04515565862099125, rel=1e-9)


def test_interval_ends_at_zero_where_the_p_value_is_one_less_its_level() -> None:
    test = diebold_mariano(np.random.default_rng(7).normal(0.2, 1, size=100), horizon=3)
    assert test.interval(1 - test.p_value).low == pytest.approx(0.0, abs=1e-9)


def test_forecasts_that_overlap_are_not_taken_for_independent_ones() -> None:
    # Means of 12 neighbours: 12 times the variance of the mean. Without the lags the test would find a difference in
    # far more than one of twenty; with them it does about as often as it says.
    rng = np.random.default_rng(8)
    paths = [np.convolve(rng.normal(size=611), np.ones(12), mode="valid") for _ in range(200)]
    found = {
        horizon: sum(diebold_mariano(path, horizon=horizon).p_value < 0.05 for path in paths) for horizon in (1, 12)
    }
    assert found[1] > 80  # P(|z| > 1.96 / sqrt(12)) = 0.57
    # 5 % of 200 are 10, standard deviation 3.1; the estimated variance of 50 independent stretches adds some.
    assert found[12] <= 26


def test_models_that_are_equal_are_not_told_apart() -> None:
    test = diebold_mariano(np.zeros(50), horizon=3)
    assert (test.gain, test.standard_error, test.p_better, test.p_value) == (0.0, 0.0, 1.0, 1.0)
    assert math.isnan(test.statistic)


def test_gain_that_never_varies_is_certain() -> None:
    # Rounding must not leave a variance: the mean of 0.1 fifty times is not exactly 0.1.
    assert diebold_mariano(np.full(50, 0.1), horizon=3).p_better == 0.0
    worse = diebold_mariano(np.full(50, -0.1), horizon=3)
    assert (worse.p_better, worse.p_value) == (1.0, 0.0)


def test_nonsense_is_refused() -> None:
    with pytest.raises(BadInputError, match="at least one bar"):
        diebold_mariano(np.ones(5), horizon=0)
    with pytest.raises(BadInputError, match="finite number"):
        diebold_mariano(np.array([1.0, np.nan]), horizon=1)
    with pytest.raises(NoDataError, match=r"too few forecasts to compare: '24'; more rows .* \(24\)"):
        diebold_mariano(np.arange(24.0), horizon=24)
    with pytest.raises(BadInputError, match="confidence level"):
        diebold_mariano(np.arange(5.0), horizon=1).interval(1.0)
