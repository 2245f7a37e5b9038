"""What there is to know of each Step: its parameters, outputs and units, its rules, and how much history it needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.features.bars import Bars
from assay.features.compile import use_cache_dir
from assay.features.declared import steps_of
from assay.features.families import family_of
from assay.features.registry import STEPS
from assay.features.stability import history_needed
from assay.features.step import Step, identity
from assay.features.texts import parameters
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


def step_facts(step: Step) -> StepFacts:
    """Return what there is to know of a Step."""
    docs = step.docs
    is_plain = step.name in STEPS
    return StepFacts(
        step.name, docs.title, family_of(step.name).name if is_plain else "", docs.formula,
        parameters(step) if is_plain else {}, step.inputs, step.outputs, docs.units, step.warmup,
        docs.gap_rule, docs.nan_rule, docs.undefined, docs.endless, docs.reference, identity(step),
    )  # fmt: skip


def list_steps() -> list[StepFacts]:
    """Return every Step of the registry with its usual parameters, by name."""
    return [step_facts(STEPS[name]()) for name in sorted(STEPS)]


def find_facts(name: str) -> tuple[Step, StepFacts]:
    """Return the Step that a text such as ``rsi:21`` or ``RSI_21`` means, and what there is to know of it.

    Raises
    ------
    BadInputError
        If there is none.
    """
    (step,) = steps_of([name])
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
    return history_needed(step, bars)
