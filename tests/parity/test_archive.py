"""S: history from Binance's archive of files and its futures, fetched over real sockets from the sandbox."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import assay as package
from assay.domain.clock import FrozenClock
from assay.lake import bronze
from assay.venues.registry import find_spec
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.server import Running, running
from tests.parity.conftest import assay, done
from tests.unit.venues.sandbox.reading import at

APRIL = ("LTC", "--interval", "15m", "--since", "2024-04", "--until", "2024-05")
_FIELDS = (
    "open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "num_trades",
    "taker_buy_volume", "taker_buy_quote_volume",
)  # fmt: skip


@pytest.fixture(scope="module")
def there() -> Iterator[Running]:
    with running(Exchange(Market(12), FrozenClock(at(2024, 6, 2)), elapsed=time.monotonic)) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _in_the_sandbox(there: Running, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("binance", "binance_usdm", "binance_archive", "wazirx"):
        monkeypatch.setenv(f"ASSAY_VENUES__{name.upper()}__BASE_URL", there.base_urls[name])
    monkeypatch.setenv("ASSAY_INGEST__LIMITS_DIR", str(tmp_path_factory.getbasetemp() / "limits"))


def klines(home: Path, *endpoints: str) -> pl.DataFrame:
    """Return the bars of the batches that came from the endpoints, or of all."""
    paths = [*(home / "bronze" / "klines").glob("venue=binance/*/*.parquet")]
    chosen = [path for path in paths if not endpoints or bronze.read_header(path).endpoint in endpoints]
    return pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in chosen]).sort("open_time")


def test_S04_klines_of_futures_of_every_interval(tmp_path: Path) -> None:
    codes = [interval.code for interval, _ in find_spec("binance_usdm").intervals]
    assert len(codes) == 15
    for since, chosen in (("2023-01-01", ("3d", "1w", "1M")), ("2024-05-30", [*codes[:-3]])):
        words = ("--symbols", "LTCUSDT", "--intervals", ",".join(chosen), "--since", since, "--until", "2024-06-02")
        assert done(tmp_path, "ingest", "binance_usdm:klines", *words)["outcome"] == "complete"
    found = klines(tmp_path)
    assert set(found["market"]) == {"usdm"}
    assert set(found["interval"]) == set(codes)
    assert found.select(_FIELDS).null_count().row(0) == (0,) * len(_FIELDS)


def test_S05_files_of_the_archive_hold_what_the_exchange_answers(tmp_path: Path) -> None:
    archive, exchange = tmp_path / "archive", tmp_path / "exchange"
    told = done(archive, "backfill", *APRIL)
    assert told["is_proven"] is True
    done(exchange, "backfill", *APRIL, "--no-archive")
    files = klines(archive, "archive_spot_monthly")
    assert files.height == 30 * 96
    assert files.select(_FIELDS).equals(klines(exchange).select(_FIELDS).unique("open_time").sort("open_time"))
    [path] = [
        one
        for one in (archive / "bronze" / "klines").glob("venue=binance/*/*.parquet")
        if bronze.read_header(one).endpoint == "archive_spot_monthly"
    ]
    header = bronze.read_header(path)
    assert header.parameters["sha256"] == header.body_sha256
    assert bronze.read_body(archive / "bronze", header)[:2] == b"PK"


def test_S11_backfill_proves_every_bar_and_asks_nothing_twice(tmp_path: Path) -> None:
    first = done(tmp_path, "backfill", *APRIL)
    [proof] = [one for venue in first["venues"] for one in venue["series"]]
    assert (proof["held"], proof["expected"], proof["missing"]) == (2_880, 2_880, [])
    again = done(tmp_path, "backfill", *APRIL)
    assert sum(one["requests"] for one in again["venues"]) == 0
    text = assay(tmp_path, "backfill", *APRIL).out
    assert "binance:spot:LTC-USDT:15m, 2024-04-01 00:00 to 2024-05-01 00:00 UTC: 2,880 of 2,880 bars are there" in text


def test_S11_a_hole_that_is_not_proven_is_said_and_shows_in_the_exit_code(tmp_path: Path) -> None:
    # Listed on the 19th: one answer without the days before tells the cause, and proves little.
    answer = assay(tmp_path, "backfill", "APT", "--interval", "1d", "--since", "2022-10-01", "--until", "2022-11")
    assert answer.code == 1
    assert "18  not listed  answers that begin earlier begin with the bar of 2022-10-19 00:00 UTC" in answer.out
    assert "18 bars neither there nor proven not to be" in answer.err
    for words in (("KITE2",), ("BTC", "--market", "margin"), ("BTC", "--venue", "nowhere"), ("BTC", "--since", "soon")):
        refused = assay(tmp_path, "backfill", *words)
        assert refused.code != 0
        assert refused.err.count("\n") == 1


def test_S10_what_the_lake_lacks_is_fetched_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    start, end = "2024-05-30", "2024-06-01"
    frame = package.get_klines("ETHUSDT", "1h", start=start, end=end, fetch=True)
    assert frame.height == 48
    assert frame.equals(package.get_klines("ETHUSDT", "1h", start=start, end=end))
    words = ("klines", "ETH-USD", "--since", "2024-05-30", "--until", "2024-06-01", "--fetch")
    told = done(tmp_path, *words)
    assert (told["series"], told["is_stand_in"], told["bars"]) == ("binance:spot:ETH-USDT:1h", True, 48)
    refused = assay(tmp_path, "klines", "XYZ-INR", "--fetch", "--since", "2024-05-20")
    assert refused.code != 0
    assert refused.err.count("\n") == 1
