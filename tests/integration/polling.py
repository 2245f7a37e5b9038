"""Answers of the simulated venues as batches of bronze, slot by slot, without a socket and without the command."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from assay.domain.clock import FrozenClock
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake import bronze
from assay.venues import datasets, requests
from assay.venues.parsed import Parsed
from assay.venues.registry import find_venue
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.market import Market
from assay.venues.spec import Request

MARKET = Market(12)
BINANCE, WAZIRX, COINGECKO = (find_venue(name).spec for name in ("binance", "wazirx", "coingecko"))
BTC = Symbol("BTC", "USDT")
DOLLARS, RUPEES = (requests.coin_markets_request(COINGECKO, quote=quote) for quote in ("usd", "inr"))
TICKERS, RUPEE_TICKERS = requests.tickers_request(BINANCE), requests.tickers_request(WAZIRX)
BOOK = requests.depth_request(BINANCE, BTC, limit=5)
INSTRUMENTS = requests.instruments_request(BINANCE)
QUESTIONS = (DOLLARS, RUPEES, TICKERS, RUPEE_TICKERS, BOOK)
"""What is asked in every slot, a second apart."""
Change = Callable[[bytes], bytes]


@dataclass
class Poller:
    """Asks at moments that the test chooses, and keeps what came in bronze.

    `asked` holds each answer as its venue's parser reads it, by batch.
    """

    root: Path
    exchange: Exchange = field(init=False)
    asked: dict[str, Parsed] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self._clock = FrozenClock(datetime(2024, 1, 1, tzinfo=UTC))
        self.exchange = Exchange(MARKET, self._clock, elapsed=self._elapsed)

    def _elapsed(self) -> float:
        self.seconds += 60.0  # no limit is ever reached
        return self.seconds

    def keep(
        self, request: Request, *, at: datetime, slot: datetime | None = None, change: Change | None = None
    ) -> bronze.BatchHeader:
        """Ask at a moment, let `change` meddle with the answer, and write the batch; return its header."""
        self._clock.moment = at
        answer = self.exchange.answer(self.exchange.prefixes[request.venue] + request.path, dict(request.params))
        assert answer.status == 200, answer.body
        body = change(answer.body) if change else answer.body
        parsed = find_venue(request.venue).handlers[request.endpoint](body, request, asked_at=at)
        header = _header(request, parsed, body=body, known_at=at, slot=slot.isoformat() if slot else "")
        known_at = pl.lit(at).cast(datasets.MOMENT)
        place = (
            pl.lit(header.venue).alias("venue"), pl.lit(header.batch_id).alias("batch_id"), known_at.alias("known_at")
        )  # fmt: skip
        left_out = parsed.rejected.select(pl.col("position") + 1, "cause", "raw").rename({"position": "row_number"})
        bronze.write_batch(
            self.root,
            header,
            body=body,
            rows=_rows(request, header, parsed).with_columns(*place),
            quarantined=left_out.with_columns(*place),
        )
        self.asked[header.batch_id] = parsed
        return header

    def poll(self, slot: datetime, *, late_s: int = 2) -> list[bronze.BatchHeader]:
        """Ask everything that is asked in one slot, one question a second; return the batches."""
        return [
            self.keep(request, at=slot + timedelta(seconds=late_s + number), slot=slot)
            for number, request in enumerate(QUESTIONS)
        ]

    def klines(self, start: datetime, end: datetime, *, at: datetime) -> bronze.BatchHeader:
        """Ask for hours of bitcoin."""
        return self.keep(requests.klines_request(BINANCE, BTC, interval=Interval("1h"), start=start, end=end), at=at)


def keep_poison(root: Path, request: Request, *, at: datetime, cause: str, body: bytes) -> bronze.BatchHeader:
    """Write a page that nobody can read."""
    parameters = dict(request.params)
    sha256 = hashlib.sha256(body).hexdigest()
    identity = bronze.batch_id(request.venue, request.endpoint, parameters, slot="", body_sha256=sha256)
    header = bronze.BatchHeader(
        identity, bronze.POISON, request.venue, request.endpoint, parameters, at, sha256, "json", {"quarantined": 1}, ()
    )
    row = {"batch_id": identity, "venue": request.venue, "known_at": at}
    named = {"endpoint": request.endpoint, "parameters": json.dumps(parameters), "cause": cause}
    shown = {"row_number": 0, "cause": cause, "raw": body[:2_000].decode(errors="replace")}
    bronze.write_batch(
        root, header, body=body, rows=pl.DataFrame([row | named]), quarantined=pl.DataFrame([row | shown])
    )
    return header


def _header(request: Request, parsed: Parsed, *, body: bytes, known_at: datetime, slot: str) -> bronze.BatchHeader:
    spec = find_venue(request.venue).spec
    dataset = spec.endpoint(request.endpoint).dataset
    sha256 = hashlib.sha256(body).hexdigest()
    parameters = dict(request.params)
    is_klines = dataset == datasets.KLINES
    usable = parsed.rows.filter(pl.col("defect").is_null()) if is_klines else parsed.rows
    counts: Mapping[str, int] = {
        "rows_read": parsed.received, "accepted": usable.height, "quarantined": parsed.rejected.height,
    }  # fmt: skip
    return bronze.BatchHeader(
        batch_id=bronze.batch_id(request.venue, request.endpoint, parameters, slot=slot, body_sha256=sha256),
        dataset=dataset,
        venue=request.venue,
        endpoint=request.endpoint,
        parameters=parameters,
        known_at=known_at,
        body_sha256=sha256,
        content_format="json",
        counts=counts,
        ranges=bronze.ranges_of(usable.with_columns(*_series(request))) if is_klines else (),
        slot=slot,
    )


def _series(request: Request) -> list[pl.Expr]:
    spec = find_venue(request.venue).spec
    symbol = spec.symbols.to_symbol(request.param("symbol") or "")
    interval = spec.interval(request.param("interval") or "")
    named = {"market": "spot", "symbol": str(symbol), "interval": interval.code}
    return [pl.lit(value).alias(name) for name, value in named.items()]


def _rows(request: Request, header: bronze.BatchHeader, parsed: Parsed) -> pl.DataFrame:
    known_at = pl.lit(header.known_at).cast(datasets.MOMENT)
    rows = parsed.rows.with_row_index("row_number", offset=1).cast({"row_number": pl.Int64()})
    market = pl.lit("spot").alias("market")
    if header.dataset == datasets.KLINES:
        return rows.with_columns(
            *_series(request), known_at.alias("recorded_at"), pl.col("close_time").alias("available_at")
        )
    rows = rows.with_columns(known_at.alias("available_at"))
    if header.dataset == datasets.ORDER_BOOKS:
        symbol = find_venue(request.venue).spec.symbols.to_symbol(request.param("symbol") or "")
        limit = pl.lit(int(request.param("limit") or 0), dtype=pl.Int64)
        name = pl.lit(request.param("symbol")).alias("venue_symbol")
        return rows.with_columns(market, pl.lit(str(symbol)).alias("symbol"), name, limit.alias("depth_limit"))
    return rows if header.dataset == datasets.COIN_MARKETS else rows.with_columns(market)
