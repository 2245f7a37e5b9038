"""What there is to know of each Step: its parameters, outputs and units, its rules, and how much history it needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.domain.interval import Interval
from assay.features.bars import Bars
from assay.features.compile import use_cache_dir
from assay.features.declared import DeclaredSet, steps_of
from assay.features.families import family_of
from assay.features.own import file_of, is_own, running
from assay.features.registry import known_steps
from assay.features.stability import history_needed
from assay.features.step import Step, identity
from assay.features.texts import parameters
from assay.pipelines import steps
from assay.pipelines.feature_sets import know_own_steps
from assay.pipelines.workspace import Workspace

_BARS = 8_000


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One Step with its parameters.

    Attributes
    ----------
    name, title, family, formula, gap_rule, nan_rule, reference : str
    parameters : dict
        With their values.
    inputs, outputs, units : tuple of str
    warmup : int
        Rows without a value at the beginning of a series.
    endless, undefined : str
        Why a value depends on every bar since the first; when there is none after the warm-up. Empty where neither is.
    identity : str
        The text that names exactly this computation.
    file : str
        Where one of your own is from; empty for those that are shipped.
    """

    name: str
    title: str
    family: str
    formula: str
    parameters: dict[str, int | float | str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    units: tuple[str, ...]
    warmup: int
    gap_rule: str
    nan_rule: str
    undefined: str
    endless: str
    reference: str
    identity: str
    file: str


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column of a feature set: its name, the output of which Step (by its identity) it is, and the unit."""

    name: str
    output: str
    unit: str
    step: str


@dataclass(frozen=True, slots=True)
class SetFacts:
    """A feature set: the text that names exactly this computation, rows without some value, and its columns."""

    name: str
    identity: str
    warmup: int
    columns: tuple[ColumnFacts, ...]


def set_facts(chosen: DeclaredSet) -> SetFacts:
    """Return what there is to know of a feature set."""
    made = {
        output: (unit, identity(step))
        for step in chosen.feature_set.steps
        for output, unit in zip(step.outputs, step.docs.units, strict=True)
    }
    columns = tuple(
        ColumnFacts(name, output, *made[output]) for name, output in zip(chosen.names, chosen.columns, strict=True)
    )
    return SetFacts(chosen.feature_set.name, steps.identity(chosen.feature_set), chosen.feature_set.warmup, columns)


def step_facts(step: Step) -> StepFacts:
    """Return what there is to know of a Step."""
    docs = step.docs
    is_plain = step.name in known_steps()
    return StepFacts(
        step.name, docs.title, family_of(step.name).name if is_plain else "", docs.formula,
        parameters(step) if is_plain else {}, step.inputs, step.outputs, docs.units, step.warmup,
        docs.gap_rule, docs.nan_rule, docs.undefined, docs.endless, docs.reference, identity(step),
        str(file_of(step)) if is_own(step) else "",
    )  # fmt: skip


def list_steps(workspace: Workspace) -> list[StepFacts]:
    """Return every Step with its usual parameters, by name: those that are shipped and your own.

    Raises
    ------
    BadInputError
        If a file of ``features.steps`` cannot be used.
    """
    know_own_steps(workspace)
    return [step_facts(make()) for _, make in sorted(known_steps().items())]


def find_facts(workspace: Workspace, name: str, interval: Interval) -> tuple[Step, StepFacts]:
    """Return the Step that a text such as ``rsi:21`` or ``RSI_21`` means over bars of `interval`, and its facts.

    Raises
    ------
    BadInputError
        If there is none, or a file of ``features.steps`` cannot be used.
    """
    know_own_steps(workspace)
    (step,) = steps_of([name], interval)
    return step, step_facts(step)


def bars_until_exact(workspace: Workspace, step: Step) -> int | None:
    """Return after how many bars a fresh start gives the same values to 1e-9, measured on made bars of an hour.

    None if it takes more than half of them (4,000), or every bar since the first.
    """
    use_cache_dir(workspace.home.cache / "numba")
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, _BARS)))
    open_ = np.concatenate([[100.0], close[:-1]])
    swing = 1.0 + np.abs(rng.normal(0.0, 0.005, (2, _BARS)))
    hours = np.arange(_BARS, dtype=np.int64) * 3_600_000_000
    volume = rng.uniform(1.0, 9.0, _BARS)
    bars = Bars(
        hours, hours + hours[1], open_, np.maximum(open_, close) * swing[0], np.minimum(open_, close) / swing[1],
        close, volume, volume * close, volume * rng.uniform(0.3, 0.7, _BARS), np.floor(volume * 100.0),
        50.0 + np.sin(np.arange(_BARS) / 9.0),
    )  # fmt: skip
    with running(step):
        return history_needed(step, bars)
