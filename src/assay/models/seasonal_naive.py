"""Seasonal naive: as at the same hour of the last day, or the same hour of the last week.

>>> import numpy as np
>>> model = SeasonalNaive(("hour_utc",)).fit(np.array([[0.0], [1.0], [0.0]]), np.array([5.0, 6.0, 7.0]))
>>> model.predict(np.array([[1.0], [0.0], [2.0]])).tolist()
[6.0, 7.0, 0.0]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.models.estimator import Floats, check_features, check_values, require_fitted
from assay.models.learned import Learned, check_names, take
from assay.models.parameters import check_choice, parameters_of

HOURS, WEEKDAYS = 24, 7


@dataclass(frozen=True, slots=True)
class SeasonalParameters:
    """What is a season, and which features say where in it a row is.

    Raises
    ------
    BadInputError
        If the season is neither ``day`` nor ``week``.
    """

    season: str = "day"
    """``day``: the same hour of the day; ``week``: the same hour of the week."""
    hour: str = "hour_utc"
    """Column of the hour, 0 to 23, as the Step ``calendar`` gives it."""
    weekday: str = "weekday_utc"
    """Column of the weekday, 0 to 6; looked at for the season ``week`` only."""

    def __post_init__(self) -> None:
        check_choice("season", self.season, ("day", "week"))

    @property
    def places(self) -> int:
        """Hours in a season."""
        return HOURS if self.season == "day" else HOURS * WEEKDAYS


class SeasonalNaive:
    """Foretells the last value of the same hour of the training rows; 0, as the last value does, of an hour not met.

    Parameters
    ----------
    columns : sequence of str
        Names of the features, in order; among them those that say the time.
    parameters : SeasonalParameters, optional

    Raises
    ------
    BadInputError
        If a column that says the time is missing.

    References
    ----------
    Hyndman and Athanasopoulos (2021), "Forecasting: Principles and Practice", section 5.2.
    """

    name = "seasonal_naive"

    def __init__(self, columns: Sequence[str], parameters: SeasonalParameters = SeasonalParameters()) -> None:
        self.columns = tuple(columns)
        self._parameters = parameters
        self._last: Floats | None = None
        needed = (parameters.hour,) if parameters.season == "day" else (parameters.hour, parameters.weekday)
        for name in needed:
            if name not in self.columns:
                todo = "add the indicator calendar to the features, or name the column that says it"
                raise BadInputError("seasonal_naive needs a column of the time", value=name, todo=todo)

    @property
    def parameters(self) -> Mapping[str, float | int | str]:
        """All that decides what `fit` makes of given rows."""
        return parameters_of(self.columns, self._parameters)

    def fit(self, features: Floats, values: Floats, *, sample_weight: Floats | None = None) -> Self:
        """Keep the last value of each hour of the season; no weight but 0 makes a difference to what came last.

        As :meth:`ValueEstimator.fit`; an hour that is none is a BadInputError too, here and in `predict`.
        """
        check_features(features, self.columns)
        check_values(values, len(features), sample_weight)
        weighs = np.ones(len(values), dtype=bool) if sample_weight is None else sample_weight > 0
        places = self._places(features)[weighs]
        last = np.zeros(self._parameters.places)
        newest_first, first = np.unique(places[::-1], return_index=True)
        last[newest_first] = values[weighs][::-1][first]
        self._last = last
        return self

    def predict(self, features: Floats) -> Floats:
        """Return the last value of each row's hour; as :meth:`ValueEstimator.predict`."""
        last = require_fitted(self._last, self.name)
        check_features(features, self.columns)
        return last[self._places(features)]

    def clone(self) -> Self:
        """Return an untaught one with the same columns and parameters."""
        return type(self)(self.columns, self._parameters)

    @property
    def learned(self) -> Learned:
        """The last value of each hour."""
        return {"last": require_fitted(self._last, self.name)}

    def taught(self, learned: Learned) -> Self:
        """Return a fitted one with these values.

        Raises
        ------
        BadInputError
            If they are not one for each hour of the season.
        """
        check_names(learned, {"last"})
        copy = self.clone()
        copy._last = take(learned, "last", shape=(self._parameters.places,))
        return copy

    def allowed(self, rows: Floats) -> Floats:
        """Return the rows with hours and weekdays where a time has to stand."""
        copy = rows.copy()
        for name, below in ((self._parameters.hour, HOURS), (self._parameters.weekday, WEEKDAYS)):
            if name in self.columns:
                at = self.columns.index(name)
                copy[:, at] = np.floor(np.abs(rows[:, at])) % below
        return copy

    def _places(self, features: Floats) -> NDArray[np.intp]:
        hour = self._whole(features, self._parameters.hour, HOURS)
        if self._parameters.season == "day":
            return hour
        return HOURS * self._whole(features, self._parameters.weekday, WEEKDAYS) + hour

    def _whole(self, features: Floats, name: str, below: int) -> NDArray[np.intp]:
        """Return a column of whole numbers from 0 to below `below`."""
        column = features[:, self.columns.index(name)]
        wrong = np.flatnonzero((column < 0) | (column >= below) | (column != np.floor(column)))
        if wrong.size:
            value, todo = f"{name} {column[wrong[0]]:g}, row {wrong[0]}", f"give whole numbers from 0 to {below - 1}"
            raise BadInputError("a time that is none", value=value, todo=todo)
        return column.astype(np.intp)
