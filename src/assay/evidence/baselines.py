"""A model against each of its baselines: by how much it is better, and whether that is luck.

>>> import numpy as np
>>> rng = np.random.default_rng(7)
>>> hours, noise = np.arange(3000) * 3_600_000_000, rng.random(3000)
>>> others = {"last_value": noise + 0.1, "drift": noise + rng.normal(0.0, 0.1, 3000)}
>>> for one in against_baselines(noise, others, hours, claim=Claim("BTC-USDT 1h", "1 h", 1, folds=6), rng=rng):
...     print(one.name, round(one.skill, 2), one.test.p_better < 0.01)
last_value 0.17 True
drift ... False
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.evidence.claim import Claim
from assay.evidence.observations import by_moment
from assay.evidence.ratios import estimate_ratios
from assay.evidence.verdict import Estimate
from assay.measures.diebold_mariano import DieboldMariano, diebold_mariano
from assay.measures.losses import skill


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """The model against one baseline."""

    name: str
    loss: float
    """Mean loss of the baseline."""
    skill: float
    """Share of that loss that the model avoids; NaN where the baseline loses nothing."""
    gain: Estimate
    """Mean loss of the baseline less that of the model; block bootstrap, corrected for the number of trials."""
    test: DieboldMariano
    """Of Diebold and Mariano, not corrected for trials."""

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON; what is not a number becomes ``None``."""
        test = self.test
        return {
            "name": self.name,
            "loss": self.loss,
            "skill": None if np.isnan(self.skill) else self.skill,
            "gain": self.gain.to_dict(),
            "diebold_mariano": {
                "statistic": test.statistic if np.isfinite(test.statistic) else None,
                "p_value": test.p_value,
                "p_better": test.p_better,
                "kernel": test.kernel.value,
            },
        }


def against_baselines(
    losses: NDArray[np.float64],
    baselines: Mapping[str, NDArray[np.float64]],
    forecast_at: NDArray[np.int64],
    *,
    claim: Claim,
    rng: np.random.Generator,
    samples: int = 2000,
) -> tuple[BaselineComparison, ...]:
    """Compare the losses of a model with those of each baseline, on the same rows.

    Parameters
    ----------
    losses : ndarray of float64, shape (n,)
        Of the model (``measures.losses``), out of sample, in order of time.
    baselines : mapping of str to ndarray of float64, shape (n,)
        Losses of each baseline.
    forecast_at : ndarray of int64, shape (n,)
        Microseconds. Rows of one moment, of several series, count as one observation.
    claim : Claim
        Horizon, block, level and trials.
    rng : numpy.random.Generator
        The same state gives the same intervals.
    samples : int, default 2000
        Bootstrap samples; all baselines are drawn together.

    Returns
    -------
    tuple of BaselineComparison
        In the order given.

    Raises
    ------
    BadInputError
        If there is no baseline, shapes differ, a loss is not finite or times decrease.
    NoDataError
        If there are no more moments than the horizon has bars.
    """
    if not baselines or any(other.shape != losses.shape for other in baselines.values()):
        raise BadInputError("losses of model and baselines must be of the same rows", value=losses.shape)
    if not losses.size:
        raise NoDataError("there is no forecast to compare", todo="train on a longer period")
    gains = np.stack([by_moment(other - losses, forecast_at) for other in baselines.values()], axis=1)
    levels = [claim.corrected_level] * len(baselines)
    estimates = estimate_ratios(gains, np.ones(len(gains)), block=claim.block, samples=samples, levels=levels, rng=rng)
    return tuple(
        BaselineComparison(
            name=name,
            loss=float(other.mean()),
            skill=skill(float(losses.mean()), float(other.mean())),
            gain=estimate,
            test=diebold_mariano(column, horizon=claim.horizon_bars),
        )
        for (name, other), estimate, column in zip(baselines.items(), estimates, gains.T, strict=True)
    )
