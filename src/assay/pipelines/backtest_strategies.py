"""What a backtest is to do, from words to orders: rules on features, forecasts of a registered model, target weights.

Features of a bar are those of all bars before it as well, also of those before the period. A model is asked only about
moments that had no part in making or choosing it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import polars as pl

from assay.backtest.engine import Strategy, VectorStrategy
from assay.backtest.layout import Floats
from assay.backtest.rules import Rule, parse_rule
from assay.backtest.signals import Exits, Flags, Size, TargetWeights
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId
from assay.lake.model_store import ModelVersion, read_artefact, read_version
from assay.lake.sealed import documents_of
from assay.lake.trials import Value
from assay.measures.signals import BUY, SELL, decide, expected_moves
from assay.models.artefact import unpack
from assay.models.walk_forward import foretell
from assay.pipelines import steps
from assay.pipelines.backtest_columns import ON_BARS, columns_of, feature_set_of, features_of_set
from assay.pipelines.backtest_market import LakeMarket
from assay.pipelines.champions import chosen, standings
from assay.pipelines.judging import round_trip
from assay.pipelines.paired_tests import find_model
from assay.pipelines.tasks import find_task
from assay.pipelines.training_rows import find_features, microseconds_of
from assay.pipelines.workspace import Workspace

_VERSION = re.compile(r"[0-9a-f]{1,12}")
_LIKELIER = 0.5


@dataclass(frozen=True, slots=True)
class Sizing:
    """How much is put in, and what takes it out again by itself.

    Attributes
    ----------
    size : float
        Part of what the account is worth that an entry puts in.
    stop_loss, take_profit, trailing_stop : float, optional
        Distances from the mean entry price, and from the best price since, as fractions.
    max_bars : int
        Bars after which a position is closed; 0: never.
    """

    size: float = 1.0
    stop_loss: float | None = None
    take_profit: float | None = None
    trailing_stop: float | None = None
    max_bars: int = 0

    @property
    def exits(self) -> Exits:
        """As the engine has them."""
        stop, target, trail = (
            np.nan if one is None else one for one in (self.stop_loss, self.take_profit, self.trailing_stop)
        )
        return Exits(stop, target, trail, self.max_bars)

    def check(self) -> None:
        """Raise BadInputError if a number is out of range."""
        _ = self.exits, Size(self.size)

    def parameters(self) -> dict[str, Value]:
        """Return what was chosen, for the ledger."""
        told = {name: getattr(self, name) for name in ("stop_loss", "take_profit", "trailing_stop")}
        return {"size": self.size, "max_bars": self.max_bars, **told}


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
    """

    strategy: VectorStrategy | Strategy
    feature_set: str
    says: tuple[str, ...]


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

    def make(self, workspace: Workspace, found: LakeMarket, sizing: Sizing) -> Made:
        """Return its strategy."""
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

    def make(self, workspace: Workspace, found: LakeMarket, sizing: Sizing) -> Made:
        """Return the signals of the rules; BadInputError if one names no column."""
        return self.made(workspace, found, columns_of(workspace, found, self.names, self.features), sizing=sizing)

    @property
    def names(self) -> list[str]:
        """The columns that its rules read, each once."""
        return list(dict.fromkeys(name for rule in self.rules().values() for name in rule.columns))

    def feature_set(self, workspace: Workspace, found: LakeMarket) -> str:
        """Return what computes these columns, as the ledger names it."""
        return feature_set_of(workspace, found, self.names, self.features)

    def made(self, workspace: Workspace, found: LakeMarket, columns: Mapping[str, Floats], *, sizing: Sizing) -> Made:
        """Return the signals of the rules on columns that are there; BadInputError where a side cannot be taken."""
        rules = self.rules()
        if "short" in rules and not found.may_short:
            todo = "leave the rule out, or trade a perpetual, like binance:usdm:BTC-USDT"
            raise BadInputError("nothing can be sold short on a spot market", value=found.series, todo=todo)
        flags = {_SIDES[name]: rule.holds(columns) for name, rule in rules.items()}
        says = tuple(f"{name} where {rule.text}" for name, rule in rules.items())
        signals = found.signals(flags, sizing.size, sizing.exits)
        return Made(signals, self.feature_set(workspace, found), says)


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
    """

    model: str
    thresholds: Thresholds = field(default_factory=Thresholds)

    kind = "model"

    def parameters(self) -> dict[str, Value]:
        """Return what was chosen."""
        return {"model": self.model, **self.thresholds.parameters()}

    def resolved(self, workspace: Workspace, series: SeriesId) -> ModelPlan:
        """Return the same with the whole name of the version that is meant."""
        return replace(self, model=self._version(workspace, series).version)

    def not_before(self, workspace: Workspace, series: SeriesId) -> datetime:
        """Return the last moment whose outcome had a part in making or choosing the model."""
        return self._version(workspace, series).paper.seen_until

    def make(self, workspace: Workspace, found: LakeMarket, sizing: Sizing) -> Made:
        """Return the signals of what the model says; BadInputError if its features are computed otherwise now."""
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
        if task.kind == "signal":
            flags = _signals_of_paper(paper.evidence, said)
            return Made(
                found.signals(flags, sizing.size, sizing.exits),
                now,
                (told, "BUY enters, SELL leaves, HOLD changes nothing"),
            )
        is_value = task.estimators == "value"
        flags, rule = self.thresholds.flags(
            said,
            usual=round_trip(workspace.settings) if is_value else _LIKELIER,
            usual_leave=0.0 if is_value else _LIKELIER,
            what="the return foretold" if is_value else "the probability of a rise",
        )
        return Made(found.signals(flags, sizing.size, sizing.exits), now, (told, rule))

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


@dataclass(frozen=True, slots=True)
class WeightsPlan:
    """Hold what a table says: ``close_time`` and ``weight``, the part of the account's worth from then on.

    Attributes
    ----------
    file : Path
        Parquet or CSV.
    """

    file: Path

    kind = "weights"

    def parameters(self) -> dict[str, Value]:
        """Return the weights as one hash."""
        frame = self._frame()
        arrays = frame["close_time"].dt.epoch("us").to_numpy(), frame["weight"].to_numpy()
        return {"weights": hashlib.sha256(b"".join(one.tobytes() for one in arrays)).hexdigest()[:16]}

    def not_before(self, workspace: Workspace, series: SeriesId) -> None:  # nobody knows
        """Return nothing: who wrote the weights knows what they have seen."""

    def make(self, workspace: Workspace, found: LakeMarket, sizing: Sizing) -> Made:  # noqa: ARG002
        """Return the weights at their bars.

        Raises
        ------
        BadInputError
            If the table has no weight at the close of any bar of the period, or one where no bar closes, or a stop is
            asked for.
        """
        if sizing != Sizing():
            raise BadInputError("target weights have no size and no exits", todo="leave them out: weights say it all")
        frame = self._frame()
        moments, weights = frame["close_time"].dt.epoch("us").to_numpy(), frame["weight"].to_numpy()
        closes = found.close_time
        is_in = (moments >= closes[0]) & (moments <= closes[-1])
        places = np.searchsorted(closes, moments[is_in])
        is_wrong = closes[places] != moments[is_in]
        if not is_in.any() or is_wrong.any():
            value = frame["close_time"][int(np.flatnonzero(is_in)[is_wrong][0])] if is_wrong.any() else self.file
            todo = f"write the moments at which bars of {found.series.interval} close, in UTC"
            raise BadInputError("a weight at the close of no bar of the period", value=value, todo=todo)
        on_bars = np.full(closes.size, np.nan)
        on_bars[places] = weights[is_in]
        told = f"hold the weights of {self.file.name} ({int(is_in.sum()):,} of them)"
        return Made(TargetWeights(found.on_rows(on_bars)), ON_BARS, (told,))

    def _frame(self) -> pl.DataFrame:
        try:
            table = pl.read_csv(self.file, try_parse_dates=True) if self.file.suffix == ".csv" else pl.read_parquet(
                self.file
            )  # fmt: skip
            moments = table["close_time"]
            zoned = moments.dt.replace_time_zone("UTC") if moments.dtype.time_zone is None else moments  # type: ignore[attr-defined]
            frame = pl.DataFrame(
                {"close_time": zoned.dt.cast_time_unit("us"), "weight": table["weight"].cast(pl.Float64)}
            )
        except (OSError, pl.exceptions.PolarsError, AttributeError, ValueError) as error:
            todo = "give a Parquet or CSV file with the columns close_time (UTC) and weight"
            raise BadInputError("a table of weights cannot be read", value=self.file, todo=todo) from error
        if not frame["weight"].is_finite().all() or frame["close_time"].null_count():
            raise BadInputError("a weight is missing, or not finite", value=self.file, todo="leave its row out")
        if not frame["close_time"].is_sorted() or frame["close_time"].n_unique() < frame.height:
            raise BadInputError("weights out of order", value=self.file, todo="sort them by close_time, each once")
        return frame


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
