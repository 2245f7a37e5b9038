"""The search for an estimator's parameters, on the older part of the rows that may be learned from.

The folds of the evidence are cut as always. A search looks at the first half of them alone: it fits each combination
before each of these blocks and takes the one that foretells them best, in squared errors. The verdicts are about the
other folds, whose outcomes had no part in the choice. Every combination is a trial, announced before the first is
tried and counted for good.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.domain.errors import AssayError, BadInputError, SettingsError, TerminalError
from assay.lake.sealed import Author, Documents
from assay.lake.trial_ledger import recorded
from assay.lake.trials import Configuration, Search, Value
from assay.measures.losses import squared_losses
from assay.models.registry import Model, Task, new_estimator, search_space
from assay.models.walk_forward import foretold
from assay.pipelines.training_plan import Plan, Prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from assay.models.search_space import Range, Space
    from assay.models.splits import Fold
    from assay.pipelines.training_rows import Rows

SCORE = "validation_loss"
"""What a trial of a search is scored by: the mean squared error, of a probability (Brier) or of a value."""
_FEWEST = 2
_MOST = 10_000
_DIGITS = 4
"""Of a number that is searched: more of them make no better model, and a worse name for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is searched, on which rows.

    Attributes
    ----------
    estimator : Model
        With the usual parameters: the first combination that is tried.
    configuration : Configuration
        Of this estimator, on these rows.
    rows : Rows
        Those that may be learned from.
    folds : sequence of Fold
        All of the evidence's; the search looks at the first :func:`folds_to_choose_on`.
    budget : int
        Combinations in all.
    fixed : tuple of str
        Parameters that somebody gave: they stay as they are.
    """

    estimator: Model
    task: Task
    configuration: Configuration
    rows: Rows
    folds: Sequence[Fold]
    budget: int
    fixed: tuple[str, ...] = ()

    @property
    def space(self) -> Space:
        """Where the search looks.

        Raises
        ------
        BadInputError
            If there is nothing to search.
        """
        return _space(self.task, self.estimator, self.fixed)


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """What was chosen.

    Attributes
    ----------
    estimator : Model
        Untaught, with the parameters that foretold best.
    configuration : Configuration
    document : mapping
        How it was found, as plain values for JSON.
    """

    estimator: Model
    configuration: Configuration
    document: Mapping[str, object]


def folds_to_choose_on(folds: int) -> int:
    """Return on how many folds, from the first, a search chooses.

    >>> [folds_to_choose_on(folds) for folds in (2, 5, 6)]
    [1, 2, 3]
    """
    return folds // 2


def check_search(plan: Plan) -> None:
    """Refuse a search that cannot be made, before anything dear is done; Raises as :func:`search`."""
    if plan.request.search:
        check_budget(plan.request.search)
        _space(plan.task.estimators, plan.estimator(), plan.given)


def searched(plan: Plan, each: Prepared) -> Prepared:
    """Return a model with the parameters that a search finds, or as it is where none is asked for.

    Raises
    ------
    BadInputError, SettingsError, TerminalError
        As :func:`search`.
    """
    if not plan.request.search:
        return each
    plan.workspace.say(f"searching parameters of {each.estimator.name} for {each.key.source}")
    question = Question(
        each.estimator, plan.task.estimators, each.configuration, each.rows, plan.folds(each.rows),
        plan.request.search, plan.given,
    )  # fmt: skip
    found = search(plan.documents, question, plan.author)
    return dataclasses.replace(
        each, estimator=found.estimator, configuration=found.configuration, searched=found.document
    )


def chosen_folds(each: Prepared) -> int:
    """Return on how many folds, from the first, the parameters of a model were chosen."""
    return int(str(each.searched["folds"])) if each.searched else 0


def check_budget(budget: int) -> None:
    """Refuse a search of too little or too much, or without the package that it needs.

    Raises
    ------
    BadInputError
        If `budget` is no number of combinations.
    SettingsError
        If Optuna is not installed.
    """
    if not _FEWEST <= budget <= _MOST:
        todo = f"give {_FEWEST} to {_MOST:,} combinations"
        raise BadInputError("not a number of combinations to search", value=budget, todo=todo)
    _optuna()


def search(
    documents: Documents, question: Question, author: Author, *, told: Callable[[int], None] = lambda _done: None
) -> Searched:
    """Try combinations, each chosen in the light of those before, and return the best one.

    Parameters
    ----------
    documents : Documents
        With the trial ledger.
    question : Question
    author : Author
    told : callable
        Told after each combination how many there were.

    Returns
    -------
    Searched
        The same rows, ranges, budget and seed give the same one. Of equally good ones the first.

    Raises
    ------
    BadInputError
        If there is nothing to search, or the budget is none.
    SettingsError
        If Optuna is not installed.
    TerminalError
        If no combination can be fitted. Interrupted, what was tried is in the ledger.
    """
    check_budget(question.budget)
    optuna, space, usual = _optuna(), question.space, question.configuration
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=usual.seed)
    study = optuna.create_study(direction="minimize", sampler=sampler)
    study.enqueue_trial({name: question.estimator.parameters[name] for name in space}, skip_if_exists=False)
    losses: dict[str, float] = {}
    best = usual
    with recorded(documents, _announced(question, space, str(optuna.__version__)), author) as tried:
        for done in range(1, question.budget + 1):
            trial = study.ask()
            one = _configuration(usual, {name: _suggested(trial, name, found) for name, found in space.items()})
            if one.trial not in losses:
                losses[one.trial] = _loss(question, one)
                tried(one, {SCORE: losses[one.trial]})
                best = one if losses[one.trial] < losses.get(best.trial, math.inf) else best
            loss = losses[one.trial]
            failed = {"state": optuna.trial.TrialState.FAIL}
            study.tell(trial, **({"values": loss} if math.isfinite(loss) else failed))
            told(done)
    if not any(math.isfinite(loss) for loss in losses.values()):
        todo = "load a longer history, or train without --search"
        raise TerminalError("no combination of parameters can be fitted", value=question.estimator.name, todo=todo)
    return Searched(_made(question, best), best, _document(question, best, losses))


def _space(task: Task, estimator: Model, fixed: Sequence[str]) -> Space:
    found = search_space(task, estimator)
    left = {name: one for name, one in found.items() if name not in fixed}
    if not left:
        todo = "leave --search out" if not found else "give fewer parameters with --set"
        raise BadInputError("there is no parameter to search", value=estimator.name, todo=todo)
    return left


def _announced(question: Question, space: Space, version: str) -> Search:
    usual = question.configuration
    about = {
        "seed": usual.seed,
        "data_version": usual.data_version,
        "estimator": usual.estimator,
        "usual": dict(usual.parameters),
        "feature_set": usual.feature_set,
        "ranges": {name: one.document() for name, one in space.items()},
        "sampler": f"tpe of optuna {version}",
        "folds": [folds_to_choose_on(len(question.folds)), len(question.folds)],
    }
    name = f"search of {usual.estimator} for {usual.key.task}"
    return Search(name, planned=(usual,), budget=question.budget - 1, keys=(usual.key,), space=about)


def _suggested(trial: Any, name: str, found: Range) -> float | int:  # noqa: ANN401  # of Optuna
    if found.is_whole:
        return int(trial.suggest_int(name, int(found.least), int(found.most), log=found.is_log))
    suggested = float(trial.suggest_float(name, found.least, found.most, log=found.is_log))
    return min(max(float(f"{suggested:.{_DIGITS}g}"), found.least), found.most)


def _configuration(usual: Configuration, chosen: Mapping[str, Value]) -> Configuration:
    return dataclasses.replace(usual, parameters={**usual.parameters, **chosen})


def _made(question: Question, one: Configuration) -> Model:
    """Return the estimator of a combination; its seeds are those of the usual one."""
    parameters = {name: one.parameters.get(name, value) for name, value in question.estimator.parameters.items()}
    return new_estimator(question.task, question.estimator.name, question.rows.columns, parameters)


def _loss(question: Question, one: Configuration) -> float:
    """Return the mean squared error on the folds to choose on; infinite where the combination cannot be fitted."""
    folds, rows = question.folds[: folds_to_choose_on(len(question.folds))], question.rows
    try:
        said = foretold(_made(question, one), features=rows.matrix, targets=rows.labels, folds=folds)
    except SettingsError:
        raise
    except AssayError:
        return math.inf
    actual = np.concatenate([rows.labels[fold.test] for fold in folds])
    return float(squared_losses(actual, said).mean())


def _document(question: Question, best: Configuration, losses: Mapping[str, float]) -> dict[str, object]:
    usual = question.configuration
    finite = {trial: loss if math.isfinite(loss) else None for trial, loss in losses.items()}
    return {
        "sampler": "tpe",
        "seed": usual.seed,
        "budget": question.budget,
        "combinations": len(losses),
        "not_fitted": sum(loss is None for loss in finite.values()),
        "measure": SCORE,
        "best": {name: best.parameters[name] for name in question.space},
        "best_loss": finite[best.trial],
        "usual_loss": finite.get(usual.trial),
        "ranges": {name: one.document() for name, one in question.space.items()},
        "folds": folds_to_choose_on(len(question.folds)),
        "of_folds": len(question.folds),
    }


def _optuna() -> Any:  # noqa: ANN401  # a module of an extra
    try:
        return import_module("optuna")
    except ImportError as error:
        what, todo = "a search needs a package that is not installed", "run `pip install 'assay[ml]'`"
        raise SettingsError(what, value="optuna", todo=todo) from error
