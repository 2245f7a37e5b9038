"""Is this model better than its baseline, beyond what luck and many trials explain? Decided at one in a hundred.

Two tests have to agree. The one of Diebold and Mariano is exact about the overlap of forecasts, and sees nothing that
lasts longer; the other compares the means of whole blocks of time, a week or two horizons long, and minds whatever
happens inside of them. The less favourable of the two p-values counts, times the number of trials (Bonferroni). So
of a hundred searches among models that know nothing at most one finds something, however long it searches.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> hours = np.arange(5000) * 3_600_000_000
>>> luck = rng.choice([-1.0, 0.0, 1.0], size=5000)
>>> print(select(luck, hours, Contest(horizon_bars=1)).sentence)
Not selected: mean gain ... [...] may be luck, p = ... is not below 0.01 (n = 5,000, 1 trial)
>>> select(luck + 0.1, hours, Contest(horizon_bars=1, trials=50)).is_selected
True
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.evidence.claim import check_counts, trials_in_words
from assay.evidence.observations import block_means, by_moment
from assay.evidence.verdict import MIN_BLOCKS, Estimate
from assay.measures.bootstrap import ConfidenceInterval
from assay.measures.diebold_mariano import diebold_mariano
from assay.measures.distributions import student_t_critical, student_t_upper

ALPHA = 0.01
"""How often a search among models that know nothing may find one that is selected."""


@dataclass(frozen=True, slots=True)
class Contest:
    """On which terms a model is held against its baseline."""

    horizon_bars: int
    """Moments that a forecast looks ahead."""
    trials: int = 1
    """Models of this question tried so far, this one included."""
    alpha: float = ALPHA
    block_bars: int | None = None
    """Moments in a block, by default a week of hours; never less than two horizons."""

    def __post_init__(self) -> None:
        check_counts(self, "horizon_bars", "trials", "block_bars")
        if not 0 < self.alpha < 0.5:
            raise BadInputError("alpha lies between 0 and one half", value=self.alpha)

    @property
    def block(self) -> int:
        """Moments in a block."""
        return max(self.block_bars or 168, 2 * self.horizon_bars)


@dataclass(frozen=True, slots=True)
class Selection:
    """What was decided, and on which numbers.

    Its `gain` is what a promotion asks for as the difference of a paired test, with `trials` as the looks.

    Attributes
    ----------
    is_selected : bool
        Whether the model is better than its baseline, beyond luck and trials.
    is_enough : bool
        Whether there was enough data to decide; never selected without.
    gain : Estimate
        Mean of the baseline's loss less the model's; the interval holds what both tests allow, at ``1 - 2 alpha /
        trials``, so that it lies above zero exactly where the model is selected. Ends NaN without enough data.
    p_value : float
        Of the less favourable test, one-sided, before the correction; 1 without enough data.
    p_corrected : float
        Times the trials, at most 1.
    rows, moments : int
        Rows that were compared, and the moments that they are of.
    contest : Contest
    sentence : str
        What may be quoted.
    """

    is_selected: bool
    is_enough: bool
    gain: Estimate
    p_value: float
    p_corrected: float
    rows: int
    moments: int
    contest: Contest
    sentence: str

    @property
    def blocks(self) -> float:
        """Moments over moments in a block: how many nearly independent stretches there are."""
        return self.moments / self.contest.block

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON; what is not a number becomes ``None``."""
        return {
            "is_selected": self.is_selected,
            "is_enough": self.is_enough,
            "sentence": self.sentence,
            "gain": self.gain.to_dict(),
            "p_value": self.p_value,
            "p_corrected": self.p_corrected,
            "alpha": self.contest.alpha,
            "trials": self.contest.trials,
            "horizon_bars": self.contest.horizon_bars,
            "block_bars": self.contest.block,
            "rows": self.rows,
            "moments": self.moments,
        }


def select(gains: NDArray[np.float64], forecast_at: NDArray[np.int64], contest: Contest) -> Selection:
    """Decide whether a model is better than its baseline.

    Parameters
    ----------
    gains : ndarray of float64, shape (n,)
        Loss of the baseline less loss of the model on the same rows (``measures.losses``), out of sample, in order of
        time. With losses of 0 and 1 the mean gain is the difference of the accuracies.
    forecast_at : ndarray of int64, shape (n,)
        Microseconds: when each forecast was made. Rows of one moment, of several series, count as one observation.
    contest : Contest
        Horizon, trials and the error that is allowed.

    Returns
    -------
    Selection
        The same rows give the same bits: there is no chance in it.

    Raises
    ------
    BadInputError
        If a gain is not finite, the shapes differ, or times decrease.

    References
    ----------
    Diebold and Mariano (1995) with Harvey, Leybourne and Newbold (1997); Ibragimov and Müller (2010), "t-statistic
    based correlation and heterogeneity robust inference": Student's t of the means of blocks. That both must reject
    keeps the size of the stricter (Berger 1982, "Multiparameter hypothesis testing and acceptance sampling").
    """
    if not np.all(np.isfinite(gains)):
        raise BadInputError("gains must be finite", todo="drop rows that are not known")
    series = by_moment(gains, forecast_at)
    mean = float(gains.mean()) if gains.size else math.nan
    if series.size < MIN_BLOCKS * contest.block:
        tail = contest.alpha / contest.trials
        nowhere = Estimate(mean, ConfidenceInterval(math.nan, math.nan, 1 - 2 * tail))
        needed = f"{MIN_BLOCKS} blocks of {contest.block} moments are needed"
        sentence = f"Not enough data to select: {needed} {_context(gains.size, contest)}"
        return Selection(
            False, False, nowhere, 1.0, 1.0, rows=gains.size, moments=series.size, contest=contest, sentence=sentence
        )
    gain, p_value = _test(series, contest)
    corrected = min(1.0, p_value * contest.trials)
    is_selected = corrected < contest.alpha
    sentence = _in_words(is_selected, gain, corrected, contest)
    return Selection(
        is_selected, True, gain, p_value, corrected, rows=gains.size, moments=series.size, contest=contest,
        sentence=f"{sentence} {_context(gains.size, contest)}",
    )  # fmt: skip


def _test(series: NDArray[np.float64], contest: Contest) -> tuple[Estimate, float]:
    """Return the gain with the wider interval on each side, and the higher p-value, of the two tests."""
    tail = contest.alpha / contest.trials
    level = 1 - 2 * tail
    overlap = diebold_mariano(series, horizon=contest.horizon_bars)
    means = block_means(series, block=contest.block)
    mean, error, freedom = float(means.mean()), float(means.std(ddof=1)) / math.sqrt(means.size), means.size - 1
    p_blocks = student_t_upper(mean / error, freedom=freedom) if error > 0 else float(mean <= 0)
    reaches = ((overlap.gain, overlap.standard_error, overlap.n - 1), (mean, error, freedom))
    halves = [(value, student_t_critical(tail, freedom=df) * spread) for value, spread, df in reaches]
    low, high = min(value - half for value, half in halves), max(value + half for value, half in halves)
    return Estimate(overlap.gain, ConfidenceInterval(low, high, level)), max(overlap.p_better, p_blocks)


def _in_words(is_selected: bool, gain: Estimate, corrected: float, contest: Contest) -> str:  # noqa: FBT001
    numbers = f"mean gain {gain.value:+.4f} [{gain.interval.low:+.4f}, {gain.interval.high:+.4f}]"
    p_value = f"p = {corrected:.2g}" if corrected > 1e-12 else "p < 1e-12"
    after = f" after correction for {contest.trials:,} trials" if contest.trials > 1 else ""
    if is_selected:
        return f"Selected: {numbers}, {p_value}{after} is below {contest.alpha:g}"
    if gain.value <= 0:
        return f"Not selected: {numbers} is no gain over the baseline"
    return f"Not selected: {numbers} may be luck, {p_value}{after} is not below {contest.alpha:g}"


def _context(rows: int, contest: Contest) -> str:
    return f"(n = {rows:,}, {trials_in_words(contest.trials)})"
