"""What a backtest is to do, from words to orders: rules on features, forecasts of a registered model, target weights.

Features of a bar are those of all bars before it as well, also of those before the period. A model is asked only about
moments that had no part in making or choosing it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, cast

import numpy as np
import polars as pl

from assay.backtest.engine import Strategy, VectorStrategy
from assay.backtest.layout import Floats
from assay.backtest.rules import Rule, parse_rule
from assay.backtest.signals import Flags, Signals
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId
from assay.lake.model_store import ModelVersion, read_artefact, read_version
from assay.lake.sealed import documents_of
from assay.lake.trials import Value
from assay.measures.signals import BUY, SELL, decide, expected_moves
from assay.models.artefact import unpack
from assay.models.walk_forward import foretell
from assay.pipelines import steps
from assay.pipelines.backtest_columns import columns_of, feature_set_of, features_of_set
from assay.pipelines.backtest_market import LakeMarket
from assay.pipelines.backtest_sizing import Sizing
from assay.pipelines.champions import chosen, standings
from assay.pipelines.judging import round_trip
from assay.pipelines.paired_tests import find_model
from assay.pipelines.tasks import find_task
from assay.pipelines.training_rows import find_features, microseconds_of
from assay.pipelines.workspace import Workspace

_VERSION = re.compile(r"[0-9a-f]{1,12}")
_LIKELIER = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A strategy, and what names it.

    Attributes
    ----------
    strategy : VectorStrategy or Strategy
    feature_set : str
        ``name/version#hash`` of what it reads; ``bars`` for prices alone.
    says : tuple of str
        What it does, for people.
    said : str
        16 hexadecimal digits of what a model said that was taught for this; nothing where none was.
    """

    strategy: VectorStrategy | Strategy
    feature_set: str
    says: tuple[str, ...]
    said: str = ""


class Maker(Protocol):
    """Makes the strategy of a plan: what plans of one kind need in common is there already."""

    def __call__(self, plan: Any, sizing: Sizing, volatility: Floats | None) -> Made:  # noqa: ANN401  # of its kind
        """Return the strategy of one of the plans; `volatility` is that of :meth:`Sizing.volatility`."""
        ...


class Plan(Protocol):
    """What a backtest is asked to do."""

    @property
    def kind(self) -> str:
        """As the ledger has it: ``rules``, ``model`` or ``weights``."""
        ...

    def parameters(self) -> dict[str, Value]:
        """Return all that decides its orders on given bars."""
        ...

    def not_before(self, workspace: Workspace, series: SeriesId) -> datetime | None:
        """Return the moment before which it must not be asked, if there is one."""
        ...

    def maker(self, workspace: Workspace, found: LakeMarket, plans: Sequence[Any]) -> Maker:
        """Return what makes the strategies of plans that differ in numbers alone, this one among them."""
        ...


@dataclass(frozen=True, slots=True)
class RulesPlan:
    """Enter and leave where a rule holds.

    Attributes
    ----------
    buy, sell : str
        Rules, as :mod:`assay.backtest.rules` reads them: enter long, and leave.
    short, cover : str
        The same of short positions.
    features : str
        Feature set whose columns may be named besides those of the bars and indicators.
    """

    buy: str = ""
    sell: str = ""
    short: str = ""
    cover: str = ""
    features: str = ""

    kind = "rules"

    def rules(self) -> dict[str, Rule]:
        """Return the rules that are given, by what they do; BadInputError if one is none, or nothing is entered."""
        texts = {name: getattr(self, name) for name in _SIDES}
        if not (self.buy.strip() or self.short.strip()):
            raise BadInputError("no rule says when to buy", todo='give one, like --buy "rsi_14 < 30"')
        return {name: parse_rule(text) for name, text in texts.items() if text.strip()}

    def parameters(self) -> dict[str, Value]:
        """Return the rules as they are written."""
        return {name: rule.text for name, rule in self.rules().items()}

    def not_before(self, workspace: Workspace, series: SeriesId) -> None:  # rules learn nothing
        """Return nothing: rules were not fitted."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that its rules read, each once."""
        return tuple(dict.fromkeys(name for rule in self.rules().values() for name in rule.columns))

    def maker(self, workspace: Workspace, found: LakeMarket, plans: Sequence[RulesPlan]) -> Maker:
        """Return what makes signals of rules; BadInputError if one names no column, or a side cannot be taken."""
        names = list(dict.fromkeys(name for plan in plans for name in plan.names))
        columns = columns_of(workspace, found, names, self.features)

        @functools.cache
        def feature_set(read: tuple[str, ...]) -> str:
            return feature_set_of(workspace, found, read, self.features)

        def made(plan: RulesPlan, sizing: Sizing, volatility: Floats | None) -> Made:
            rules = plan.rules()
            if "short" in rules and not found.may_short:
                todo = "leave the rule out, or trade a perpetual, like binance:usdm:BTC-USDT"
                raise BadInputError("nothing can be sold short on a spot market", value=found.series, todo=todo)
            flags = {_SIDES[name]: rule.holds(columns) for name, rule in rules.items()}
            says = tuple(f"{name} where {rule.text}" for name, rule in rules.items())
            return made_of(found, flags, (sizing, volatility), (feature_set(plan.names), says))

        return made


_SIDES = {"buy": "long_entry", "sell": "long_exit", "short": "short_entry", "cover": "short_exit"}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a score is acted on.

    Attributes
    ----------
    enter, leave : float, optional
        Enter where it is at least the one, leave where it is below the other.
    """

    enter: float | None = None
    leave: float | None = None

    def parameters(self) -> dict[str, Value]:
        """Return what was chosen."""
        return {"enter": self.enter, "leave": self.leave}

    def flags(
        self, said: Floats, *, usual: float, what: str, usual_leave: float | None = None
    ) -> tuple[dict[str, Flags], str]:
        """Return where a long position is entered and left, and the same in words; nothing where the score is NaN.

        Raises
        ------
        BadInputError
            If a position would be left where it is entered.
        """
        enter = usual if self.enter is None else self.enter
        leave = min(usual if usual_leave is None else usual_leave, enter) if self.leave is None else self.leave
        if not (np.isfinite(enter) and np.isfinite(leave)) or leave > enter:
            todo = "give a number to leave below that is not above the one to enter from"
            raise BadInputError("a position would be left where it is entered", value=f"{enter}, {leave}", todo=todo)
        told = f"enter where {what} is at least {enter:g}, leave where it is below {leave:g}"
        return {"long_entry": said >= enter, "long_exit": said < leave}, told


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """Be long while a registered model foretells a rise.

    Attributes
    ----------
    model : str
        A version, or how it begins; or a task, for its champion of the series.
    thresholds : Thresholds
        Of the probability of a rise: 0.5 both. Of a value, of the return that is foretold: what getting in and out
        costs (``model.cost_bps``), and 0. A signal has its own rule.
    versions : str
        What it means for each of several series, once that is known.
    """

    model: str
    thresholds: Thresholds = field(default_factory=Thresholds)
    versions: str = ""

    kind = "model"

    def parameters(self) -> dict[str, Value]:
        """Return what was chosen."""
        return {"model": self.versions or self.model, **self.thresholds.parameters()}

    def resolved(self, workspace: Workspace, series: Sequence[SeriesId]) -> ModelPlan:
        """Return the same with the whole name of the version that is meant, or of those of several series."""
        versions = list(dict.fromkeys(self._version(workspace, one).version for one in series))
        return replace(self, model=versions[0]) if len(versions) == 1 else replace(self, versions=",".join(versions))

    def not_before(self, workspace: Workspace, series: SeriesId) -> datetime:
        """Return the last moment whose outcome had a part in making or choosing the model."""
        return self._version(workspace, series).paper.seen_until

    def maker(self, workspace: Workspace, found: LakeMarket, plans: Sequence[ModelPlan]) -> Maker:  # noqa: ARG002
        """Return what makes signals of what it says; BadInputError if its features are computed otherwise now."""
        version = self._version(workspace, found.series)
        paper = version.paper
        task = find_task(workspace, paper.key.task)
        features = find_features(workspace, paper.feature_set.partition("/")[0], found.series.interval)
        now = steps.identity(features.feature_set)
        if now != paper.feature_set:
            what = f"{version.version} cannot be asked: its features are computed otherwise now"
            raise BadInputError(what, value=f"{now}, not {paper.feature_set}", todo="train it again")
        artefact = unpack(read_artefact(documents_of(workspace.home), version), columns=features.names)
        if artefact.task != task.estimators:
            raise BadInputError(f"not a model of a {task.estimators}", value=version.version, todo="train it again")
        said = self._said(workspace, found, artefact.estimator, features.names, name=features.feature_set.name)
        # A bar that closed before it was made is none of its business, whatever the period is.
        said[found.close_time < microseconds_of(paper.seen_until)] = np.nan
        told = f"model {version.version} ({paper.estimator}, {paper.key}), which has seen nothing after "
        told += f"{paper.seen_until:%Y-%m-%d %H:%M} UTC"
        is_value = task.estimators == "value"
        usual = round_trip(workspace.settings) if is_value else _LIKELIER

        def made(plan: ModelPlan, sizing: Sizing, volatility: Floats | None) -> Made:
            if task.kind == "signal":
                flags, rule = _signals_of_paper(paper.evidence, said), "BUY enters, SELL leaves, HOLD changes nothing"
            else:
                flags, rule = plan.thresholds.flags(
                    said,
                    usual=usual,
                    usual_leave=0.0 if is_value else _LIKELIER,
                    what="the return foretold" if is_value else "the probability of a rise",
                )
            return made_of(found, flags, (sizing, volatility), (now, (told, rule)))

        return made

    def _version(self, workspace: Workspace, series: SeriesId) -> ModelVersion:
        documents = documents_of(workspace.home)
        if _VERSION.fullmatch(self.model):
            version = find_model(documents, self.model)
        else:
            task = find_task(workspace, self.model)
            standing = chosen(workspace, standings(workspace), task.name, series)
            if standing is None or not standing.is_served:
                todo = "name a version (`assay models list` shows them), or promote one"
                raise NoDataError(f"nothing is champion of {task.name}", value=series, todo=todo)
            version = read_version(documents, standing.key, standing.version)
        key = version.paper.key
        if key.source not in (str(series), f"{series.venue}:{series.interval.code}"):
            todo = f"choose a model of {series}, or backtest {key.source}"
            raise BadInputError("a model of something else", value=f"{version.version} is of {key.source}", todo=todo)
        return version

    def _said(
        self, workspace: Workspace, found: LakeMarket, model: Any, columns: Sequence[str], *, name: str  # noqa: ANN401
    ) -> Floats:  # fmt: skip
        """Return what a model says at the close of each bar; NaN where a feature has no value."""
        frame = features_of_set(workspace, found, name).select(columns)
        matrix = np.ascontiguousarray(frame.cast(pl.Float64).fill_null(np.nan).to_numpy(), dtype=np.float64)
        is_whole = np.isfinite(matrix).all(axis=1)
        said = np.full(matrix.shape[0], np.nan)
        if is_whole.any():
            said[is_whole] = foretell(model, np.ascontiguousarray(matrix[is_whole]))
        return said


def made_of(
    found: LakeMarket,
    flags: Mapping[str, Flags],
    sizes: tuple[Sizing, Floats | None],
    about: tuple[str, tuple[str, ...]],
) -> Made:
    """Return signals of flags of the bars, by the names that :class:`~assay.backtest.signals.Signals` has."""
    (sizing, volatility), (feature_set, says) = sizes, about
    on_rows = {name: found.on_rows(one) for name, one in flags.items()}
    signals = Signals(**on_rows, size=sizing.sized(volatility), exits=sizing.exits)
    return Made(signals, feature_set, (*says, *sizing.says))


def _signals_of_paper(evidence: Mapping[str, object], said: Floats) -> dict[str, Flags]:
    """Return where a model of signals says BUY and SELL, on the terms of its own paper."""
    terms = cast("Mapping[str, float]", evidence.get("signal") or {})
    if not {"usual_move", "confidence", "cost"} <= terms.keys():
        todo = "train it again"
        raise BadInputError("a model of signals whose paper does not say when it acts", todo=todo)
    known = np.where(np.isnan(said), _LIKELIER, said)
    moves = expected_moves(known, terms["usual_move"])
    made = decide(known, moves, confidence=terms["confidence"], cost=terms["cost"])
    return {"long_entry": made == BUY, "long_exit": made == SELL}


@dataclass(frozen=True, slots=True, eq=False)
class ObjectPlan:
    """A strategy that somebody wrote: its orders name it, since nobody can read its mind."""

    strategy: VectorStrategy | Strategy
    name: str

    kind = "code"

    def parameters(self) -> dict[str, Value]:
        """Return its name; its orders are known when it has run."""
        return {"strategy": self.name}

    def not_before(self, workspace: Workspace, series: SeriesId) -> None:
        """Return nothing: its author knows what it has seen."""

    def maker(self, workspace: Workspace, found: object, plans: Sequence[ObjectPlan]) -> Maker:  # noqa: ARG002
        """Return what gives the strategy; BadInputError if it is to have sizes or exits, which its own orders have."""

        def made(plan: ObjectPlan, sizing: Sizing, volatility: Floats | None) -> Made:  # noqa: ARG001
            if sizing != Sizing():
                todo = "leave them out: its own orders say them"
                raise BadInputError("a strategy's own code with sizes or exits besides", value=plan.name, todo=todo)
            return Made(plan.strategy, "code", (f"{plan.name}, a strategy's own code",))

        return made
