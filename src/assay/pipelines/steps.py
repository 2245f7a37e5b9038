"""Steps over the lake: closed bars in, tables of indicators out, going on from saved states."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from assay.domain.instrument import SeriesId
from assay.domain.interval import EPOCH, Interval
from assay.features.bars import Bars
from assay.features.compile import use_cache_dir
from assay.features.sets import DIRECTION, RETURNS_AND_RISK, TECHNICAL, FeatureRun, FeatureSet, SetState
from assay.lake import feature_tables
from assay.lake.definitions import asset_identities
from assay.lake.feature_tables import Computed, FeatureTable, Resumption
from assay.lake.identities import spans_of_bars, stated_segments
from assay.lake.manifest import has_table
from assay.lake.zones import Zone
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_ROWS_AT_ONCE = 500_000
_FEW_BARS = 24
_STRIDE = 128


@dataclass(frozen=True, slots=True)
class StepTable:
    """A table of the lake that a feature set fills, a row for each closed bar.

    Attributes
    ----------
    name : str
        ``schema.table``.
    feature_set : FeatureSet
    shortest, longest : str
        Codes of intervals: series of bars from the one to the other are in the table. Empty for no bound.
    """

    name: str
    feature_set: FeatureSet
    shortest: str = ""
    longest: str = ""

    def covers(self, interval: str) -> bool:
        """Whether series of bars of this length are in the table."""
        bar = Interval.parse(interval)
        if not (self.shortest or self.longest):
            return True
        if bar.is_calendar:
            return False
        return (not self.shortest or bar.microseconds >= Interval.parse(self.shortest).microseconds) and (
            not self.longest or bar.microseconds <= Interval.parse(self.longest).microseconds
        )


INDICATORS = StepTable("silver.technical_indicators", TECHNICAL)
# Risk over months of days: a minute has no say in it, and a week is longer than the days that it is made of.
RISK = StepTable("silver.returns_and_risk", RETURNS_AND_RISK, shortest="1h", longest="1d")
TABLES = (INDICATORS, RISK)
"""Every table that Steps fill."""
TABLE = INDICATORS.name


def identity(feature_set: FeatureSet = TECHNICAL) -> str:
    """Return the text that names a feature set's computation: ``name/version#hash``."""
    return f"{feature_set.name}/{feature_set.version}#{feature_set.hash}"


def definitions() -> str:
    """Return the text that changes when a table of Steps has to be made anew."""
    # What a ticker meant when is no part of an indicator, and yet decides which bars it goes over.
    stated = hashlib.sha256(asset_identities().encode()).hexdigest()[:12]
    return " ".join([*(identity(table.feature_set) for table in TABLES), f"assets#{stated}"])


def refresh(
    workspace: Workspace, lake: duckdb.DuckDBPyConnection, zones: Sequence[Zone], *, everything: bool = False
) -> int:
    """Bring the tables of Steps up to the bars in the zones; return how many rows were written."""
    use_cache_dir(workspace.home.cache / "numba")
    return sum(_refresh(lake, one, zones, everything=everything) for one in TABLES)


def _refresh(lake: duckdb.DuckDBPyConnection, one: StepTable, zones: Sequence[Zone], *, everything: bool) -> int:
    zones = [zone for zone in zones if one.covers(zone.key[3])]
    if not (zones or everything) and has_table(lake, one.name):
        return 0
    table = FeatureTable(one.name, one.feature_set.columns, identity(one.feature_set))
    wanted = feature_tables.resumptions(lake, zones, table.feature_set)
    if everything:
        wanted = [Resumption(each.key, EPOCH, None) for each in wanted]
    # What is computed is written meanwhile; the bars are those that were there before.
    with lake.cursor() as reading:
        reading.execute("SET TimeZone = 'UTC'")  # cursors do not inherit it
        computed = _computed(reading, one.feature_set, wanted)
        return feature_tables.write_features(lake, table, wanted, computed, everything=everything)


def prepare(workspace: Workspace) -> None:
    """Compile what a refresh and a model run, so that it is in the home's cache for the next process."""
    use_cache_dir(workspace.home.cache / "numba")
    hours = np.arange(_FEW_BARS) * 3_600_000_000
    prices = np.linspace(1.0, 2.0, _FEW_BARS)
    bars = Bars(hours, hours + hours[1], prices, prices, prices, prices, prices)
    for table in TABLES:
        table.feature_set.run(bars, None, checkpoint_at=[_FEW_BARS - 1])
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


def data_version_of(bars: Bars) -> str:
    """Return 16 hexadecimal digits of some bars."""
    digest = hashlib.sha256(bars.open_time.tobytes() + bars.close_time.tobytes())
    for column in bars.columns:
        digest.update(column.tobytes())
    return digest.hexdigest()[:16]


def rows_of(workspace: Workspace, table: StepTable, klines: pl.DataFrame, *, ticker: str) -> pl.DataFrame:
    """Return what `table` holds for the closed bars of one series, without the key columns.

    `ticker` is that of the series' base; the indicators begin anew with each asset that it meant.
    """
    use_cache_dir(workspace.home.cache / "numba")
    chosen = table.feature_set
    parts = [klines[span.rows] for span in spans_of_bars(klines, stated_segments(ticker))]
    matrix = np.concatenate([chosen.run(bars_of(part)).matrix for part in parts])
    return _frame(klines, matrix, chosen.columns).with_columns(pl.lit(identity(chosen)).alias("feature_set"))


def _frame(
    klines: pl.DataFrame, matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]], columns: Sequence[str]
) -> pl.DataFrame:
    # All columns in one go: one by one takes Polars ten times as long as the computation did.
    outputs = pl.DataFrame({name: matrix[:, i] for i, name in enumerate(columns)})
    return klines.select("open_time").hstack(outputs.with_columns(pl.all().fill_nan(None)))


def _computed(
    lake: duckdb.DuckDBPyConnection, feature_set: FeatureSet, wanted: Sequence[Resumption]
) -> Iterator[Computed]:
    """Yield the outputs of all series span by span, so that memory does not grow with the history."""
    going_on = {one.key: (one.after, None if one.state is None else SetState.restore(one.state)) for one in wanted}
    for until in feature_tables.ends_of_spans(lake, wanted, _ROWS_AT_ONCE):
        at = [Resumption(key, after, None) for key, (after, _) in going_on.items() if until is None or after < until]
        for key, klines in feature_tables.bars_after(lake, at, until=until).items():
            kept = _rows_to_keep(klines, Interval.parse(key[3]), is_newest=until is None)
            run = _run(feature_set, klines, *going_on[key], ticker=SeriesId.of(*key).symbol.base, kept=kept)
            going_on[key] = klines["open_time"][-1], run.state
            moments = klines["open_time"].gather(kept).to_list()
            states = {moment: state.save() for moment, state in zip(moments, run.checkpoints, strict=True)}
            yield Computed(key, _frame(klines, run.matrix, feature_set.columns), states)


def _run(
    feature_set: FeatureSet,
    klines: pl.DataFrame,
    after: datetime,
    state: SetState | None,
    *,
    ticker: str,
    kept: Sequence[int],
) -> FeatureRun:
    """Run the set over the bars of a series that follow the bar at `after`, anew for each asset that its ticker meant.

    An average of the prices of two assets is a price of none.
    """
    segments = stated_segments(ticker)
    if any(after < one.valid_from < klines["close_time"][0] for one in segments[1:]):
        state = None
    runs: list[FeatureRun] = []
    for span in spans_of_bars(klines, segments):
        rows = span.rows
        at = [row - rows.start for row in kept if rows.start <= row < rows.stop]
        runs.append(feature_set.run(bars_of(klines[rows]), None if rows.start else state, checkpoint_at=at))
    if len(runs) == 1:
        return runs[0]
    checkpoints = tuple(one for run in runs for one in run.checkpoints)
    return FeatureRun(np.concatenate([run.matrix for run in runs]), runs[-1].state, checkpoints)


def _rows_to_keep(klines: pl.DataFrame, interval: Interval, *, is_newest: bool = True) -> list[int]:
    """Return the last row of every month, the last row of all, and that of the last two strides before it.

    The newest bars are those that come again, a few of them in every refresh of a series that is followed; where more
    bars follow in another span, no strides are kept.
    """
    opened = klines["open_time"]
    month = opened.dt.truncate("1mo")
    last = (month != month.shift(-1)).fill_null(value=True).arg_true().to_list()
    stride = opened.dt.epoch("us") // (interval.duration // timedelta(microseconds=1) * _STRIDE)
    strides = (stride != stride.shift(-1)).fill_null(value=False).arg_true().to_list()[-2:]
    return sorted({*last, *(strides if is_newest else ())})
