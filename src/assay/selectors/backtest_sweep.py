"""All combinations of a sweep, column by column, so that two of its parameters can be laid out as a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.domain.errors import NoDataError
from assay.measures.performance_names import FIGURES, FigureUnit
from assay.pipelines.workspace import Workspace
from assay.selectors.backtests import kept_run, mappings, number_of


@dataclass(frozen=True, slots=True)
class SweptParameter:
    """One parameter: its values in order, and which of them each combination has, as places in `values`."""

    name: str
    values: tuple[str, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SweptFigure:
    """One figure of every combination, None where it does not exist."""

    name: str
    title: str
    unit: FigureUnit
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Sweep:
    """All combinations, that of the highest Sharpe ratio first.

    Attributes
    ----------
    run : str
    combinations : int
    parameters : tuple of SweptParameter
        Those with more than one value, in the order in which they were given.
    fixed : mapping of str to str
        The others.
    figures : tuple of SweptFigure
    """

    run: str
    combinations: int
    parameters: tuple[SweptParameter, ...]
    fixed: Mapping[str, str]
    figures: tuple[SweptFigure, ...]


def sweep(workspace: Workspace, run: str, *, as_of: datetime | None = None) -> Sweep:
    """Return the combinations of a sweep.

    Raises
    ------
    NoDataError
        If there is no such backtest, or it is no sweep.
    BadInputError, DamagedError
        As :func:`assay.selectors.backtests.backtest`.
    """
    kept = kept_run(workspace, run, as_of=as_of)
    found = sweep_of(kept.summary.run, kept.report)
    if found is None:
        todo = "`assay backtest ... --vary fast=8,12,20` tries several"
        raise NoDataError("this backtest tried no combinations", value=kept.summary.run, todo=todo)
    return found


def sweep_of(run: str, report: Mapping[str, Any]) -> Sweep | None:
    """Return the combinations in the report of a run; None if it has none."""
    rows = mappings(report.get("combinations"))
    if not rows:
        return None
    chosen = [_texts(row.get("values")) for row in rows]
    names = list(dict.fromkeys(name for one in chosen for name in one))
    parameters = tuple(_parameter(name, [one.get(name, "") for one in chosen]) for name in names)
    return Sweep(
        run,
        len(rows),
        tuple(one for one in parameters if len(one.values) > 1),
        {one.name: one.values[0] for one in parameters if len(one.values) == 1},
        tuple(
            SweptFigure(name, title, unit, tuple(number_of(row.get(name)) for row in rows))
            for name, (title, unit) in FIGURES.items()
            if any(name in row for row in rows)
        ),
    )


def _parameter(name: str, texts: Sequence[str]) -> SweptParameter:
    """Return a parameter with its values from the least to the greatest; those that are no numbers by their text."""
    values = sorted(set(texts), key=lambda text: (_value(text) is None, _value(text) or 0.0, text))
    place = {text: at for at, text in enumerate(values)}
    return SweptParameter(name, tuple(values), tuple(place[text] for text in texts))


def _value(text: str) -> float | None:
    try:
        return number_of(float(text))
    except ValueError:
        return None


def _texts(values: object) -> Mapping[str, str]:
    found: Mapping[Any, Any] = values if isinstance(values, Mapping) else {}
    return {str(name): str(value) for name, value in found.items()}
