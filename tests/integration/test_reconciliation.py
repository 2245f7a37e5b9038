"""Three years of real BTC-USDT from two sources, with errors planted in one: each flagged, none in the consensus.

The sources are Binance's spot market and its perpetual future, which are two markets with prices of their own: the
future stands in for spot, without its premium.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from assay.measures import reconciliation_terms as terms
from assay.measures.reconciliation import Reconciled, reconcile
from assay.pipelines.reconciling import compiled_loop
from tests.integration.homes import KERNELS

KLINES = Path(__file__).parents[3] / "shared" / "data" / "klines"
pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not KLINES.is_dir(), reason="the real recordings are not beside this repository"),
]
SPOT, PERPETUAL = 0, 1
NAMES = ("open", "high", "low", "close", "volume")
NOISE_BPS = 10.0
"""What the two differ by in 99 of 100 hours."""
SHIFTS = {"an hour late": -1, "an hour early": 1, "a day late": -24, "a day early": 24}
KINDS = (
    "half a percent", "spike", "spike of the close", "frozen", *SHIFTS, "times ten", "by a hundred", "high below low",
    "sign", "volume", "missing",
)  # fmt: skip
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Market:
    """Both sources, shape (n_bars, 5, 2), the days of the bars, and what is said of them as they are."""

    bars: Floats
    day: NDArray[np.int64]
    found: Reconciled
    cache: Path


def spot() -> pl.DataFrame:
    """Return the spot bars, from two recordings one after the other."""
    first = pl.read_parquet(KLINES / "binance_spot_1h_2017_2022" / "BTCUSDT.parquet").select(
        pl.col("Open Time").alias("time"), *(pl.col(name.capitalize()).alias(name) for name in NAMES)
    )
    second = pl.read_parquet(KLINES / "binance_spot_1h_2021_2023" / "BTCUSDT.parquet").select(
        pl.col("date").str.to_datetime(time_unit="ms").dt.epoch("ms").alias("time"), *NAMES
    )
    return pl.concat([first, second.filter(pl.col("time") > first["time"].max())])


def perpetual() -> pl.DataFrame:
    return pl.read_csv(KLINES / "binance_usdm_BTCUSDT_1h_12col_2019_2023.csv.gz").select("time", *NAMES)


def decide(bars: Floats, day: NDArray[np.int64], cache: Path) -> Reconciled:
    return reconcile(bars, day, np.array([False, True]), loop=compiled_loop(cache))


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    sources = [spot(), perpetual()]
    first = max(one["time"].min() for one in sources)  # type: ignore[type-var]  # the columns hold integers
    last = min(one["time"].max() for one in sources)  # type: ignore[type-var]
    times = pl.concat([one.select("time") for one in sources]).unique().sort("time")
    times = times.filter(pl.col("time").is_between(first, last))
    columns = [
        times.join(one, on="time", how="left", maintain_order="left").select(NAMES).to_numpy() for one in sources
    ]
    bars, day = np.stack(columns, axis=2), times["time"].to_numpy() // 86_400_000
    cache = Path(os.environ.get(KERNELS) or tmp_path_factory.mktemp("numba"))
    return Market(bars, day, decide(bars, day, cache), cache)


def spoiled(bars: Floats, source: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return the bars with errors planted in one source, and which kind of error each bar is of, from 1; else 0."""
    rng = np.random.default_rng(seed)
    spoilt, kind_of = bars.copy(), np.zeros(len(bars), dtype=np.int64)
    real = bars[:, :, source]
    kinds = rng.permutation(np.tile(np.arange(len(KINDS)), 50))
    for start, kind in zip(np.linspace(400, len(bars) - 100, kinds.size).astype(int), kinds, strict=True):
        if np.isnan(bars[start - 30 : start + 60]).any():
            continue
        length = int(rng.integers(4, 18)) if KINDS[kind] in SHIFTS else int(rng.integers(2, 8))
        rows = slice(start, start + (length if KINDS[kind] in {*SHIFTS, *LONG} else 1))
        plant(KINDS[kind], spoilt[:, :, source], rows, real, rng)
        kind_of[rows] = kind + 1
    return spoilt, kind_of


LONG = ("frozen", "times ten", "by a hundred", "missing")


def plant(kind: str, bars: Floats, rows: slice, real: Floats, rng: np.random.Generator) -> None:
    """Put one error of a kind into the rows of one source."""
    size = np.exp(rng.choice([-1, 1]) * np.exp(rng.uniform(np.log(0.01), np.log(0.5))))
    if kind in SHIFTS:
        bars[rows] = real[rows.start + SHIFTS[kind] : rows.stop + SHIFTS[kind]]
    elif kind == "spike of the close":
        bars[rows, 3] *= size
        bars[rows, 1], bars[rows, 2] = bars[rows, 1:4].max(axis=1), bars[rows, 2:4].min(axis=1)
    elif kind == "frozen":
        bars[rows, :4] = real[rows.start - 1, 3]
    elif kind == "high below low":
        bars[rows, 1:3] = real[rows, 2:0:-1]
    elif kind == "volume":
        bars[rows, 4] *= 1000
    elif kind == "missing":
        bars[rows] = np.nan
    else:
        half = 1 + 0.005 * rng.choice([-1, 1])
        bars[rows, :4] *= {"half a percent": half, "spike": size, "times ten": 10, "by a hundred": 0.01, "sign": -1}[
            kind
        ]


def test_three_years_of_two_real_sources_are_compared(market: Market) -> None:
    assert (market.day[-1] - market.day[0]) > 3 * 365
    assert (~np.isnan(market.bars[:, 3]).any(axis=1)).sum() > 33_000


def test_real_sources_are_seldom_flagged_as_they_are(market: Market) -> None:
    code = market.found.code
    is_wrong = (code >= terms.MALFORMED) & (code <= terms.PRICE) | (code == terms.VOLUME)
    assert is_wrong.mean(axis=0).max() < 0.0005
    assert (code == terms.DISAGREE).mean(axis=0).max() < 0.002
    assert (code == terms.RECOVERING).mean(axis=0).max() < 0.004
    assert np.isnan(market.found.price[:, 0]).mean() < 0.005


@pytest.mark.parametrize("source", [SPOT, PERPETUAL])
def test_every_planted_error_is_flagged_and_none_is_in_the_consensus(market: Market, source: int) -> None:
    bars, kind_of = spoiled(market.bars, source, seed=1 + source)
    found = decide(bars, market.day, market.cache)
    code, weight = found.code[:, source], found.numbers[:, source, terms.WEIGHT]
    off_bps = 1e4 * np.abs(np.log(np.abs(bars[:, 3, source]) / market.bars[:, 3, source]))
    for number, kind in enumerate(KINDS, start=1):
        of_kind = kind_of == number
        assert of_kind.sum() >= 40, kind
        passed = of_kind & (code == terms.OK)
        if kind in SHIFTS:
            # A bar of another hour whose price happens to be that of this one is no wrong price.
            assert not (passed & (off_bps > NOISE_BPS)).any(), kind
            assert passed.sum() < 0.05 * of_kind.sum(), kind
        else:
            assert not passed.any(), kind
        assert not (of_kind & (weight > 0) & ~passed).any(), kind


def test_consensus_beside_errors_is_that_without_them(market: Market) -> None:
    bars, kind_of = spoiled(market.bars, SPOT, seed=1)
    found = decide(bars, market.day, market.cache)
    apart_bps = 1e4 * np.abs(np.log(found.price[:, 0] / market.found.price[:, 0]))[kind_of > 0]
    assert np.nanquantile(apart_bps, 0.99) < NOISE_BPS
    assert np.nanmax(apart_bps) < 50
    assert np.isnan(apart_bps).mean() < 0.05


def test_good_bars_beside_errors_are_seldom_taken_for_wrong(market: Market) -> None:
    bars, kind_of = spoiled(market.bars, SPOT, seed=1)
    code = decide(bars, market.day, market.cache).code
    good = code[kind_of == 0]
    is_wrong = (good >= terms.MALFORMED) & (good <= terms.PRICE) | (good == terms.VOLUME)
    assert is_wrong.mean(axis=0).max() < 0.001
    assert (good == terms.DISAGREE).mean(axis=0).max() < 0.003
