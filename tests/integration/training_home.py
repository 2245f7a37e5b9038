"""The home of the tests of training: series that can be foretold, cannot, stand still, and are short.

It is built once in a run, and the two models of :class:`Learned` are trained in it once: tests that write take a copy.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from assay.domain.model_key import ModelKey
from assay.evidence.direction import DirectionEvidence
from assay.evidence.values import ValueEvidence
from assay.features.registry import use_own_steps
from assay.pipelines.building import build
from assay.pipelines.training import Trained, TrainRequest, train
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import load_settings
from tests.integration.command import clone
from tests.integration.conftest import NOW, at, bring_in, open_frozen
from tests.integration.homes import made_once
from tests.made_klines import HOUR, START, Row, hourly, write_csv

BARS = 2_200
TASK = "direction_1h"
EFFECT, NOISE, FLAT, SHORT = "BTC-USDT", "ETH-USDT", "SOL-USDT", "XRP-USDT"
KEY = ModelKey(TASK, f"binance:spot:{EFFECT}:1h")
TREES = {"model": "random_forest", "parameters": {"random_forest.trees": "16", "depth": "3"}}
SETTINGS = """\
model: {block_bars: 24, bootstrap_samples: 100, folds: 3}
features: {steps: own, sets: 'copied.yaml, knowing.yaml, clock.yaml, standing.yaml, volumes.yaml'}
lake: {threads: 1}
"""
SETS = {name: f"{{name: {name}, version: 1, steps: [{steps}]}}" for name, steps in {
    "copied": "oracle:1",
    "knowing": "oracle:5",
    "clock": "calendar",
    "standing": "steady",
    "volumes": "volume_ratio",
}.items()}  # fmt: skip
OWN = '''
"""{title}"""

from dataclasses import dataclass
from typing import ClassVar

from assay.indicators import NO_WINDOW, Bar, FloatArray, Kernel, StepDocs, Values

UPS = {ups}


def {name}_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    {body}


@dataclass(frozen=True, slots=True)
class Own:
    """{title}"""

    n: int = 1

    name: ClassVar[str] = "{name}"
    inputs: ClassVar[tuple[str, ...]] = ("close",)
    docs: ClassVar[StepDocs] = StepDocs("Own", "own", ("0 or 1",), "none", "NaN", "by definition")

    @property
    def outputs(self) -> tuple[str, ...]:
        return (f"{name}_{{self.n}}",)

    @property
    def warmup(self) -> int:
        return 0

    @property
    def params(self) -> Values:
        return (float(self.n),)

    @property
    def kernel(self) -> Kernel:
        return {name}_kernel

    def init(self) -> tuple[Values, FloatArray]:
        return (0.0,), NO_WINDOW
'''


def drifting(count: int, *, seed: int) -> list[Row]:
    """Return hours of a price whose move goes on by a third of itself: whoever sees the last one is right 62 of 100."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.006, count)
    for hour in range(1, count):
        moves[hour] += 0.36 * moves[hour - 1]
    close = np.round(30_000 * np.exp(np.cumsum(moves)), 2).tolist()
    volume = np.round(rng.lognormal(3, 1, count), 5).tolist()
    opened = [30_000.0, *close[:-1]]
    return [
        Row(START + hour * HOUR, begin, max(begin, end), min(begin, end), end, volume[hour], 100)
        for hour, (begin, end) in enumerate(zip(opened, close, strict=True))
    ]


def flat(count: int) -> list[Row]:
    """Return hours in which the price never rises."""
    return [dataclasses.replace(row, open=1.0, high=1.0, low=1.0, close=1.0) for row in hourly(count, seed=9)]


def own_files(home: Path, rows: list[Row]) -> None:
    """Write indicators that know of each hour whether the next one rises: one always, one four times of five."""
    close = [row.close for row in rows]
    # Bits of numbers: what a table of outcomes looks like in code that may not read arrays.
    ups = [int(later > now) for now, later in zip(close, [*close[1:], close[-1]], strict=True)]
    words = tuple(sum(up << bit for bit, up in enumerate(ups[at : at + 62])) for at in range(0, len(ups), 62))
    (home / "own").mkdir()
    first = int(START.timestamp() * 1_000_000)
    oracle = (
        f"hour = (int(bar.open_time) - {first}) // 3_600_000_000\n"
        "    up = float((UPS[(hour // 62) % len(UPS)] >> (hour % 62)) & 1)\n"
        "    return state, (1.0 - up if params[0] > 1.0 and hour % int(params[0]) == 0 else up,)"
    )
    texts = {
        "oracle": OWN.format(title="Knows what comes.", name="oracle", body=oracle, ups=words),
        "steady": OWN.format(title="Never changes.", name="steady", body="return state, (1.0,)", ups="()"),
    }
    for name, text in texts.items():
        (home / "own" / f"{name}.py").write_text(text, encoding="utf-8")
    for name, text in SETS.items():
        (home / f"{name}.yaml").write_text(text, encoding="utf-8")
    (home / "assay.yaml").write_text(SETTINGS, encoding="utf-8")


def training_home(factory: pytest.TempPathFactory) -> Path:
    """Return a home that nobody may write to, without a model."""
    return made_once(factory, "to_learn_from", _built)


def learned_home(factory: pytest.TempPathFactory) -> Learned:
    """Return a copy of it in which two models were trained; nobody may write to it."""
    return made_once(factory, "learned", lambda folder: _learned(clone(training_home(factory), folder / "home")))


def opened(home: Path) -> Workspace:
    return at(open_workspace(load_settings({"home": home}), create=False), NOW)


def request(source: str = EFFECT, /, **more: object) -> TrainRequest:
    return TrainRequest(source, "ada", **{"task": TASK, **more})  # type: ignore[arg-type]


def trained(workspace: Workspace, source: str = EFFECT, /, **more: object) -> Trained:
    (one,) = train(workspace, request(source, **more)).trained
    return one


def of_direction(one: Trained) -> DirectionEvidence:
    assert isinstance(one.skill, DirectionEvidence)
    return one.skill


def of_value(one: Trained) -> ValueEvidence:
    assert isinstance(one.skill, ValueEvidence)
    return one.skill


@dataclasses.dataclass(frozen=True)
class Learned:
    """A home in which two models were trained: first of the noise, then of the effect."""

    root: Path
    noise: Trained
    effect: Trained

    @property
    def workspace(self) -> Workspace:
        return opened(self.root)


def _learned(root: Path) -> Learned:
    workspace = opened(root)
    made = Learned(root, trained(workspace, NOISE), trained(workspace))
    use_own_steps({})
    return made


def _built(folder: Path) -> Path:
    workspace = open_frozen(folder / "home", NOW)
    rows = drifting(BARS, seed=12)
    for symbol, made in {EFFECT: rows, NOISE: hourly(BARS, seed=5), FLAT: flat(1_000), SHORT: hourly(150)}.items():
        bring_in(workspace, write_csv(folder / f"{symbol}.csv", made), symbol, recorded_at=NOW)
    build(workspace)
    own_files(workspace.home.root, rows)
    return workspace.home.root
