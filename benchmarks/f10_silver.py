"""F10: what the definitions of silver cost against SQL that somebody writes by hand for this one case.

Ten million one-minute rows of 20 symbols, one bar in a hundred seen twice, in the shape of ``silver.kline_revisions``.
Assay renders its definition of ``silver.crypto_prices_cleaned`` and writes a table of the lake. The peer is plain
DuckDB on the same Parquet file with the same threads and memory. It makes use of what is known about these rows (no
bar has more than two copies, the more complete one counts, all are finished), writes the same rows and columns to a
Parquet file, and has to give the same result before anything is measured.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from assay.domain.clock import FrozenClock
from assay.lake.catalog import CATALOG, connect, install_extensions, quote
from assay.lake.home import open_home
from assay.lake.reads import cleaned_sql
from assay.pipelines.building import build
from assay.pipelines.workspace import open_workspace
from assay.settings import Settings
from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.lakes import Stage, bring_in
from benchmarks.made_bars import SYMBOLS, walk, with_unfinished_copies

GOAL = 1.5
_ROUNDS = 5
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_NOW = datetime(2025, 6, 1, tzinfo=UTC)
_ORDER = "order by date_trunc('month', open_time), venue, market, symbol, interval, open_time"
_LAKE = Settings(home=Path()).lake

_BY_HAND = """
with bars as (
    select *, count(*) over one_bar as revision
    from observations
    window one_bar as (partition by venue, market, symbol, interval, open_time)
    qualify row_number() over (one_bar order by volume desc, num_trades desc) = 1
),
followed as (
    select
        *,
        lag(close) over one_series as previous_close,
        coalesce(epoch_us(open_time) - epoch_us(lag(close_time) over one_series), 0) as hole_us
    from bars
    window one_series as (partition by venue, market, symbol, interval order by open_time)
),
returned as (
    select
        *,
        case when hole_us = 0 then ln(close / previous_close) end as log_return,
        case when hole_us = 0 then 100 * (close / previous_close - 1) end as price_change_pct
    from followed
)
select
    venue, market, symbol, interval, open_time, close_time, open, high, low, close, volume, quote_volume, num_trades,
    taker_buy_volume, taker_buy_quote_volume, known_at, available_at, revision::integer as revision,
    true as is_closed, hole_us > 0 as is_gap_before, hole_us // 60000000 as missing_bars_before,
    coalesce(
        abs(log_return) > 10 * quantile_disc(nullif(abs(log_return), 0), 0.5) over window_before
        and count(nullif(log_return, 0)) over window_before >= 24,
        false
    ) as is_outlier,
    log_return, price_change_pct
from returned
window window_before as (
    partition by venue, market, symbol, interval order by open_time rows between 168 preceding and 1 preceding
)
"""


def run(stage: Stage) -> Iterator[Figure]:
    """Measure the definition against SQL by hand, and the whole build of such rows once beside it."""
    bars_per_symbol = (1_000_000 if stage.is_quick else 10_000_000) // 101 * 100 // len(SYMBOLS)
    folder = stage.scratch / "f10"
    folder.mkdir()
    count, source = _observations(folder, bars_per_symbol)
    ours = Contender("definitions of Assay → DuckLake", lambda: _by_definition(folder / "home", source))
    theirs = Contender("SQL by hand → Parquet, DuckDB", lambda: _by_hand(folder, source), duckdb.__version__)
    check_same(folder, source)
    times = race([ours, theirs], rounds=_ROUNDS, warmup=0)
    work = f"silver of {count:,} one-minute rows"
    yield Figure.of_ratio("F10", work, times, subject=ours, peer=theirs, goal=GOAL)
    shutil.rmtree(folder)
    whole = _WholeBuild(folder, bars_per_symbol)
    build_ = Contender("assay build", whole.measure)
    once = race([build_], rounds=1, warmup=0)
    parts = {"whole build of the same rows": once} | {
        f"of which {phase}": {build_.name: [seconds]} for phase, seconds in whole.phases.items()
    }
    for part, seconds in parts.items():
        yield Figure.of_seconds("F10", part, seconds, subject=build_, peer=None, goal=None)


def check_same(folder: Path, source: str) -> None:
    """Raise AssertionError unless both ways give the same rows."""
    _by_hand(folder, source)
    by_hand = f"read_parquet({quote(str(folder / 'by_hand.parquet'))})"
    _by_definition(folder / "home", source, then=lambda lake: _compare(lake, f"{CATALOG}.main.cleaned", by_hand))


def _compare(lake: duckdb.DuckDBPyConnection, one: str, other: str) -> None:
    columns = ", ".join(row[0] for row in lake.execute(f"describe {one}").fetchall())
    # A set difference of ten million rows does not fit into the memory that a build has; a sum of hashes does.
    found = [
        lake.execute(f"select count(*), sum(hash({columns})::hugeint) from {relation}").fetchall()
        for relation in (one, other)
    ]
    assert found[0] == found[1], f"the two ways differ: {found}"


def _by_definition(
    home: Path, source: str, *, then: Callable[[duckdb.DuckDBPyConnection], None] = lambda _: None
) -> float:
    """Build the table in a new lake, which is removed afterwards, and return the seconds."""
    opened = open_home(home)
    install_extensions(opened)

    def work() -> None:
        with connect(opened, threads=_LAKE.threads, memory_limit=_LAKE.memory_limit) as lake:
            lake.execute(f"create temporary view observations as {source}")
            lake.execute(f"create table {CATALOG}.main.cleaned as {cleaned_sql('observations')} {_ORDER}")

    seconds = timed(work)()
    with connect(opened) as lake:
        then(lake)
    shutil.rmtree(home)
    return seconds


def _by_hand(folder: Path, source: str) -> float:
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": _LAKE.threads, "memory_limit": _LAKE.memory_limit, "temp_directory": str(folder / "spill"),
    }  # fmt: skip
    target = quote(str(folder / "by_hand.parquet"))

    def work() -> None:
        with contextlib.closing(duckdb.connect(config=config)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"create temporary view observations as {source}")
            connection.execute(f"copy ({_BY_HAND} {_ORDER}) to {target} (format parquet)")

    return timed(work)()


def _observations(folder: Path, bars_per_symbol: int) -> tuple[int, str]:
    """Write the rows that ``silver.kline_revisions`` would hold; return how many, and SQL that reads them."""
    count = 0
    known_at = pl.lit(_NOW).cast(pl.Datetime("us", "UTC"))
    for number, symbol in enumerate(SYMBOLS):
        bars = _recording(bars_per_symbol, number)
        count += bars.height
        bars.select(
            pl.lit("binance").alias("venue"), pl.lit("spot").alias("market"), pl.lit(symbol).alias("symbol"),
            pl.lit("1m").alias("interval"), "open_time", (pl.col("open_time") + _MINUTE).alias("close_time"),
            pl.exclude("open_time"), known_at.alias("known_at"), known_at.alias("recorded_at"),
            (pl.col("open_time") + _MINUTE).alias("available_at"), pl.lit(value=False).alias("is_provisional"),
            pl.lit(f"{number:032x}").alias("batch_id"), pl.int_range(1, pl.len() + 1).alias("row_number"),
        ).write_parquet(folder / f"{symbol}.parquet")  # fmt: skip
    return count, f"select * from read_parquet({quote(str(folder / 'S*.parquet'))})"


def _recording(count: int, number: int) -> pl.DataFrame:
    """Return bars with copies and with two holes, one of them longer than the window of the outlier rule."""
    bars = walk(count, seed=number, first=_FIRST, bar=_MINUTE)
    bars = pl.concat([bars[: count // 3], bars[count // 3 + 1 : count // 2], bars[count // 2 + 801 :]])
    return with_unfinished_copies(bars, fraction=0.01, seed=number)


@dataclass
class _WholeBuild:
    """The first build of a home into which the same rows were imported."""

    folder: Path
    bars_per_symbol: int
    phases: dict[str, float] = field(default_factory=dict)

    def measure(self) -> float:
        workspace = open_workspace(Settings(home=self.folder / "whole"), clock=FrozenClock(_NOW))
        for number, symbol in enumerate(SYMBOLS):
            file = self.folder / "recordings" / f"{symbol}.parquet"
            bring_in(workspace, file, _recording(self.bars_per_symbol, number), symbol=symbol, interval="1m")
        self.phases = build(workspace).seconds
        return sum(self.phases.values())
