"""What was foretold, how, and how often it was tried: the head of every piece of evidence, and how it is quoted.

>>> claim = Claim("BTC-USDT 1h", "24 h", horizon_bars=24, folds=6, trials=40)
>>> claim.context(period(np.array([0, 86_400_000_000 * 365])), f"n = {5000:,}")
'(BTC-USDT 1h, 1970-01 to 1971-01, n = 5,000, 40 trials)'
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.domain.interval import EPOCH

Period = tuple[datetime, datetime]
"""First and last forecast, UTC."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What was foretold, how, and how often it was tried."""

    series: str
    """As people write it, like ``BTC-USDT 1h``."""
    horizon: str
    """As people write it, like ``24 h``."""
    horizon_bars: int
    folds: int
    trials: int = 1
    """Models of this question tried so far, this one included."""
    block_bars: int | None = None
    """Rows in a bootstrap block; by default a week of hours or two horizons, whichever is longer."""
    level: float = 0.95

    def __post_init__(self) -> None:
        check_counts(self, "horizon_bars", "folds", "trials")

    @property
    def block(self) -> int:
        """Rows in a bootstrap block."""
        return self.block_bars or max(168, 2 * self.horizon_bars)

    @property
    def corrected_level(self) -> float:
        """Probability of an interval that is corrected for the number of trials (Bonferroni)."""
        return 1 - (1 - self.level) / self.trials

    def context(self, over: Period, rows: str) -> str:
        """Return, in brackets, of what a sentence speaks; `rows` says how many there are, and of what."""
        return f"({self.series}, {over[0]:%Y-%m} to {over[1]:%Y-%m}, {rows}, {trials_in_words(self.trials)})"

    def to_dict(self, over: Period, n: int) -> dict[str, object]:
        """Return it, with the time and the number of the forecasts, as plain values for JSON; times ISO 8601."""
        return {
            "series": self.series,
            "horizon": self.horizon,
            "horizon_bars": self.horizon_bars,
            "first_at": over[0].isoformat(),
            "last_at": over[1].isoformat(),
            "n": n,
            "folds": self.folds,
            "trials": self.trials,
        }


def period(at: NDArray[np.int64]) -> Period:
    """Return the first and the last of the moments of shape (n,), n at least 1, given in microseconds."""
    return EPOCH + timedelta(microseconds=int(at[0])), EPOCH + timedelta(microseconds=int(at[-1]))


def trials_in_words(trials: int) -> str:
    """Return a number of trials as people write it.

    Examples
    --------
    >>> trials_in_words(1), trials_in_words(1200)
    ('1 trial', '1,200 trials')
    """
    return f"{trials:,} trial{'s' if trials > 1 else ''}"


def check_counts(terms: object, *names: str) -> None:
    """Refuse terms on which something cannot be counted: fields of less than one; None is no number yet.

    Raises
    ------
    BadInputError
        It names the field.
    """
    for name in names:
        value = getattr(terms, name)
        if value is not None and value < 1:
            raise BadInputError(f"{name} must be at least one", value=value)
