"""A feature set whose Steps are held against different references, over bars and in a stream.

A bar has room for one reference. So the Steps go in groups, one for each reference, and every group gets bars with its
own; the columns come out in the order of the set.

>>> from assay.features.against import Against
>>> from assay.features.indicators.beta import Beta
>>> from assay.features.indicators.ema import Ema
>>> chosen = FeatureSet("mine", 1, (Against(Beta(24), "BTC-USDT"), Ema(3), Against(Beta(24), "ETH-USDT")))
>>> set_references(chosen)
('BTC-USDT', 'ETH-USDT')
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.against import Against, references_of
from assay.features.bars import Bar, Bars, FloatArray
from assay.features.sets import FeatureSet
from assay.features.step import Step

_REFERENCE = "reference"
_NONE = ""
_Value = TypeVar("_Value")


def set_references(feature_set: FeatureSet) -> tuple[str, ...]:
    """Return the names of all references that Steps of the set are held against, sorted."""
    return tuple(sorted({name for step in feature_set.steps for name in references_of(step)}))


def held_against(feature_set: FeatureSet, name: str) -> FeatureSet:
    """Return the set with every Step that reads a reference, and does not name one, held against `name`.

    Raises
    ------
    BadInputError
        If there is such a Step and `name` is empty or no name of a reference.
    """
    made: list[Step] = []
    for step in feature_set.steps:
        is_lacking = _REFERENCE in step.inputs and not references_of(step)
        if is_lacking and not name:
            todo = "name one, such as BTC-USDT, as reference"
            raise BadInputError("a step that needs something to be held against", value=step.outputs[0], todo=todo)
        made.append(Against(step, name) if is_lacking else step)
    return dataclasses.replace(feature_set, steps=tuple(made))


def run_referenced(feature_set: FeatureSet, bars: Bars, references: Mapping[str, FloatArray]) -> FloatArray:
    """Compute every column of a set over all bars of a series.

    Parameters
    ----------
    feature_set : FeatureSet
    bars : Bars
        Closed bars of one series, in order.
    references : mapping of str to float64 array, shape (n_bars,)
        The values of each of :func:`set_references` at the close of each bar.

    Returns
    -------
    float64 array, shape (n_bars, n_columns)
        In the order of the set's columns, which are contiguous.

    Raises
    ------
    BadInputError
        If a reference is lacking.
    """
    out = np.empty((len(feature_set.columns), len(bars)))
    for name, group in _groups(feature_set).items():
        chosen = dataclasses.replace(feature_set, steps=tuple(feature_set.steps[at] for at, _ in group))
        held = bars if name == _NONE else dataclasses.replace(bars, reference=_given(references, name))
        rows = [row for _, columns in group for row in columns]
        out[rows] = chosen.run(held).matrix.T
    return out.T


class ReferencedStream:
    """A set with any references, fed one closed bar at a time; bit for bit what :func:`run_referenced` gives."""

    def __init__(self, feature_set: FeatureSet) -> None:
        self.feature_set = feature_set
        self._parts = [
            (
                name,
                dataclasses.replace(feature_set, steps=tuple(feature_set.steps[at] for at, _ in group)).stream(),
                [row for _, columns in group for row in columns],
            )
            for name, group in _groups(feature_set).items()
        ]

    def update(self, bar: Bar, references: Mapping[str, float]) -> FloatArray:
        """Take in a closed bar and the references at its close; return the row of features, shape ``(n_columns,)``.

        Raises
        ------
        BadInputError
            If a reference is lacking, the bar opens before the last one closed, or holds an infinite value; nothing is
            changed then.
        """
        held = [(name, self._held(bar, name, references)) for name, _, _ in self._parts]
        if any(math.isinf(one.reference) for _, one in held):
            raise BadInputError("an infinite reference", value=dict(references), todo="give NaN where there is none")
        row = np.empty(len(self.feature_set.columns))
        for (_, stream, columns), (_, one) in zip(self._parts, held, strict=True):
            row[columns] = stream.update(one)
        return row

    @staticmethod
    def _held(bar: Bar, name: str, references: Mapping[str, float]) -> Bar:
        return bar if name == _NONE else bar._replace(reference=_given(references, name))


def _given(references: Mapping[str, _Value], name: str) -> _Value:
    if name not in references:
        todo = f"give {name}; there is {', '.join(sorted(references)) or 'none'}"
        raise BadInputError("a reference is lacking", value=name, todo=todo)
    return references[name]


def _groups(feature_set: FeatureSet) -> dict[str, list[tuple[int, range]]]:
    """Return, by reference, the places of the Steps that are held against it, each with those of its columns."""
    groups: dict[str, list[tuple[int, range]]] = {}
    column = 0
    for at, step in enumerate(feature_set.steps):
        columns = range(column, column + len(step.outputs))
        groups.setdefault(next(iter(references_of(step)), _NONE), []).append((at, columns))
        column = columns.stop
    return groups
