"""GARCH against arch itself, on simulated returns with known coefficients and on real ones; and no look ahead."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from arch import arch_model

from assay.domain.errors import BadInputError
from assay.features.bars import Bars
from assay.features.contract import FACTS, PROPERTIES
from assay.features.drivers import Stream, run_batch
from assay.features.garch import Garch
from assay.features.garch_fit import FEWEST_RETURNS, FitError, GarchFit, fit_garch, forecast
from assay.features.garch_path import GarchPath, Schedule, garch_path
from assay.features.step import Step
from tests.contract.step_cases import Case, made_cases
from tests.unit.features.made_bars import hourly, needs_recordings, recorded_btc, same_bits

TRUE = Garch(0.0, 0.02, 0.08, 0.9, 1.0)
EVERY, ON = 400, 1500
NOT_FOR_IT = "check_constant_bars_give_a_constant_value"
"""The variance of bars that stand still goes down to omega / (1 - beta), which it is not at the beginning."""


def simulated(count: int = 4000, seed: int = 2) -> Bars:
    """Bars whose log returns in per cent are drawn from :data:`TRUE`."""
    rng = np.random.default_rng(seed)
    variance, price, closes = TRUE.variance, 100.0, []
    for draw in rng.standard_normal(count).tolist():
        surprise = math.sqrt(variance) * draw
        variance = TRUE.omega + TRUE.alpha * surprise**2 + TRUE.beta * variance
        price *= math.exp(surprise / 100.0)
        closes.append(price)
    return hourly(closes)


@pytest.fixture(scope="module")
def path() -> GarchPath:
    return garch_path(simulated(), every=EVERY, on=ON)


@pytest.mark.parametrize("check", PROPERTIES, ids=lambda one: one.__name__)
def test_is_a_step_like_any(check: Callable[[Step, Case], None]) -> None:
    for case in made_cases():
        check(Garch(), case)


@pytest.mark.parametrize("check", [one for one in FACTS if one.__name__ != NOT_FOR_IT], ids=lambda one: one.__name__)
def test_states_what_any_step_states(check: Callable[[Step], None]) -> None:
    check(Garch())


def test_by_hand() -> None:
    """Variance 1, then a rise of 2 % (e^0.02): 0.1 + 0.2 * 2^2 + 0.5 * 1 = 1.4."""
    bars = hourly([100.0, 100.0 * math.exp(0.02)])
    values, _ = run_batch(Garch(0.0, 0.1, 0.2, 0.5, 1.0), bars)
    np.testing.assert_allclose(values[:, 0], [0.01, math.sqrt(1.4) / 100])
    np.testing.assert_allclose(values[:, 1], values[:, 0] * math.sqrt(8760))


@pytest.mark.parametrize("distribution", ["normal", "t"])
def test_filters_and_forecasts_as_arch_does(distribution: Literal["normal", "t"]) -> None:
    bars = simulated()
    fit = fit_garch(bars, distribution=distribution)
    returns = 100.0 * np.diff(np.log(bars.close))
    theirs = arch_model(returns, rescale=False, dist=distribution).fit(disp="off")
    values, state = run_batch(fit.step, bars)
    # Row t holds the volatility of bar t + 1, whose return is number t.
    np.testing.assert_allclose(100.0 * values[:-1, 0], theirs.conditional_volatility, rtol=1e-8)
    ahead = theirs.forecast(horizon=24).variance.to_numpy()[0]
    path = GarchPath(values[:, 0], values[:, 1], (fit,), (), state)
    found = path.forecast(24, level=0.95)
    np.testing.assert_allclose((100.0 * found.volatility) ** 2, ahead, rtol=1e-8)
    shape = theirs.params[-1:].to_numpy() if distribution == "t" else None
    expected = float(theirs.model.distribution.ppf(0.975, shape)) * np.sqrt(np.cumsum(ahead)) / 100
    np.testing.assert_allclose(found.upper - found.mean, expected, rtol=1e-5)
    np.testing.assert_allclose(found.mean - found.lower, expected, rtol=1e-5)


def test_finds_the_coefficients_that_made_the_returns() -> None:
    fit = fit_garch(simulated(20_000))
    for name, value in {"omega": TRUE.omega, "alpha[1]": TRUE.alpha, "beta[1]": TRUE.beta, "mu": TRUE.mu}.items():
        found = getattr(fit.step, name.removesuffix("[1]"))
        assert abs(found - value) < 3 * fit.errors[name], name


def test_most_returns_fall_into_their_interval(path: GarchPath) -> None:
    bars = simulated()
    reach = path.fits[0].quantile(0.9)
    returns = np.diff(np.log(bars.close))
    known = ~np.isnan(path.volatility[:-1])
    inside = np.abs(returns[known]) <= reach * path.volatility[:-1][known]
    assert known.sum() > 3000
    assert abs(inside.mean() - 0.9) < 4 * math.sqrt(0.09 / known.sum())


def test_no_value_knows_of_a_later_bar(path: GarchPath) -> None:
    bars = simulated()
    for cut in (FEWEST_RETURNS, FEWEST_RETURNS + 1, 651, 652, 2000):
        alone = garch_path(bars.rows(0, cut), every=EVERY, on=ON)
        assert same_bits(alone.volatility, path.volatility[:cut])
    assert np.isnan(path.volatility[: FEWEST_RETURNS + 1]).all()
    assert np.isfinite(path.volatility[FEWEST_RETURNS + 1 :]).all()
    assert not path.failures


def test_it_is_fitted_every_so_many_bars_of_the_calendar(path: GarchPath) -> None:
    """As soon as there are returns enough, then at the first bar that closes at or after each 400 hours since 1970."""
    bars = simulated()
    period = EVERY * 3_600_000_000
    closes = bars.close_time.tolist()
    expected = [closes[FEWEST_RETURNS]]
    for before, close in itertools.pairwise(closes[FEWEST_RETURNS:]):
        if before // period != close // period:
            expected.append(close)
            assert close % period == 0
    assert [one.fitted_at for one in path.fits] == expected
    assert len(expected) >= 10
    assert Schedule(EVERY, ON).next_after(bars) == expected[-1] + period


def test_values_do_not_depend_on_where_the_history_begins(path: GarchPath) -> None:
    bars, start = simulated(), 2600
    part = bars.rows(start - ON - EVERY, len(bars))
    memory: dict[bytes, GarchFit | FitError] = {}
    found = garch_path(part, every=EVERY, on=ON, start=ON + EVERY, memory=memory)
    assert same_bits(found.volatility[ON + EVERY :], path.volatility[start:])
    assert np.isnan(found.volatility[: ON + EVERY]).all()
    assert found.fits == path.fits[-len(found.fits) :]
    assert len(memory) == len(found.fits) == 5
    # What is remembered is not fitted again: a changed memory would tell.
    wrong = dataclasses.replace(found.fits[-1], degrees=3.0)
    memory = {key: wrong if one == found.fits[-1] else one for key, one in memory.items()}
    assert garch_path(part, every=EVERY, on=ON, start=ON + EVERY, memory=memory).fits[-1] is wrong


def test_a_stream_from_the_last_fit_goes_on_as_the_batch_does() -> None:
    bars = simulated(1000)
    whole = garch_path(bars, every=EVERY, on=ON)
    cut = int(np.searchsorted(bars.close_time, whole.fits[1].fitted_at)) + 8
    before = garch_path(bars.rows(0, cut), every=EVERY, on=ON)
    stream = Stream(before.fits[-1].step, before.state)
    later = [one.fitted_at for one in whole.fits[2:]]
    until = int(np.searchsorted(bars.close_time, later[0])) + 1 if later else len(bars)
    assert until > cut + 50
    streamed = [stream.update(bars.bar(row))[0] for row in range(cut, until)]
    assert same_bits(np.array(streamed), whole.volatility[cut : cut + len(streamed)])


def test_a_fit_that_fails_is_told_and_the_one_before_it_kept() -> None:
    close = simulated(1200).close.copy()
    close[500:] = close[500]
    found = garch_path(hourly(close), every=200, on=260)
    assert found.failures
    assert "never moves" in found.failures[-1][1]
    assert np.isfinite(found.volatility[FEWEST_RETURNS + 1 :]).all()


def test_too_few_bars_and_bars_that_stand_still_are_refused() -> None:
    with pytest.raises(FitError, match="too few returns"):
        fit_garch(simulated(FEWEST_RETURNS))
    with pytest.raises(FitError, match="never moves"):
        fit_garch(hourly(np.full(400, 7.0)))
    with pytest.raises(BadInputError, match="unknown distribution"):
        fit_garch(simulated(400), distribution="cauchy")
    with pytest.raises(FitError, match="no fit to forecast with"):
        garch_path(simulated(100)).forecast(3)
    for horizon in (0, -1, 1.5, 100_000):
        with pytest.raises(BadInputError, match="horizon"):
            garch_path(simulated(300)).forecast(horizon)  # type: ignore[arg-type]
    with pytest.raises(BadInputError, match="not a GARCH that can last"):
        Garch(0.0, 0.1, 0.2, 0.81, 1.0)


def test_a_variance_without_a_long_run_grows_by_omega() -> None:
    fit = dataclasses.replace(fit_garch(simulated(400)), step=Garch(0.0, 0.1, 0.2, 0.8, 1.0))
    assert not fit.has_long_run
    assert fit.step.long_run_variance == math.inf
    _, state = run_batch(fit.step, hourly([100.0]))
    found = forecast(fit, state, 3)
    np.testing.assert_allclose((100.0 * found.volatility) ** 2, [1.0, 1.1, 1.2])


@needs_recordings
def test_filters_real_bars_with_gaps_as_arch_does() -> None:
    bars = recorded_btc().rows(7000, 10_000)
    assert (bars.open_time[1:] != bars.close_time[:-1]).any()
    fit = fit_garch(bars, distribution="t")
    follows = bars.open_time[1:] == bars.close_time[:-1]
    returns = 100.0 * np.diff(np.log(bars.close))[follows]
    theirs = arch_model(returns, rescale=False, dist="t").fit(disp="off")
    values, _ = run_batch(fit.step, bars)
    np.testing.assert_allclose(100.0 * values[:-1, 0][follows], theirs.conditional_volatility, rtol=1e-8)
