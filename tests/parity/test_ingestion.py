"""S: what comes from venues, fetched by `assay ingest` over real sockets from the sandbox."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from assay.domain.clock import FrozenClock
from assay.domain.interval import EPOCH
from assay.lake import bronze
from assay.venues.registry import find_spec
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.server import Running, running
from tests.parity.conftest import assay, done
from tests.unit.venues.sandbox.reading import at

NOW = at(2024, 6, 2)
RANGE = ("--since", "2024-05-01", "--until", "2024-06-01")
FAULTS = (
    Fault(Kind.TOO_MANY, endpoint="klines", calls=(2,), seconds=1.0),
    Fault(Kind.SERVER_ERROR, endpoint="klines", calls=(3,)),
    Fault(Kind.TRUNCATED, endpoint="klines", calls=(5,)),
    Fault(Kind.MALFORMED, venue="binance", endpoint="depth"),
)


def exchange(*faults: Fault) -> Exchange:
    return Exchange(Market(12), FrozenClock(NOW), elapsed=time.monotonic, faults=FaultPlan(3, faults))


@pytest.fixture(scope="module")
def there() -> Iterator[Running]:
    with running(exchange()) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _in_the_sandbox(there: Running, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    _point_at(there, monkeypatch, tmp_path_factory.getbasetemp())


def _point_at(there: Running, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name, url in there.base_urls.items():
        monkeypatch.setenv(f"ASSAY_VENUES__{name.upper()}__BASE_URL", url)
    monkeypatch.setenv("ASSAY_INGEST__LIMITS_DIR", str(folder / "limits"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home that these tests fetch into; what one fetched, another finds."""
    return tmp_path_factory.mktemp("venues") / "home"


def rows(home: Path, dataset: str, venue: str) -> pl.DataFrame:
    paths = sorted((home / "bronze" / dataset / f"venue={venue}").glob("*/*.parquet"))
    return pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in paths])


def body(home: Path, dataset: str, venue: str) -> Any:  # noqa: ANN401  # what JSON holds is known by the test alone
    """The first body of the dataset, as the venue sent it."""
    path = min((home / "bronze" / dataset / f"venue={venue}").glob("*/*.parquet"))
    return json.loads(bronze.read_body(home / "bronze", bronze.read_header(path)))


def test_S01_top_100_by_market_value_in_dollars_and_rupees(home: Path) -> None:
    assert done(home, "ingest", "coingecko")["outcome"] == "complete"
    found = rows(home, "coin_markets", "coingecko")
    assert found["quote"].value_counts().sort("quote").rows() == [("INR", 100), ("USD", 100)]
    dollars = found.filter(pl.col("quote") == "USD").sort("market_cap_rank")
    assert dollars["market_cap"].is_sorted(descending=True)
    wanted = ("price", "market_cap", "total_volume", "price_change_24h_pct", "circulating_supply")
    assert dollars.select(wanted).null_count().row(0) == (0,) * 5
    assert (dollars["all_time_high"] >= dollars["price"]).all()
    assert (dollars["all_time_low"] <= dollars["price"]).all()


def test_S02_tickers_of_all_pairs_with_bid_ask_and_counts(home: Path) -> None:
    done(home, "ingest", "binance:tickers")
    found, told = rows(home, "tickers", "binance"), body(home, "tickers", "binance")
    assert found.height == len(told) > 20
    by_symbol = {one["symbol"]: one for one in told}
    for row in found.rows(named=True):
        wire = by_symbol[row["venue_symbol"]]
        assert (row["bid_price"], row["ask_price"]) == (float(wire["bidPrice"]), float(wire["askPrice"]))
        assert (row["last_price"], row["num_trades"]) == (float(wire["lastPrice"]), wire["count"])


def test_S03_tickers_in_rupees_beside_the_rate_of_the_same_moment(home: Path) -> None:
    done(home, "ingest", "wazirx:tickers", "coingecko")
    tickers = rows(home, "tickers", "wazirx")
    prices = dict(tickers.select("symbol", "last_price").rows())
    coins = rows(home, "coin_markets", "coingecko").filter(pl.col("coin_id") == "bitcoin")
    by_quote = dict(coins.select("quote", "price").rows())
    rate = by_quote["INR"] / by_quote["USD"]
    # The dollar stand-in of the exchange is not the dollar, but near it; so are two markets' prices of one coin.
    assert prices["BTC-INR"] / by_quote["USD"] == pytest.approx(rate, rel=0.1)
    assert prices["USDT-INR"] == pytest.approx(rate, rel=0.1)


def test_S04_klines_of_every_interval_with_all_their_fields(home: Path) -> None:
    """The fields are compared with the text of the body; the twelfth, which Binance says to ignore, is in the body."""
    spec = find_spec("binance")
    codes = [interval.code for interval, _ in spec.intervals]
    assert (codes[0], codes[-1]) == ("1s", "1M")
    for code in codes:
        # Few seconds, and enough of each longer length.
        since = "2024-06-01T23:50:00Z" if code == "1s" else "2023-01-01" if code in ("3d", "1w", "1M") else "2024-05-30"
        words = ("--symbols", "LTCUSDT", "--intervals", code, "--since", since, "--until", "2024-06-02")
        done(home, "ingest", "binance:klines", *words)
    for code in codes:
        paths = sorted((home / "bronze/klines/venue=binance").glob("*/*.parquet"))
        found = [one for one in map(bronze.read_header, paths) if one.parameters.get("symbol") == "LTCUSDT"]
        (bodies, ids) = ([], [])
        for header in found:
            if header.parameters["interval"] == code:
                bodies += json.loads(bronze.read_body(home / "bronze", header))
                ids.append(header.batch_id)
        kept = rows(home, "klines", "binance").filter(pl.col("batch_id").is_in(ids))
        assert kept.height == len(bodies) >= 3, code
        assert {len(row) for row in bodies} == {12}
        by_open = {row["open_time"]: row for row in kept.rows(named=True)}
        for row in bodies:
            bar = by_open[EPOCH + timedelta(milliseconds=row[0])]
            numbers = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")
            assert [bar[name] for name in numbers] == [float(row[place]) for place in (1, 2, 3, 4, 5, 7, 9)], code
            assert bar["taker_buy_quote_volume"] == float(row[10])
            assert bar["num_trades"] == row[8]
            assert bar["close_time"] == EPOCH + timedelta(milliseconds=row[6] + 1)


def test_S13_a_hole_says_its_cause_and_is_healed_where_bars_may_still_be_had(tmp_path: Path) -> None:
    words = ("ingest", "binance:klines", "--symbols", "BTC", "--intervals", "1h")
    done(tmp_path / "home", *words, "--since", "2024-05-01", "--until", "2024-05-03")
    done(tmp_path / "home", *words, "--since", "2024-05-04", "--until", "2024-05-06")
    done(tmp_path / "home", "build")
    found = done(tmp_path / "home", "gaps", "btc")
    (gap,) = found["gaps"]
    assert (gap["cause"], gap["remedy"], gap["bars"], found["healable_bars"]) == ("our_outage", "ask", 24, 24)
    assert (gap["start"], gap["end"]) == ("2024-05-03T00:00:00+00:00", "2024-05-04T00:00:00+00:00")
    assert "our outage" in assay(tmp_path / "home", "gaps").out
    healed = done(tmp_path / "home", "heal")
    assert (healed["asked_bars"], healed["healed_bars"], healed["healable_bars"]) == (24, 24, 0)
    (gap,) = healed["gaps"]  # until it is built
    assert gap["remedy"] == "build"
    again = assay(tmp_path / "home", "heal")
    assert (again.code, again.err) == (0, "")
    assert "nothing to heal" in again.out
    assert assay(tmp_path / "home", "gaps", "--cause", "gremlins").code == 2


def test_S14_the_sandbox_speaks_three_dialects_over_one_market_and_fails_on_request(there: Running) -> None:
    def ask(venue: str, path: str, **params: str) -> Any:  # noqa: ANN401  # what JSON holds is known by the test alone
        return httpx.get(there.base_urls[venue] + path, params=params).json()

    dollars = float(ask("binance", "/api/v3/ticker/24hr", symbol="BTCUSDT")["lastPrice"])
    tickers = {one["symbol"]: one for one in ask("wazirx", "/sapi/v1/tickers/24hr")}
    rupees, tether = tickers["btcinr"], tickers["usdtinr"]
    coin = next(one for one in ask("coingecko", "/coins/markets", vs_currency="usd") if one["id"] == "bitcoin")
    assert float(rupees["lastPrice"]) / float(tether["lastPrice"]) == pytest.approx(dollars, rel=0.02)
    assert coin["current_price"] == pytest.approx(dollars, rel=0.02)

    kinds = {Kind.TOO_MANY: 429, Kind.BANNED: 418, Kind.DOWN: 503, Kind.SILENCE: 504}
    for kind, status in kinds.items():
        answer = exchange(Fault(kind, seconds=1.0)).answer("/binance/api/v3/time", {})
        assert answer.status == status, kind
    with running(exchange(Fault(Kind.SERVER_ERROR, endpoint="klines"))) as failing:
        url = failing.base_urls["binance"]
        statuses = {httpx.get(url + "/api/v3/klines?symbol=BTCUSDT&interval=1h").status_code for _ in range(8)}
        assert statuses <= {500, 502, 503, 504}
        assert httpx.get(url + "/api/v3/time").status_code == 200


def test_S09_order_books_with_bids_asks_and_spread(home: Path) -> None:
    done(home, "ingest", "binance:order_books", "--symbols", "BTC,ETHUSDT")
    books = rows(home, "order_books", "binance")
    assert books["symbol"].sort().to_list() == ["BTC-USDT", "ETH-USDT"]
    for book in books.rows(named=True):
        assert len(book["bid_prices"]) == len(book["ask_quantities"]) == book["depth_limit"] == 100
        assert 0 < book["bid_prices"][0] < book["ask_prices"][0]


def test_L01_trades_are_readable_as_they_were_received_when_they_are_asked_for(home: Path) -> None:
    done(home, "ingest", "binance:trades", "--symbols", "BTC,ETH")
    received = rows(home, "trades", "binance")
    assert received["symbol"].value_counts().sort("symbol").rows() == [("BTC-USDT", 1_000), ("ETH-USDT", 1_000)]
    done(home, "build")
    sql = "select symbol, aggregate_id, price, quantity, side from bronze.raw_trades order by symbol, aggregate_id"
    stored = done(home, "query", sql)
    wanted = received.sort("symbol", "aggregate_id").select("symbol", "aggregate_id", "price", "quantity", "side")
    assert stored == wanted.to_dicts()
    # A plain ingest leaves them out: they are large.
    done(home, "ingest", "binance", "--symbols", "XRP", "--since", "2024-05-31")
    assert rows(home, "trades", "binance").height == received.height


def test_S11_backfill_of_many_symbols_proves_its_coverage_and_goes_on_where_it_stopped(home: Path) -> None:
    words = ("ingest", "binance:klines", "wazirx:klines", "--symbols", "BTC,ETH,XRP", "--intervals", "1h,15m")
    half = done(home, *words, "--since", "2024-05-01", "--until", "2024-05-20")
    whole = done(home, *words, *RANGE)
    again = done(home, *words, *RANGE)
    assert (half["outcome"], whole["outcome"], again["outcome"]) == ("complete",) * 3
    for venue in whole["venues"]:
        assert len(venue["series"]) == 6
        for series in venue["series"]:
            bars = 31 * 24 * (4 if series["interval"] == "15m" else 1)
            assert (series["expected"], series["settled"], series["is_complete"]) == (bars, bars, True)
            assert series["complete_until"] == "2024-06-01T00:00:00+00:00"
    asked = [sum(venue["requests"] for venue in document["venues"]) for document in (half, whole, again)]
    assert asked[0] > 0
    assert asked[1] > 0
    assert (asked[2], again["new_batches"]) == (0, 0)
    opened = rows(home, "klines", "binance").group_by("symbol", "interval", "open_time").len()
    assert (opened["len"] <= 2).all(), "what had been fetched was not fetched again, but for the probes' single bars"


def test_S12_failures_are_tried_again_and_an_unreadable_page_is_set_aside_while_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with running(exchange(*FAULTS)) as there:
        _point_at(there, monkeypatch, tmp_path)
        words = ("ingest", "binance:klines", "binance:order_books", "--symbols", "BTC,ETH")
        answer = assay(home, *words, *RANGE, "--json")
    assert answer.code == 3
    (venue,) = answer.document["venues"]
    assert venue["requests"] > venue["batches_new"]
    assert (venue["poison_pages"], venue["failures"]) == (2, [])
    assert [series["is_complete"] for series in venue["series"]] == [True, True]
    causes = pl.concat(
        pl.read_parquet(path, hive_partitioning=False)
        for path in (home / "bronze" / "quarantine").glob("*/*/*.parquet")
    )
    assert causes["cause"].str.starts_with("not JSON").all()


def test_S12_account_with_a_venue_is_kept_from_its_headers_for_all_homes(
    there: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_INGEST__LIMITS_DIR", str(tmp_path / "limits"))
    tickers = there.base_urls["binance"] + "/api/v3/ticker/24hr"
    for attempt in range(5):
        # Somebody else at this address has used much of the minute; only the venue's header tells.
        for _ in range(30):
            httpx.get(tickers)
        done(tmp_path / f"home{attempt}", "ingest", "binance:order_books", "--symbols", "BTC")
        (file,) = (tmp_path / "limits").glob("binance-*.json")
        held = json.loads(file.read_text())["holds"]["weight in 60 s"]
        # The venue counts by its minutes: one that ended meanwhile took what was used with it.
        if int(httpx.get(tickers).headers["x-mbx-used-weight-1m"]) > 30 * 80:
            assert sum(units for _, units in held) >= 30 * 80
            return
    pytest.fail("five times in a row a minute ended meanwhile")


@pytest.mark.parametrize("name", ["binance", "coingecko", "wazirx"])
def test_S17_every_venues_base_url_is_a_setting(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = f"venues.{name}.base_url"
    assert done(tmp_path, "config", "show")[key]["value"].startswith("http://127.0.0.1:")
    for url in find_spec(name).other_base_urls:
        monkeypatch.setenv(f"ASSAY_VENUES__{name.upper()}__BASE_URL", url)
        assert done(tmp_path, "config", "show")[key] == {"value": url, "source": "environment"}
