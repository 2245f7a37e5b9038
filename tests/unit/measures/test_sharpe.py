"""Sharpe ratios and what they are worth, against the numbers printed in the papers and against simulation.

[1] Bailey and López de Prado (2012), "The Sharpe ratio efficient frontier", Journal of Risk 15(2).
[2] Bailey and López de Prado (2014), "The deflated Sharpe ratio", Journal of Portfolio Management 40(5); pages are
    those of the working paper (SSRN 2460551).
[3] Bailey, Borwein, López de Prado and Zhu (2014), "Pseudo-mathematics and financial charlatanism", Notices of the AMS.
[4] López de Prado, Lipton and Zoonekynd (2025), "How to use the Sharpe ratio", and the program published with it.

The numbers of [1] and [2] were held against tests of several programs by others, which quote them with their pages;
those of [4] are in the tests of its own program.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special

from assay.domain.errors import BadInputError, NoDataError
from assay.measures.deflated_sharpe import deflated_sharpe, expected_maximum_sharpe, minimum_backtest_years
from assay.measures.sharpe import (
    SharpeEstimate,
    annualised,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_estimate,
)


def test_probabilistic_sharpe_is_the_one_of_the_paper() -> None:
    # [1]: 24 months, Sharpe ratio 0.458 a month (1.59 a year), skew -2.448, kurtosis 10.164.
    assert annualised(0.458, periods_per_year=12) == pytest.approx(1.59, abs=0.005)
    assert round(probabilistic_sharpe(SharpeEstimate(0.458, n=24)), 3) == 0.982
    assert round(probabilistic_sharpe(SharpeEstimate(0.458, -2.448, 10.164, 24)), 3) == 0.913


@pytest.mark.parametrize(
    ("ratio", "skew", "kurtosis", "error", "years"),
    [(0.7079, -0.2250, 2.9570, 0.1028, 0.7152), (0.8183, -1.4455, 7.0497, 0.1550, 1.1593)],
)
def test_hedge_fund_indices_are_those_of_the_paper(
    ratio: float, skew: float, kurtosis: float, error: float, years: float
) -> None:
    # [1], the table of hedge fund indices: 134 months; the error of the ratio, and the years until it is above zero at
    # 95 %, for two of them.
    estimate = SharpeEstimate(ratio, skew, kurtosis, 134)
    assert round(estimate.standard_error, 4) == error
    assert round(minimum_track_record(estimate) / 12, 4) == years
    assert round(probabilistic_sharpe(estimate), 4) == 1.0


@pytest.mark.parametrize(("skew", "kurtosis", "error"), [(-2.448, 10.164, 0.329), (0.0, 3.0, 0.214)])
def test_spread_is_that_of_the_authors_program(skew: float, kurtosis: float, error: float) -> None:
    # [4]: the fund of [1], 3.6 % a month with a deviation of 7.9 %; there the divisor is T, in [1] it is T - 1.
    assert round(SharpeEstimate(0.036 / 0.079, skew, kurtosis, 24).spread / math.sqrt(24), 3) == error


@pytest.mark.parametrize(
    ("periods", "skew", "kurtosis", "years"),
    [(250, 0.0, 3.0, 2.73), (52, 0.0, 3.0, 2.83), (12, 0.0, 3.0, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_minimum_track_record_is_the_one_of_the_paper(periods: int, skew: float, kurtosis: float, years: float) -> None:
    # [1]: a Sharpe ratio of 2 a year against one of 1 at 95 %, from days, weeks and months of normal returns, and from
    # months like those of hedge funds.
    estimate = SharpeEstimate(2 / math.sqrt(periods), skew, kurtosis)
    record = minimum_track_record(estimate, benchmark=1 / math.sqrt(periods))
    assert round(record / periods, 2) == years


def test_deflated_sharpe_is_the_one_of_the_paper() -> None:
    # [2], pages 9 and 10: five years of days, Sharpe ratio 2.5 a year, the best of 100 trials whose ratios have a
    # variance of 1/2 a year, skew -3, kurtosis 10. Of 46 trials the 95 % would have been reached; had the returns been
    # normal, of 88.
    deviation, ratio = math.sqrt(0.5 / 250), 2.5 / math.sqrt(250)
    assert round(expected_maximum_sharpe(100, deviation=deviation), 4) == 0.1132
    as_they_were, normal = SharpeEstimate(ratio, -3.0, 10.0, 1250), SharpeEstimate(ratio, n=1250)
    assert round(deflated_sharpe(as_they_were, trials=100, deviation=deviation), 4) == 0.9004
    assert round(deflated_sharpe(as_they_were, trials=46, deviation=deviation), 4) == 0.9505
    assert round(deflated_sharpe(normal, trials=88, deviation=deviation), 4) == 0.9505


def test_expected_maximum_and_years_needed_are_those_of_the_papers() -> None:
    assert round(expected_maximum_sharpe(10), 2) == 1.57  # [3]: ten worthless configurations, one year
    assert round(minimum_backtest_years(45, sharpe=1.0), 1) == 5.0  # [3]: five years bear 45 configurations
    # [3]: an upper bound is 2 ln N / SR².
    assert minimum_backtest_years(1000, sharpe=2.0) < 2 * math.log(1000) / 4


@pytest.mark.parametrize("trials", [5, 50, 1000])
def test_expected_maximum_is_about_that_of_simulated_trials(trials: int) -> None:
    best = np.random.default_rng(1).normal(size=(2000, trials)).max(axis=1)
    # The approximation of extreme value theory is within 2 % of the truth; the simulated mean within 1.5 %.
    assert expected_maximum_sharpe(trials, deviation=0.5) == pytest.approx(0.5 * best.mean(), rel=0.04)


def test_many_trials_keep_their_digits() -> None:
    # 1 - 1 / N is 1 for such an N; the tail is not.
    first, second = (-float(scipy.special.ndtri(tail)) for tail in (1e-18, 1e-18 / math.e))
    assert expected_maximum_sharpe(10**18) == pytest.approx(first + 0.5772156649 * (second - first), rel=1e-9)
    assert expected_maximum_sharpe(1) == 0.0
    assert expected_maximum_sharpe(10, deviation=0.0) == 0.0


def test_moments_are_those_of_scipy() -> None:
    import scipy.stats

    returns = np.random.default_rng(2).standard_t(5, size=400) * 0.01 + 0.001
    estimate = sharpe_estimate(returns, riskless=0.0002)
    assert estimate.ratio == pytest.approx((returns.mean() - 0.0002) / returns.std(ddof=1), rel=1e-12)
    assert estimate.skew == pytest.approx(float(scipy.stats.skew(returns)), rel=1e-10)
    assert estimate.kurtosis == pytest.approx(float(scipy.stats.kurtosis(returns, fisher=False)), rel=1e-10)
    assert estimate.n == 400


def test_standard_error_is_the_spread_of_simulated_ratios() -> None:
    # Gamma returns: skew 2 / sqrt(4) = 1, kurtosis 3 + 6 / 4 = 4.5, mean 4, deviation 2; less 3.4 the ratio is 0.3.
    returns = np.random.default_rng(3).gamma(4.0, size=(4000, 250)) - 3.4
    ratios = returns.mean(axis=1) / returns.std(axis=1, ddof=1)
    assert ratios.std() == pytest.approx(SharpeEstimate(0.3, 1.0, 4.5, 250).standard_error, rel=0.05)
    # What is left out of it matters: taken for normal, the error would be 14 % larger.
    assert SharpeEstimate(0.3, n=250).standard_error > 1.1 * ratios.std()


def test_record_of_the_minimum_length_reaches_the_confidence() -> None:
    estimate = SharpeEstimate(0.12, -0.5, 6.0)
    length = minimum_track_record(estimate, benchmark=0.02, confidence=0.99)
    assert math.isfinite(length)
    below, above = (SharpeEstimate(0.12, -0.5, 6.0, n) for n in (math.floor(length), math.ceil(length)))
    assert probabilistic_sharpe(below, benchmark=0.02) < 0.99 <= probabilistic_sharpe(above, benchmark=0.02)


def test_no_record_is_long_enough_for_a_ratio_that_is_not_above_the_benchmark() -> None:
    assert minimum_track_record(SharpeEstimate(0.1), benchmark=0.1) == math.inf


def test_more_trials_are_worth_less_and_one_trial_nothing_less() -> None:
    estimate = SharpeEstimate(0.1, n=500)
    worth = [deflated_sharpe(estimate, trials=trials) for trials in (1, 2, 10, 1000)]
    assert worth[0] == probabilistic_sharpe(estimate)
    assert worth == sorted(worth, reverse=True)
    # By default chance itself: with 10 trials the benchmark is 1.5746 times 1 / sqrt(499).
    z = (0.1 - 1.5746 / math.sqrt(499)) * math.sqrt(499) / math.sqrt(1 + 0.5 * 0.01)
    assert worth[2] == pytest.approx(float(scipy.special.ndtr(z)), abs=1e-4)


def test_returns_that_do_not_vary_have_no_ratio() -> None:
    estimate = sharpe_estimate(np.full(10, 0.01))
    assert math.isnan(estimate.ratio)
    assert math.isnan(probabilistic_sharpe(estimate))
    assert math.isnan(minimum_track_record(estimate))
    assert estimate.n == 10


def test_nonsense_is_refused() -> None:
    with pytest.raises(NoDataError, match="two returns"):
        sharpe_estimate(np.array([0.1]))
    with pytest.raises(BadInputError, match="finite number"):
        sharpe_estimate(np.array([0.1, np.nan]))
    with pytest.raises(NoDataError, match="two returns"):
        probabilistic_sharpe(SharpeEstimate(0.1, n=1))
    with pytest.raises(NoDataError, match="two returns"):
        deflated_sharpe(SharpeEstimate(0.1, n=1), trials=2)
    with pytest.raises(BadInputError, match="at least one trial"):
        expected_maximum_sharpe(0)
    for deviation in (-1.0, math.nan):
        with pytest.raises(BadInputError, match="deviation"):
            expected_maximum_sharpe(2, deviation=deviation)
    with pytest.raises(BadInputError, match="confidence"):
        minimum_track_record(SharpeEstimate(0.1), confidence=0.5)
    with pytest.raises(BadInputError, match="year must have periods"):
        annualised(1.0, periods_per_year=0)
    with pytest.raises(BadInputError, match="above zero"):
        minimum_backtest_years(10, sharpe=0.0)
