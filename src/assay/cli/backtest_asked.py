"""What somebody asks of ``assay backtest``: from words of a line to a plan, values to try and windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from assay.cli.options import author_of, moment_of

if TYPE_CHECKING:
    from assay.lake.reads import Span
    from assay.pipelines.backtest_strategies import Plan, Thresholds
    from assay.pipelines.backtest_windows import Windows
    from assay.pipelines.backtesting import BacktestRequest


class Tried(NamedTuple):
    """What is to be tried, and on which windows it is chosen; nothing: all is one sweep."""

    values: dict[str, list[str]]
    windows: Windows | None


@dataclass(frozen=True, slots=True)
class OfModel:
    """A model: a version, a task for its champion, or the name of an estimator that is taught on the way."""

    name: str
    enter: float | None
    leave: float | None
    label: str

    @property
    def is_taught(self) -> bool:
        """Whether it is the name of an estimator of directions."""
        from assay.models.registry import known_estimators  # noqa: PLC0415

        return self.name in known_estimators("direction")

    def plan(self, features: str, parts: int | None) -> Plan:
        """Return what is to be done; `parts` are those before which an estimator is taught anew."""
        from assay.domain.errors import BadInputError  # noqa: PLC0415
        from assay.pipelines.backtest_strategies import ModelPlan, Thresholds  # noqa: PLC0415

        thresholds = Thresholds(self.enter, self.leave)
        if self.is_taught:
            return _taught(self.name, features, self.label, thresholds, parts)
        for option, value in (("--features", features), ("--label", self.label)):
            if value:
                todo = "leave it out, or name an estimator (`assay train --help` does)"
                raise BadInputError(f"a registered model has its own {option[2:]}", value=value, todo=todo)
        return ModelPlan(self.name, thresholds)


def _taught(name: str, features: str, label: str, thresholds: Thresholds, parts: int | None) -> Plan:
    from assay.pipelines.backtest_teaching import taught_estimator  # noqa: PLC0415

    words = {name: text for name, text in (("features", features), ("label", label)) if text}
    return taught_estimator(name, **words, thresholds=thresholds, parts=parts)


class Strategy(NamedTuple):
    """What is to be traded on: rules, or a model, or a file of weights."""

    sides: tuple[str, str, str, str]
    """The rules to buy, sell, short and cover."""
    features: str
    model: OfModel
    weights: Path | None

    def plan(self, tried: Tried) -> Plan:
        """Return the one strategy that was given.

        Raises
        ------
        BadInputError
            If there is none, or more than one, or something that belongs to another kind.
        """
        from assay.domain.errors import BadInputError  # noqa: PLC0415
        from assay.pipelines.backtest_strategies import RulesPlan  # noqa: PLC0415
        from assay.pipelines.backtest_weights import WeightsPlan  # noqa: PLC0415

        model, windows = self.model, tried.windows
        every = (("rules", any(self.sides)), ("--model", model.name), ("--weights", self.weights))
        given = [name for name, value in every if value]
        if len(given) != 1:
            todo = 'give rules (--buy "rsi_14 < 30" --sell "rsi_14 > 70"), --model or --weights'
            what = "several strategies at once" if given else "no strategy"
            raise BadInputError(what, value=" and ".join(given) or None, todo=todo)
        if not model.name and not (model.enter is None and model.leave is None and not model.label):
            todo = "leave them out, or give --model"
            raise BadInputError("only a model has --enter and --leave, and a --label", todo=todo)
        is_taught_alone = bool(model.name) and model.is_taught and not tried.values
        if windows is not None and not tried.values and not (is_taught_alone and windows.parts):
            todo = "give what is chosen with --vary; --walk-forward N alone teaches an estimator before each of N parts"
            raise BadInputError("a walk-forward without a choice", value=windows.says, todo=todo)
        if model.name:
            return model.plan(self.features, windows.parts if windows and windows.parts else None)
        return WeightsPlan(self.weights) if self.weights else RulesPlan(*self.sides, features=self.features)


class BarsAsked(NamedTuple):
    """Which bars are traded."""

    symbols: tuple[str, ...]
    interval: str
    moments: tuple[str, str, str, str]
    """From, until, as of, and available at; empty: not said."""
    finer: str

    def span(self) -> Span:
        """Return the moments as a span."""
        from assay.lake.reads import Span  # noqa: PLC0415

        start, end, as_of, available_at = (moment_of(text) for text in self.moments)
        return Span(start, end, as_of, available_at)


class TermsAsked(NamedTuple):
    """With how much, and at which costs."""

    cash: float
    fee_bps: float | None
    spread_bps: float
    slippage_bps: float
    latency_bars: int
    max_positions: int | None


class Asked(NamedTuple):
    """All of it."""

    strategy: Strategy
    tried: Tried
    bars: BarsAsked
    terms: TermsAsked
    sizes: tuple[float, float | None, float | None, float | None, int, str, int]
    """As :class:`~assay.pipelines.backtest_sizing.Sizing` has them."""
    by: str

    def request(self) -> BacktestRequest:
        """Return the request that it is."""
        from assay.pipelines.backtest_market import Terms  # noqa: PLC0415  # polars and scikit-learn cost a second
        from assay.pipelines.backtest_sizing import Sizing  # noqa: PLC0415
        from assay.pipelines.backtesting import BacktestRequest  # noqa: PLC0415

        bars, terms = self.bars, self.terms
        return BacktestRequest(
            bars.symbols, author_of(self.by), self.strategy.plan(self.tried), bars.interval, bars.span(), terms.cash,
            Sizing(*self.sizes), Terms(terms.fee_bps, terms.spread_bps, terms.slippage_bps),
            terms.latency_bars, terms.max_positions, bars.finer,
        )  # fmt: skip


def windows_of(parts: int, train: str, test: str, is_anchored: bool | None) -> Windows | None:
    """Return how the period is cut; nothing if it is not."""
    from assay.domain.duration import parse_duration  # noqa: PLC0415
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.pipelines.backtest_windows import Windows  # noqa: PLC0415

    if parts == 0 and not (train or test):
        if is_anchored is not None:
            todo = "give --walk-forward N, or --train and --test"
            raise BadInputError("windows are anchored or rolling in a walk-forward only", todo=todo)
        return None
    lengths = [parse_duration(text) if text else None for text in (train, test)]
    return Windows(parts, lengths[0], lengths[1], is_anchored)


def values_of(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return what is to be tried, by its name; BadInputError if a text is not ``NAME=A,B,C``."""
    from assay.domain.errors import BadInputError  # noqa: PLC0415

    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        values = [one.strip() for one in rest.split(",")]
        if not (name.strip() and equals and all(values)) or name.strip() in found:
            raise BadInputError("not values to try", value=text, todo="write --vary low=20,25,30, each name once")
        found[name.strip()] = values
    return found
