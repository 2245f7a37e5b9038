"""The volatility of a GARCH(1,1) on a chart: the numbers of ``assay features garch``, for the bars that are shown.

A value depends on the fit before it and not on where the chart begins, so only the fits of the stretch shown are made,
and those of bars that have not changed are remembered while the server runs.
"""

from __future__ import annotations

import importlib.util
import re
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.domain.errors import BadInputError, NoDataError
from assay.features.bars import FloatArray
from assay.features.garch import Garch
from assay.features.garch_fit import FEWEST_RETURNS, FitError, GarchFit
from assay.pipelines.steps import bars_of
from assay.pipelines.volatility import GarchRequest, check, report_of

if TYPE_CHECKING:
    import polars as pl

    from assay.domain.instrument import Resolution

NAME = "garch"
OUTPUTS = ("garch_volatility", "garch_volatility_annualised")
UNITS = Garch.docs.units
TITLE = Garch.docs.title
FORMULA = Garch.docs.formula
USUAL: dict[str, int | str] = {"every": 168, "on": 2000, "distribution": "t"}
"""Parameters in their order."""
USUAL_TEXT = ":".join([NAME, *map(str, USUAL.values())])
WARMUP = FEWEST_RETURNS + 1
_MOST_FITS, _MOST_RETURNS = 200, 400_000
"""For one answer; about ten seconds."""
_MOST_REMEMBERED = 5_000
_FORM = re.compile(r"garch(?::([0-9]{1,7})(?::([0-9]{1,7})(?::([a-z]{1,10}))?)?)?")


@dataclass(frozen=True, slots=True)
class GarchAsked:
    """How it is to be fitted: every so many bars, on the last so many, with which distribution of the surprises."""

    every: int = 168
    on: int = 2000
    distribution: str = "t"

    def request(self, symbol: str, interval: str) -> GarchRequest:
        """Return the question that the command puts with the same parameters."""
        return GarchRequest(symbol, interval, every=self.every, on=self.on, distribution=self.distribution)


def is_available() -> bool:
    """Return whether what fits it is installed."""
    return importlib.util.find_spec("arch") is not None


def parse_garch(text: str) -> GarchAsked | None:
    """Return what ``garch``, ``garch:168`` or ``garch:168:2000:normal`` asks for; None if it names something else.

    Raises
    ------
    BadInputError
        If a parameter is none.
    SettingsError
        If what fits it is not installed.
    """
    if text.partition(":")[0] != NAME:
        return None
    found = _FORM.fullmatch(text)
    if not found:
        raise BadInputError("not a GARCH", value=text[:100], todo="write garch, or garch:168:2000:t")
    every, on, distribution = found.groups()
    asked = GarchAsked(int(every or 168), int(on or 2000), distribution or "t")
    check(asked.request("any", "1h"))
    return asked


@dataclass(frozen=True, slots=True, eq=False)
class ShownVolatility:
    """The volatility at the bars shown, and what is to be said of it.

    Attributes
    ----------
    values : dict of str to float64 array, shape (n_shown,)
        By output; NaN before the first fit.
    about : dict or None
        :meth:`GarchReport.about` of the last closed bar shown; None where no fit could be made.
    is_newest : bool
        Whether that is the newest closed bar there is, so that its forecast is one of what is still to come.
    why : str
        Why there is no fit; else empty.
    """

    values: dict[str, FloatArray]
    about: dict[str, Any] | None
    is_newest: bool
    why: str = ""


def shown_volatility(
    asked: GarchAsked, resolution: Resolution, bars: pl.DataFrame, *, first: int, last: int
) -> ShownVolatility:
    """Return the volatility at rows `first` to `last` of the bars of a series, both included.

    Raises
    ------
    BadInputError
        If so much would have to be fitted that somebody waited for minutes.
    """
    fits = (last - first) // asked.every + 1
    if fits > _MOST_FITS or fits * min(asked.on, last + 1) > _MOST_RETURNS:
        todo = "ask for fewer bars, or fit it less often or to fewer"
        value = f"{fits:,} fits to {asked.on:,} bars each"
        raise BadInputError("too much to fit for one answer", value=value, todo=todo)
    whole = bars["is_closed"].to_numpy()
    closed = bars.head(last + 1).filter(whole[: last + 1])
    start = int(whole[:first].sum())
    values = {name: np.full(last - first + 1, np.nan) for name in OUTPUTS}
    series = resolution.series
    try:
        request = asked.request(resolution.requested, series.interval.code)
        report = report_of(resolution, bars_of(closed), request, start=start, memory=_MEMORY)
    except (FitError, NoDataError) as error:
        return ShownVolatility(values, None, is_newest=False, why=error.what)
    rows = np.flatnonzero(whole[first : last + 1])
    for name, found in zip(OUTPUTS, (report.path.volatility, report.path.annualised), strict=True):
        values[name][rows] = found[len(found) - rows.size :]
    return ShownVolatility(values, report.about(), is_newest=closed.height == int(whole.sum()))


class _Remembered(MutableMapping[bytes, GarchFit | FitError]):
    """Fits that were made last; safe to use from many threads."""

    def __init__(self) -> None:
        self._fits: OrderedDict[bytes, GarchFit | FitError] = OrderedDict()
        self._lock = Lock()

    def __getitem__(self, key: bytes) -> GarchFit | FitError:
        with self._lock:
            self._fits.move_to_end(key)
            return self._fits[key]

    def __setitem__(self, key: bytes, fit: GarchFit | FitError) -> None:
        with self._lock:
            self._fits[key] = fit
            while len(self._fits) > _MOST_REMEMBERED:
                self._fits.popitem(last=False)

    def __delitem__(self, key: bytes) -> None:
        with self._lock:
            del self._fits[key]

    def __iter__(self) -> Iterator[bytes]:
        with self._lock:
            return iter(list(self._fits))

    def __len__(self) -> int:
        return len(self._fits)


_MEMORY = _Remembered()
