"""What is tried in search of a model: a configuration, a search that announces some, and what came of each.

A trial is a configuration on data. The same again is the same trial, whoever makes it and in whatever search; on other
data or with another seed it is another one. :mod:`assay.lake.trial_ledger` keeps them.

>>> key = ModelKey("direction_24h", "binance:spot:BTC-USDT:1h")
>>> one = Configuration(key, "logistic", {"penalty": 1.0}, "direction/1#00ff", data_version="a1", seed=7)
>>> again, other = replace(one, parameters={"penalty": 1}), replace(one, data_version="a2")
>>> one.trial == again.trial, one.trial == other.trial, one.idea == other.idea
(True, False, True)
>>> one.idea == replace(one, seed=8).idea
False
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace  # noqa: F401  # `replace` is for the example
from typing import Any

from assay.domain.errors import BadInputError
from assay.domain.model_key import ModelKey
from assay.lake.sealed import identity

Value = float | int | str | bool | None


@dataclass(frozen=True, slots=True)
class Configuration:
    """One thing to try, on given data.

    Attributes
    ----------
    key : ModelKey
    estimator : str
        Its name, such as ``logistic``.
    parameters : mapping of str to float, int, str, bool or None
        All that decides what it makes of given rows, but the seed.
    feature_set : str
        ``name/version#hash``.
    data_version : str
        Names the rows: a content hash.
    seed : int
    span : str
        Which rows these are, for people; `data_version` is what counts.
    """

    key: ModelKey
    estimator: str
    parameters: Mapping[str, Value] = field(hash=False)
    feature_set: str
    data_version: str
    seed: int
    span: str = ""

    @property
    def parameters_hash(self) -> str:
        """16 hexadecimal digits of the parameters."""
        return identity(self.parameters)

    @property
    def idea(self) -> str:
        """16 hexadecimal digits of what it is, whatever the data.

        Another seed is another one: who draws a hundred forests of one kind can take the luckiest.
        """
        of_idea = [self.key.task, self.key.source, self.estimator, self.parameters, self.feature_set]
        return identity([*of_idea, self.seed])

    @property
    def trial(self) -> str:
        """16 hexadecimal digits by which trials are told apart: of `idea` and the data."""
        of_idea = [self.key.task, self.key.source, self.estimator, self.parameters, self.feature_set]
        return identity([*of_idea, self.data_version, self.seed])

    def shared(self) -> tuple[str | int, ...]:
        """Return what the configurations of a search usually have in common."""
        key = self.key
        return key.task, key.source, self.estimator, self.feature_set, self.data_version, self.seed, self.span


@dataclass(frozen=True, slots=True)
class Search:
    """What is about to be tried.

    Attributes
    ----------
    name : str
        What it is, for people, like ``walk-forward of logistic``.
    planned : tuple of Configuration
        Those known beforehand: all of them count, tried or not.
    budget : int
        How many more may be tried at most that are chosen on the way, each in the light of the ones before.
    keys : tuple of ModelKey
        What these are about; those of `planned` need not be named.
    space : mapping
        Where these come from: ``seed``, ``data_version``, and whatever else tells one search from another, such as the
        ranges and the sampler. The same search again makes the same trials, and counts once.
    """

    name: str
    planned: tuple[Configuration, ...] = ()
    budget: int = 0
    keys: tuple[ModelKey, ...] = ()
    space: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.budget < 0 or (not self.planned and not self.budget):
            todo = "name the configurations, or how many will be tried at most"
            raise BadInputError("a search of nothing", value=self.name, todo=todo)
        if self.budget and not ({"seed", "data_version"} <= self.space.keys() and self.about):
            todo = "give `keys`, and `space` with seed, data_version, ranges and sampler: they tell it from others"
            raise BadInputError("a search that does not say what it looks through", value=self.name, todo=todo)

    @property
    def about(self) -> tuple[ModelKey, ...]:
        """All keys, sorted."""
        return tuple(sorted({*self.keys, *(one.key for one in self.planned)}))

    def document(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {
            "name": self.name,
            "planned": packed(Tried(one, {}) for one in self.planned),
            "budget": self.budget,
            "keys": [[key.task, key.source] for key in self.about],
            "space": self.space,
        }


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial of the ledger: what was tried, and how it scored; no scores if nobody saw any."""

    configuration: Configuration
    scores: Mapping[str, float] = field(hash=False)


def read_search(document: Any) -> Search:  # noqa: ANN401  # JSON is anything
    """Return what :meth:`Search.document` said; KeyError, TypeError or ValueError if it is none."""
    return Search(
        document["name"],
        tuple(one.configuration for one in unpacked(document["planned"])),
        document["budget"],
        tuple(ModelKey(*key) for key in document["keys"]),
        document["space"],
    )


def packed(tried: Iterable[Tried]) -> dict[str, object]:
    """Return trials as plain values for JSON: what many have in common once, and of each a few numbers.

    Each is there once, in an order that does not depend on theirs.
    """
    shared: dict[tuple[str | int, ...], int] = {}
    rows: list[list[object]] = []
    for _, one in sorted({one.configuration.trial: one for one in tried}.items()):
        at = shared.setdefault(one.configuration.shared(), len(shared))
        rows.append([at, one.configuration.parameters, one.scores])
    return {"contexts": list(shared), "trials": rows}


def unpacked(document: Any) -> Iterator[Tried]:  # noqa: ANN401
    """Yield the trials that :func:`packed` made plain; KeyError, TypeError or ValueError if it made something else."""
    contexts = [(ModelKey(task, source), *rest) for task, source, *rest in document["contexts"]]
    for at, parameters, scores in document["trials"]:
        key, estimator, feature_set, data_version, seed, span = contexts[at]
        yield Tried(Configuration(key, estimator, parameters, feature_set, data_version, seed, span), scores)
