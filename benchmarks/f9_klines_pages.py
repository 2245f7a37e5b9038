"""F9: pages of klines as Binance sends them, from the bytes to the typed table, and on to a Parquet file.

The peer is what one would write by hand: orjson and Polars, which give the same columns of the same types and check
nothing. Assay's side is the public handler with all its checks. It is shown with the scanner, for those who read many
pages, and without, for the first ones. The tables are equal, to the last bit, before anything is measured.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO

import orjson
import polars as pl

from assay.domain.interval import EPOCH, Interval
from assay.domain.symbol import Symbol
from assay.lake.bronze import BatchHeader, to_parquet
from assay.venues import scan
from assay.venues.datasets import KLINES, SCHEMAS
from assay.venues.registry import find_venue
from assay.venues.requests import klines_request
from benchmarks.harness import Contender, Figure, race, timed
from benchmarks.lakes import Stage

GOAL_OF_TABLE, GOAL_OF_PARQUET = 0.25, 0.5
_ROUNDS, _ROWS = 21, 1_000
_START, _BAR = datetime(2024, 1, 1, tzinfo=UTC), timedelta(minutes=1)
_ASKED_AT = datetime(2024, 3, 15, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_WIRE = (
    "open_time", "open", "high", "low", "close", "volume", "source_close_time", "quote_volume", "num_trades",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip


def run(stage: Stage) -> Iterator[Figure]:
    """Measure the handler without the scanner, with it, and with a Parquet file at the end."""
    pages = list(_pages(4 if stage.is_quick else 100))
    work = f"{len(pages)} pages of {_ROWS:,} klines"
    theirs = Contender("orjson + Polars", timed(lambda: _by_hand(pages)), orjson.__version__)
    reader = Contender("handler, not prepared", timed(lambda: _by_handler(pages)))
    read = _by_handler(pages)
    assert read.equals(_by_hand(pages))
    yield _figure(f"{work} → table", reader, theirs, goal=None)
    scan.prepare()
    assert _by_handler(pages).equals(read)
    scanner = Contender("handler, prepared", timed(lambda: _by_handler(pages)))
    yield _figure(f"{work} → table", scanner, theirs, goal=GOAL_OF_TABLE)
    header = BatchHeader("f9", KLINES, "binance", "klines", {}, _ASKED_AT, "", "json", {}, ())
    assert pl.read_parquet(to_parquet(read, header)).equals(read)
    ours = Contender("handler, prepared, and bronze", timed(lambda: to_parquet(_by_handler(pages), header)))
    theirs = Contender("orjson + Polars", timed(lambda: _written_by_hand(pages)), orjson.__version__)
    yield _figure(f"{work} → zstd Parquet", ours, theirs, goal=GOAL_OF_PARQUET)


def _figure(work: str, ours: Contender, theirs: Contender, *, goal: float | None) -> Figure:
    times = race([ours, theirs], rounds=_ROUNDS, warmup=2)
    return Figure.of_ratio("F9", work, times, subject=ours, peer=theirs, goal=goal)


def _by_handler(pages: Sequence[bytes]) -> pl.DataFrame:
    venue = find_venue("binance")
    handler = venue.handlers["klines"]
    request = klines_request(
        venue.spec, Symbol("BTC", "USDT"), interval=Interval("1m"), start=_START, end=_START + _ROWS * _BAR
    )
    return pl.concat([handler(body, request, asked_at=_ASKED_AT).rows for body in pages])


def _by_hand(pages: Sequence[bytes]) -> pl.DataFrame:
    def moment(name: str) -> pl.Expr:
        return (pl.col(name) * 1_000).cast(pl.Datetime("us", "UTC"))

    floats = [name for name, dtype in SCHEMAS[KLINES].items() if dtype == pl.Float64()]
    tables = []
    for body in pages:
        rows = pl.DataFrame(orjson.loads(body), schema=_WIRE, orient="row")
        closed = moment("open_time") + _BAR
        tables.append(
            rows.select(
                moment("open_time"),
                moment("source_close_time"),
                pl.col(floats).cast(pl.Float64),
                "num_trades",
                close_time=closed,
                is_provisional=closed > _ASKED_AT,
                defect=pl.lit(None, dtype=pl.String),
            ).select(SCHEMAS[KLINES].names())
        )
    return pl.concat(tables)


def _written_by_hand(pages: Sequence[bytes]) -> bytes:
    buffer = BytesIO()
    _by_hand(pages).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _pages(count: int) -> Iterator[bytes]:
    draws = random.Random(9)
    first = (_START - EPOCH) // _MILLISECOND
    bar = _BAR // _MILLISECOND
    for page in range(count):
        opens = range(first + page * _ROWS * bar, first + (page + 1) * _ROWS * bar, bar)
        yield json.dumps(
            [_row(opened, opened + bar - 1, draws.uniform) for opened in opens], separators=(",", ":")
        ).encode()


def _row(opened: int, closes: int, draw: Callable[[float, float], float]) -> list[int | str]:
    price, volume = draw(3e4, 6e4), draw(0, 300)
    prices = (price, price * 1.001, price * 0.999, price * 1.0002, volume)
    bought = volume * draw(0, 1)
    after = (int(draw(1, 5_000)), f"{bought:.8f}", f"{bought * price:.8f}", "0")
    return [opened, *(f"{one:.8f}" for one in prices), closes, f"{volume * price:.8f}", *after]
