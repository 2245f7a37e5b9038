"""For people's own tests: a feature that sees the future fails, with the reason as the message.

It needs nothing else of Assay: a plain function over a frame of pandas or Polars will do.

>>> import polars as pl
>>> hours = pl.datetime_range(pl.datetime(2026, 1, 1), pl.datetime(2026, 1, 20), "1h", eager=True)
>>> bars = pl.DataFrame({"open_time": hours, "close": [100.0 + (7 * hour % 24) for hour in range(len(hours))]})
>>> assert_causal(lambda bars: bars.select("open_time", mean=pl.col("close").rolling_mean(24)), bars).is_causal
True
>>> assert_causal(lambda bars: bars.select("open_time", next=pl.col("close").shift(-1)), bars)
Traceback (most recent call last):
AssertionError: <lambda>: sees the future
  future_value in next: the value of 1 bar later is read, as shift(-1) does
...
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.evidence.causality import Audit, Subject, audit
from assay.evidence.causality.prove import Density
from assay.evidence.causality.subject import Compute


def assert_causal(
    feature: Compute | Subject,
    bars: Any,  # noqa: ANN401  # a frame of either library
    *,
    sources: Mapping[str, Any] | None = None,
    density: Density = "sampled",
    seed: int = 0,
) -> Audit:
    """Audit a computation and return the audit, or fail with what was found.

    Parameters
    ----------
    feature : function or Subject
        Takes the bars, and the sources by their names; returns a frame, a series, or an array as long as the bars.
    bars : DataFrame or Series of pandas or Polars
    sources, density, seed
        As of :func:`assay.evidence.causality.audit`.

    Raises
    ------
    AssertionError
        If it sees the future: with the column, the row, how far ahead, and the likely cause.
    BadInputError
        If it cannot be audited.
    """
    found = audit(feature, bars, sources=sources, density=density, seed=seed)
    if not found.is_causal:
        raise AssertionError(found.text())
    return found
