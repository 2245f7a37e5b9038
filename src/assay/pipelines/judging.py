"""What a model is worth: verdicts, scores and what it leans on, from what it said of rows that it was not taught on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from assay.evidence.claim import Claim
from assay.evidence.direction import DirectionEvidence, Forecasts, judge_direction
from assay.evidence.edge import EdgeEvidence, Trades, judge_edge
from assay.evidence.importance import FittedFold, ImportanceEvidence, Shuffling, permutation_importance
from assay.evidence.values import ValueEvidence, ValueForecasts, judge_values
from assay.measures.losses import squared_losses, zero_one_losses
from assay.measures.residuals import residual_band
from assay.measures.signals import BUY, HOLD, SELL, decide, expected_moves
from assay.models.splits import Fold
from assay.models.walk_forward import Model, OutOfSample, ValuesOutOfSample, foretell
from assay.pipelines.training_rows import Rows
from assay.settings import Settings

Floats = NDArray[np.float64]
Said = OutOfSample | ValuesOutOfSample
_REPEATS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What may be said about a model.

    Attributes
    ----------
    skill : DirectionEvidence or ValueEvidence
        Against the baseline of its task.
    edge : EdgeEvidence
        The same forecasts traded, net of costs.
    more : mapping of str to object
        What only its task has, as plain values: ``interval`` of a value, ``signal`` of a signal.
    """

    skill: DirectionEvidence | ValueEvidence
    edge: EdgeEvidence
    more: dict[str, object] = field(default_factory=dict)


def judge(
    rows: Rows, tested: OutOfSample, claim: Claim, settings: Settings, *, position: Floats | None = None
) -> Verdicts:
    """Return both verdicts on forecasts of a direction; without a `position` of each, every one is traded."""
    chosen, at = settings.model, rows.at[tested.row]
    forecasts = Forecasts(at, rows.labels[tested.row], tested.predicted, tested.baseline)
    skill = judge_direction(forecasts, claim, rng=np.random.default_rng(chosen.seed), samples=chosen.bootstrap_samples)
    held = np.where(tested.predicted == 1, 1.0, -1.0) if position is None else position
    return Verdicts(skill, _edge(rows, tested, held, claim=claim, settings=settings))


def judge_signals(
    rows: Rows, tested: OutOfSample, claim: Claim, settings: Settings, *, folds: tuple[Fold, ...], confidence: float
) -> Verdicts:
    """Return both verdicts on BUY, SELL and HOLD, and how often which of them was said.

    The size of the usual move is that of the rows which each fold was taught; the model that is kept is given that of
    all of its rows.
    """
    usual = np.concatenate([
        np.full(fold.test.size, float(np.abs(rows.forward_return[fold.train]).mean())) for fold in folds
    ])  # fmt: skip
    cost = round_trip(settings)
    made = decide(
        tested.probability, expected_moves(tested.probability, 1.0) * usual, confidence=confidence, cost=cost
    )  # fmt: skip
    found = judge(rows, tested, claim, settings, position=made.astype(np.float64))
    signal = {
        "confidence": confidence,
        "cost": cost,
        "usual_move": float(np.abs(rows.forward_return).mean()),
        "rows": int(made.size),
        **{name: int((made == one).sum()) for name, one in (("buy", BUY), ("sell", SELL), ("hold", HOLD))},
        "share_held": float((made == HOLD).mean()),
        "right": float((rows.labels[tested.row] == (made == BUY))[made != HOLD].mean()) if np.any(made) else None,
    }
    return Verdicts(found.skill, found.edge, {"signal": signal})


def judge_changes(rows: Rows, tested: ValuesOutOfSample, claim: Claim, settings: Settings) -> Verdicts:
    """Return both verdicts on forecasts of a return, and the band that its outcomes kept.

    A forecast is traded in its direction where the move that it foretells is more than a trade costs.
    """
    chosen, at, actual = settings.model, rows.at[tested.row], rows.labels[tested.row]
    forecasts = ValueForecasts(at, actual, tested.predicted, tested.baseline)
    skill = judge_values(forecasts, claim, rng=np.random.default_rng(chosen.seed), samples=chosen.bootstrap_samples)
    position = np.where(np.abs(tested.predicted) > round_trip(settings), np.sign(tested.predicted), 0.0)
    band = residual_band(actual - tested.predicted, tested.fold)
    return Verdicts(skill, _edge(rows, tested, position, claim=claim, settings=settings), {"interval": band.to_dict()})


def importance(rows: Rows, tested: Said, claim: Claim, settings: Settings) -> ImportanceEvidence:
    """Return how much worse the model of each fold foretells its test rows when a feature is shuffled."""
    fitted: Sequence[Model] = tested.fitted
    folds = [
        FittedFold(partial(foretell, model), rows.matrix[chosen], rows.labels[chosen])
        for number, model in enumerate(fitted)
        for chosen in [tested.row[tested.fold == number]]
    ]
    loss: Callable[[Floats, Floats], Floats] = (
        squared_losses if isinstance(tested, ValuesOutOfSample) else zero_one_losses
    )
    # A block is a stretch of time: so many rows as the series have in it together.
    block = round(claim.block * tested.row.size / np.unique(rows.at[tested.row]).size)
    terms = Shuffling(repeats=_REPEATS, bootstrap_block=min(block, tested.row.size))
    rng = np.random.default_rng(settings.model.seed)
    return permutation_importance(folds, rows.columns, loss=loss, terms=terms, rng=rng)


def trial_scores(found: Verdicts) -> dict[str, float]:
    """Return what the ledger keeps of a trial."""
    skill = found.skill
    if isinstance(skill, ValueEvidence):
        scores = {
            "skill": skill.skill.value,
            "rmse": skill.model.scores.rmse,
            "baseline_rmse": skill.baseline.scores.rmse,
        }
    else:
        scores = {
            "accuracy": skill.model.accuracy.value,
            "baseline_accuracy": skill.baseline.accuracy.value,
            "difference": skill.difference.value,
        }
    return scores | {"net_return": found.edge.net.value}


def round_trip(settings: Settings) -> float:
    """Return what getting in and out of a trade costs together, a fraction."""
    return 2 * settings.model.cost_bps / 1e4


def _edge(rows: Rows, tested: Said, position: Floats, *, claim: Claim, settings: Settings) -> EdgeEvidence:
    chosen, at = settings.model, rows.at[tested.row]
    trades = Trades(at, position, rows.forward_return[tested.row], cost=round_trip(settings))
    return judge_edge(trades, claim, rng=np.random.default_rng(chosen.seed), samples=chosen.bootstrap_samples)
