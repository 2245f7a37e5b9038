"""Steps over the lake: closed bars in, tables of indicators out, going on from saved states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from assay.domain.interval import EPOCH, Interval
from assay.features.bars import Bars
from assay.features.compile import use_cache_dir
from assay.features.sets import DIRECTION, TECHNICAL, FeatureSet, SetState
from assay.lake import feature_tables
from assay.lake.feature_tables import Computed, FeatureTable, Resumption
from assay.lake.zones import Zone
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

TABLE = "silver.technical_indicators"
_SERIES_AT_ONCE = 32
_FEW_BARS = 24
_STRIDE = 128


def identity(feature_set: FeatureSet = TECHNICAL) -> str:
    """Return the text that names a feature set's computation: ``name/version#hash``."""
    return f"{feature_set.name}/{feature_set.version}#{feature_set.hash}"


def refresh(
    workspace: Workspace, lake: duckdb.DuckDBPyConnection, zones: Sequence[Zone], *, everything: bool = False
) -> int:
    """Bring ``silver.technical_indicators`` up to the bars in the zones; return how many rows were written."""
    use_cache_dir(workspace.home.cache / "numba")
    table = FeatureTable(TABLE, TECHNICAL.columns, identity())
    wanted = feature_tables.resumptions(lake, zones, table.feature_set)
    if everything:
        wanted = [Resumption(one.key, EPOCH, None) for one in wanted]
    return feature_tables.write_features(lake, table, wanted, _computed(lake, wanted), everything=everything)


def prepare(workspace: Workspace) -> None:
    """Compile what a refresh and a model run, so that it is in the home's cache for the next process."""
    use_cache_dir(workspace.home.cache / "numba")
    hours = np.arange(_FEW_BARS) * 3_600_000_000
    prices = np.linspace(1.0, 2.0, _FEW_BARS)
    bars = Bars(hours, hours + hours[1], prices, prices, prices, prices, prices)
    TECHNICAL.run(bars, None, checkpoint_at=[_FEW_BARS - 1])
    DIRECTION.run(bars)


def bars_of(klines: pl.DataFrame) -> Bars:
    """Return closed bars as the Steps take them, from a frame with the columns of the cleaned table."""

    def values(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return klines[name].cast(pl.Float64).to_numpy()

    return Bars(
        open_time=klines["open_time"].dt.epoch("us").to_numpy(),
        close_time=klines["close_time"].dt.epoch("us").to_numpy(),
        open=values("open"),
        high=values("high"),
        low=values("low"),
        close=values("close"),
        volume=values("volume"),
        quote_volume=values("quote_volume"),
        taker_buy_volume=values("taker_buy_volume"),
        num_trades=values("num_trades"),
    )


def technical_indicators(workspace: Workspace, klines: pl.DataFrame) -> pl.DataFrame:
    """Return what ``silver.technical_indicators`` holds for the closed bars of one series, without the key columns."""
    use_cache_dir(workspace.home.cache / "numba")
    matrix = TECHNICAL.run(bars_of(klines)).matrix
    return _frame(klines, matrix, TECHNICAL.columns).with_columns(pl.lit(identity()).alias("feature_set"))


def _frame(
    klines: pl.DataFrame, matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]], columns: Sequence[str]
) -> pl.DataFrame:
    outputs = [pl.Series(name, matrix[:, i]).fill_nan(None) for i, name in enumerate(columns)]
    return klines.select("open_time").with_columns(outputs)


def _computed(lake: duckdb.DuckDBPyConnection, wanted: Sequence[Resumption]) -> Iterator[Computed]:
    for start in range(0, len(wanted), _SERIES_AT_ONCE):
        group = wanted[start : start + _SERIES_AT_ONCE]
        klines = feature_tables.bars_after(lake, group)
        for one in group:
            if one.key in klines:
                yield _compute(one, klines[one.key])


def _compute(one: Resumption, klines: pl.DataFrame) -> Computed:
    state = None if one.state is None else SetState.restore(one.state)
    kept = _rows_to_keep(klines, Interval.parse(one.key[3]))
    run = TECHNICAL.run(bars_of(klines), state, checkpoint_at=kept)
    moments = klines["open_time"].gather(kept).to_list()
    states = {moment: state.save() for moment, state in zip(moments, run.checkpoints, strict=True)}
    return Computed(one.key, _frame(klines, run.matrix, TECHNICAL.columns), states)


def _rows_to_keep(klines: pl.DataFrame, interval: Interval) -> list[int]:
    """Return the last row of every month, the last row of all, and that of the last two strides before it.

    The newest bars are those that come again, a few of them in every refresh of a series that is followed.
    """
    opened = klines["open_time"]
    month = opened.dt.truncate("1mo")
    last = (month != month.shift(-1)).fill_null(value=True)
    stride = opened.dt.epoch("us") // (interval.duration // timedelta(microseconds=1) * _STRIDE)
    strides = (stride != stride.shift(-1)).fill_null(value=False).arg_true().to_list()[-2:]
    return sorted({*last.arg_true().to_list(), *strides})
