"""Every estimator by its name. A module is loaded when its estimator is asked for, and a library when it is taught.

>>> known_estimators("value")
('drift', 'ewma', 'last_value', 'lightgbm', 'random_forest', 'seasonal_naive', 'xgboost')
>>> new_value("ewma", ("rsi_14",), {"half_life": 24}).parameters
{'columns': 'rsi_14', 'half_life': 24.0}
>>> new_direction("forest", ("rsi_14",))
Traceback (most recent call last):
assay.domain.errors.BadInputError: no estimator of a direction has this name: 'forest'; use one of base_rate, ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, cast

from assay.domain.errors import BadInputError
from assay.models.learned import StorableDirection, StorableValue
from assay.models.parameters import nested_in, parameters_from
from assay.models.search_space import Range, Space

__all__ = [
    "TASKS",
    "Given",
    "Model",
    "StorableDirection",
    "StorableValue",
    "Task",
    "known_estimators",
    "new_direction",
    "new_estimator",
    "new_value",
    "search_space",
]

Task = Literal["direction", "value"]
TASKS: tuple[Task, ...] = ("direction", "value")
Given = Mapping[str, object]
_ALONE = ("voting", "calibrated")
"""Made of other estimators, and no part of another."""
Model = StorableDirection | StorableValue
_Maker = Callable[[tuple[str, ...], Given], Model]


def known_estimators(task: Task) -> tuple[str, ...]:
    """Return the names of all estimators of a task."""
    return tuple(sorted(_makers(task)))


def new_direction(name: str, columns: Sequence[str], parameters: Given | None = None) -> StorableDirection:
    """Return an untaught estimator of directions.

    Parameters
    ----------
    name : str
    columns : sequence of str
        Names of the features, in order.
    parameters : mapping of str to object, optional
        In place of the usual ones; what `parameters` of an estimator says makes the same one again.

    Raises
    ------
    BadInputError
        If there is no such estimator, or it does not take these parameters or columns.
    """
    return cast("StorableDirection", new_estimator("direction", name, columns, parameters))


def new_value(name: str, columns: Sequence[str], parameters: Given | None = None) -> StorableValue:
    """Return an untaught estimator of values; as :func:`new_direction`."""
    return cast("StorableValue", new_estimator("value", name, columns, parameters))


def new_estimator(task: Task, name: str, columns: Sequence[str], parameters: Given | None = None) -> Model:
    """Return an untaught estimator of a task; as :func:`new_direction`.

    Raises
    ------
    BadInputError
        As there, or if there is no such task.
    """
    if task not in TASKS:
        raise BadInputError("unknown task", value=task, todo=f"use one of {', '.join(TASKS)}")
    makers = _makers(task)
    if name not in makers:
        what, todo = f"no estimator of a {task} has this name", f"use one of {', '.join(sorted(makers))}"
        raise BadInputError(what, value=name, todo=todo)
    given, names = dict(parameters or {}), tuple(columns)
    if given.pop("columns", ",".join(names)) != ",".join(names):
        raise BadInputError("the parameters are of a model with other columns", value=(parameters or {})["columns"])
    if len(set(names)) != len(names):
        raise BadInputError("two features have one name", value=", ".join(names))
    return makers[name](names, given)


def search_space(task: Task, estimator: Model) -> dict[str, Range]:
    """Return where a search looks for the parameters of an estimator; nothing where there is nothing to look for.

    Parameters of a part, such as a member of a vote, are there under the names that they have in the whole.

    Raises
    ------
    BadInputError
        If there is no such task or estimator.
    """
    return _space(task, estimator.name, estimator.parameters)


def _space(task: Task, name: str, parameters: Given) -> dict[str, Range]:
    parts = parameters.get("members" if name == "voting" else "of") if name in _ALONE else None
    if parts is not None:
        return {
            f"{part}.{own}": found
            for part in _names(parts)
            for own, found in _space(task, part, nested_in(parameters, part)).items()
        }
    made = _makers(task)[name]
    return dict(made.space) if isinstance(made, _Of) else {}


def _makers(task: Task) -> Mapping[str, _Maker]:
    return _DIRECTION if task == "direction" else _VALUE


@dataclass(frozen=True, slots=True)
class _Of:
    """Makes a ``module:Class`` that takes columns and one dataclass of parameters, ``module:Class``."""

    estimator: str
    parameters: str

    def __call__(self, columns: tuple[str, ...], given: Given) -> Model:
        kind = _found(self.parameters)
        name = getattr(kind, "name", None)
        of = name if isinstance(name, str) else self.estimator.partition(":")[0]
        return cast("Model", _found(self.estimator)(columns, parameters_from(kind, given, of=of)))

    @property
    def space(self) -> Space:
        """Where a search looks; nowhere if the parameters do not say."""
        return cast("Space", getattr(_found(self.parameters), "space", {}))


def _base_rate(_columns: tuple[str, ...], given: Given) -> Model:
    from assay.models.base_rate import BaseRate  # noqa: PLC0415  # as all estimators

    if given:
        raise BadInputError("unknown parameter of base_rate", value=next(iter(given)), todo="it takes none")
    return BaseRate()


def _voting(columns: tuple[str, ...], given: Given) -> Model:
    from assay.models.voting import Voting  # noqa: PLC0415

    names = _names(given.get("members", "logistic,random_forest,lightgbm,xgboost"))
    members = {name: _part(name, columns, given) for name in names}
    _refuse_rest(given, {"members", "weights"}, names, of="voting")
    told = given.get("weights", ",".join("1" for _ in names))
    try:
        weights = [float(part) for part in str(told).split(",")]
    except ValueError as error:
        todo = "give a number for each member, with commas between"
        raise BadInputError("weights of a vote are numbers", value=told, todo=todo) from error
    return Voting(columns, members, weights=weights)


def _calibrated(columns: tuple[str, ...], given: Given) -> Model:
    from assay.models.calibrated import Calibrated, CalibrationParameters  # noqa: PLC0415

    own = {name: value for name, value in given.items() if "." not in name}
    parameters = parameters_from(CalibrationParameters, own, of="calibrated")
    _refuse_rest(given, set(own), (parameters.of,), of="calibrated")
    return Calibrated(columns, _part(parameters.of, columns, given), parameters)


def _part(name: str, columns: tuple[str, ...], given: Given) -> StorableDirection:
    if name in _ALONE:
        raise BadInputError("no part of another estimator", value=name, todo="name a plain one")
    return new_direction(name, columns, nested_in(given, name))


def _names(told: object) -> tuple[str, ...]:
    names = tuple(part.strip() for part in str(told).split(","))
    if len(set(names)) != len(names):
        raise BadInputError("a member votes twice", value=told, todo="give it a weight instead")
    return names


def _refuse_rest(given: Given, own: set[str], parts: tuple[str, ...], *, of: str) -> None:
    for name in given:
        if name not in own and name.partition(".")[0] not in parts:
            todo = f"parameters of a part are written as {parts[0]}.name"
            raise BadInputError(f"unknown parameter of {of}", value=name, todo=todo)


def _found(place: str) -> Any:  # noqa: ANN401  # any class
    module, _, name = place.partition(":")
    return getattr(import_module(f"assay.models.{module}"), name)


_DIRECTION: Mapping[str, _Maker] = {
    "base_rate": _base_rate,
    "logistic": _Of("logistic:Logistic", "logistic:LogisticParameters"),
    "random_forest": _Of("trees:DirectionTrees", "random_forest:RandomForest"),
    "lightgbm": _Of("trees:DirectionTrees", "lightgbm:LightGbm"),
    "xgboost": _Of("trees:DirectionTrees", "xgboost:Xgboost"),
    "voting": _voting,
    "calibrated": _calibrated,
}
_VALUE: Mapping[str, _Maker] = {
    "last_value": _Of("constant:ConstantValue", "last_value:LastValue"),
    "drift": _Of("constant:ConstantValue", "drift:Drift"),
    "seasonal_naive": _Of("seasonal_naive:SeasonalNaive", "seasonal_naive:SeasonalParameters"),
    "ewma": _Of("constant:ConstantValue", "ewma:Ewma"),
    "random_forest": _Of("trees:ValueTrees", "random_forest:RandomForest"),
    "lightgbm": _Of("trees:ValueTrees", "lightgbm:LightGbm"),
    "xgboost": _Of("trees:ValueTrees", "xgboost:Xgboost"),
}
