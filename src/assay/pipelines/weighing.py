"""The rest of the evidence: scores by part of the rows, every baseline, what groups of features add, when it is right.

All of it is about rows that no promotion has looked at yet: those that are kept are not here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import NoDataError
from assay.evidence.ablation import ablation, losses_without
from assay.evidence.baselines import against_baselines
from assay.evidence.claim import Claim
from assay.evidence.dependence import judge_dependence
from assay.evidence.observations import by_moment
from assay.evidence.regimes import TREND, VOLATILITY, RegimeScore, judge_regimes, trends, volatility_terciles
from assay.evidence.scores import Drawing, score_directions, score_values, scores_document
from assay.evidence.selection import Contest
from assay.features.declared import DeclaredSet
from assay.features.families import families_of
from assay.measures.losses import squared_losses, zero_one_losses
from assay.measures.naive_forecasts import (
    DAY_US,
    Spans,
    ewma_known,
    last_known,
    mean_known,
    moving_mean_known,
    rms_known,
    same_time_known,
)
from assay.models.estimator import DirectionEstimator
from assay.models.registry import Model, Task, new_estimator
from assay.models.splits import Fold
from assay.models.walk_forward import foretell, foretold
from assay.pipelines.training_rows import Rows, moment_of
from assay.settings import Settings

Floats = NDArray[np.float64]
_FEATURELESS = frozenset({"base_rate", "last_value", "drift", "ewma", "seasonal_naive"})
"""Estimators that say the same whatever the features are: nothing can be taken away from them."""
_QUICK = frozenset({"logistic", "lightgbm", "xgboost"})
"""Estimators that are fitted in well under a second; of others the newest folds alone are fitted again."""
_FEW_FOLDS = 2
_QUICK_ROWS = 50_000
_HALF_LIFE_ROWS = 168
_WILD_ROWS, _TREND_ROWS = 168, 720
"""Outcomes behind a regime: a week and thirty days of hours."""
_TERCILE_ROWS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """What was said of rows that were not learned from; arrays of shape (n_tested,), in order of time.

    Attributes
    ----------
    model : Model
        The estimator, fitted on all rows that may be learned from.
    folds : sequence of Fold
        What was tested on what.
    row : ndarray of intp
        Position in the rows.
    forecast, usual : ndarray of float64
        Of the model, and of the baseline of the verdict: probabilities, or values.
    chosen_on : int
        How many folds, from the first, a search has chosen on; the verdict is about the others alone.
    """

    model: Model
    folds: Sequence[Fold]
    row: NDArray[np.intp]
    forecast: Floats
    usual: Floats
    chosen_on: int = 0

    @property
    def task(self) -> Task:
        """What kind of forecast it is."""
        return "direction" if isinstance(self.model, DirectionEstimator) else "value"

    @property
    def validated(self) -> int:
        """Tested rows of the first half of the folds, or of those that a search has chosen on."""
        folds = self.chosen_on or len(self.folds) // 2
        return sum(fold.test.size for fold in self.folds[:folds])

    @property
    def judged(self) -> slice:
        """The tested rows that a verdict may be about."""
        return slice(self.validated if self.chosen_on else 0, None)


def weigh(rows: Rows, tested: Tested, claim: Claim, *, chosen: DeclaredSet, settings: Settings) -> dict[str, object]:
    """Return what is found out about a model besides its verdicts, as plain values for JSON.

    Parameters
    ----------
    rows : Rows
        Those that may be learned from.
    tested : Tested
    claim : Claim
        Horizon, block and trials.
    chosen : DeclaredSet
        The features, whose families are the groups of the ablation.
    settings : Settings

    Returns
    -------
    dict of str to object
        ``scores`` and ``regimes``; ``baselines`` where there are more moments than the horizon has bars; of directions
        ``dependence``; and ``ablation`` where there are groups of features to leave out. docs/concepts/evidence.md
        says what each is. The same rows and seed give the same numbers.
    """
    found: dict[str, object] = {
        "scores": _scores(rows, tested, claim, settings),
        "regimes": _regimes(rows, tested, claim, settings),
    }
    with contextlib.suppress(NoDataError):  # fewer moments than the horizon has bars
        found["baselines"] = compare_baselines(rows, tested, claim, settings)
    if tested.task == "direction":
        row, said = tested.row[tested.judged], tested.forecast[tested.judged]
        contest = Contest(claim.horizon_bars, trials=claim.trials, block_bars=claim.block)
        up = (said > 0.5).astype(np.float64)
        found["dependence"] = judge_dependence(rows.labels[row], up, rows.at[row], contest).to_dict()
    groups = _groups(chosen)
    if tested.model.name not in _FEATURELESS and len(groups) > 1:
        found["ablation"] = _ablation(rows, tested, claim, groups=groups, settings=settings)
    return found


def naive_forecasts(rows: Rows, task: Task) -> dict[str, Floats]:
    """Return what baselines would have said of all rows, each from the outcomes of the row's series known by then.

    Shape (n,) each; directions are 0 and 1. Where too little was known yet they say what nobody can go wrong by much
    with: 0, which is "as it is now", or "not up".
    """
    length = int((rows.until - rows.at).min())
    season = DAY_US if length < DAY_US else 7 * DAY_US
    kinds: dict[str, Callable[[Floats, Spans], Floats]] = {
        "seasonal_naive": lambda values, spans: same_time_known(values, spans, season_us=season),
        "ewma": lambda values, spans: ewma_known(values, spans, half_life=_HALF_LIFE_ROWS),
    }
    if task == "direction":
        kinds = {"last_value": last_known} | kinds
    else:
        kinds = {"last_value": lambda values, _: np.zeros(values.size), "drift": mean_known} | kinds
    found = {name: np.nan_to_num(_each_series(rows, rows.labels, kind)) for name, kind in kinds.items()}
    if task == "direction":
        return {name: (said > 0.5).astype(np.float64) for name, said in found.items()}
    return found


def _scores(rows: Rows, tested: Tested, claim: Claim, settings: Settings) -> dict[str, object]:
    drawing = Drawing(claim.block, settings.model.bootstrap_samples, settings.model.seed, claim.level)
    score = score_directions if tested.task == "direction" else score_values
    cut = tested.validated
    parts = {
        "train": (np.arange(rows.labels.size), foretell(tested.model, rows.matrix)),
        "validation": (tested.row[:cut], tested.forecast[:cut]),
        "test": (tested.row[cut:], tested.forecast[cut:]),
    }
    found: dict[str, object] = {}
    for name, (row, said) in parts.items():
        scored = score(rows.labels[row], said, rows.at[row], drawing)
        first, last = (moment_of(rows.at[row[end]]).isoformat() for end in (0, -1))
        found[name] = {"rows": int(row.size), "first_at": first, "last_at": last, **scores_document(scored)}
    return found | {"validation_folds": tested.chosen_on or len(tested.folds) // 2, "folds": len(tested.folds)}


def compare_baselines(rows: Rows, tested: Tested, claim: Claim, settings: Settings) -> list[dict[str, object]]:
    """Return how the model does against each baseline, on the rows that a verdict may be about.

    Raises
    ------
    NoDataError
        If there are no more moments than the horizon has bars.
    """
    row = tested.row[tested.judged]
    loss, actual = _loss(tested.task), rows.labels[row]
    others = {name: said[row] for name, said in naive_forecasts(rows, tested.task).items()}
    if tested.task == "direction":
        others = {"base_rate": tested.usual[tested.judged]} | others
    losses = {name: loss(actual, said) for name, said in others.items()}
    rng, own = np.random.default_rng(settings.model.seed), loss(actual, tested.forecast[tested.judged])
    samples = settings.model.bootstrap_samples
    found = against_baselines(own, losses, rows.at[row], claim=claim, rng=rng, samples=samples)
    what = "share_wrong" if tested.task == "direction" else "squared_error"
    return [one.to_dict() | {"measure": what, "model_loss": float(own.mean())} for one in found]


def _ablation(
    rows: Rows, tested: Tested, claim: Claim, *, groups: Mapping[str, tuple[str, ...]], settings: Settings
) -> dict[str, object]:
    """Return what each family of features adds."""
    is_quick = tested.model.name in _QUICK and rows.labels.size <= _QUICK_ROWS
    few = 0 if is_quick else len(tested.folds) - _FEW_FOLDS
    first = max(tested.chosen_on, few, 0)
    folds = tested.folds[first:]
    row = np.concatenate([fold.test for fold in folds])
    loss, actual, at = _loss(tested.task), rows.labels[row], rows.at[row]
    given = {name: value for name, value in tested.model.parameters.items() if name != "columns"}

    def losses_of(kept: tuple[int, ...]) -> Floats:
        names = [rows.columns[place] for place in kept]
        estimator = new_estimator(tested.task, tested.model.name, names, given)
        said = foretold(estimator, features=rows.matrix[:, kept], targets=rows.labels, folds=folds)
        return by_moment(loss(actual, said), at)

    complete = by_moment(loss(actual, tested.forecast[tested.row.size - row.size :]), at)
    found = ablation(
        complete, losses_without(groups, rows.columns, losses_of), block=claim.block,
        rng=np.random.default_rng(settings.model.seed), samples=settings.model.bootstrap_samples,
    )  # fmt: skip
    told = [one.to_dict() | {"columns": list(groups[one.name])} for one in found]
    return {"groups": told, "folds": len(folds), "of_folds": len(tested.folds), "rows": int(row.size)}


def _regimes(rows: Rows, tested: Tested, claim: Claim, settings: Settings) -> dict[str, object]:
    row, loss = tested.row[tested.judged], _loss(tested.task)
    actual = rows.labels[row]
    losses = loss(actual, tested.forecast[tested.judged]), loss(actual, tested.usual[tested.judged])
    history = min(_TERCILE_ROWS, max(2, rows.labels.size // 10))
    wild = _each_series(
        rows, rows.forward_return,
        lambda values, spans: volatility_terciles(
            rms_known(values, spans, window=_WILD_ROWS), history=history
        ).astype(np.float64),
    )  # fmt: skip
    trend = _each_series(
        rows, rows.forward_return, lambda values, spans: moving_mean_known(values, spans, window=_TREND_ROWS)
    )  # fmt: skip
    kinds: dict[str, tuple[NDArray[np.int8], tuple[str, ...]]] = {
        "volatility": (wild.astype(np.int8), VOLATILITY),
        "trend": (trends(trend), TREND),
    }
    block = max(1, round(claim.block * row.size / np.unique(rows.at[row]).size))
    found: dict[str, object] = {}
    for name, (regime, names) in kinds.items():
        rng, samples = np.random.default_rng(settings.model.seed), settings.model.bootstrap_samples
        found[name] = [
            _regime(one) for one in judge_regimes(losses, regime[row], names, block=block, rng=rng, samples=samples)
        ]
    return found


def _regime(one: RegimeScore) -> dict[str, object]:
    """Return a regime as plain values; one without a row has no numbers, and says so by their absence."""
    document = one.to_dict()
    return document if one.rows else {name: document[name] for name in ("name", "rows", "share", "is_enough")}


def _each_series(rows: Rows, values: Floats, kind: Callable[[Floats, Spans], Floats]) -> Floats:
    """Return a function of the known outcomes of each series, row by row."""
    keys = rows.frame.select("venue", "market", "symbol", "interval").with_row_index()
    result = np.full(values.size, np.nan)
    for _, part in keys.group_by("venue", "market", "symbol", "interval", maintain_order=True):
        row = part["index"].to_numpy()
        result[row] = kind(values[row], Spans(rows.at[row], rows.until[row]))
    return result


def _groups(chosen: DeclaredSet) -> Mapping[str, tuple[str, ...]]:
    """Return the names of the columns by family."""
    names = dict(zip(chosen.columns, chosen.names, strict=True))
    groups = {
        family: tuple(names[column] for column in columns if column in names)
        for family, columns in families_of(chosen.feature_set.steps).items()
    }
    return {family: columns for family, columns in groups.items() if columns}


def _loss(task: Task) -> Callable[[Floats, Floats], Floats]:
    return zero_one_losses if task == "direction" else squared_losses
