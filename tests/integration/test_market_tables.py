"""Tickers, coins and order books of the simulated venues, from bronze to gold, against the answers themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dbt.parser.manifest import ManifestLoader

from assay.domain.clock import FrozenClock
from assay.domain.errors import BuildError
from assay.lake import content
from assay.lake.build_tests import sample_of
from assay.pipelines import dbt
from assay.pipelines.building import build
from assay.pipelines.dbt import connected, run_dbt
from assay.pipelines.workspace import Workspace
from assay.selectors.query import query
from assay.venues.sandbox.rupees import inr_per_usd, inr_per_usdt
from tests.integration.command import clone
from tests.integration.conftest import NOW, bring_in, hashes, open_frozen
from tests.integration.polling import BOOK, DOLLARS, RUPEE_TICKERS, RUPEES, TICKERS, Poller, keep_poison
from tests.made_klines import hourly, write_csv

QUARTER = timedelta(minutes=15)
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
SLOTS = [NOON + number * QUARTER for number in range(4)]
DERIVED = (
    "silver.processed_binance_tickers", "silver.processed_wazirx_tickers", "silver.processed_crypto_market",
    "silver.inr_usd_rates", "silver.kline_order_books", "gold.crypto_market", "bronze.raw_orderbook",
    "bronze.raw_market_data", "bronze.raw_crypto_prices",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lake:
    """Two slots in one build, then a third; `then` is what the tables said after the first build."""

    workspace: Workspace
    poller: Poller
    then: dict[str, list[tuple[object, ...]]]

    def rows(self, sql: str, as_of: datetime | None = None) -> pl.DataFrame:
        return query(self.workspace, sql, as_of=as_of)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    workspace = open_frozen(tmp_path_factory.mktemp("markets") / "home", NOW)
    poller = Poller(workspace.home.bronze)
    for slot in SLOTS[:2]:
        poller.poll(slot)
    poller.klines(NOON - timedelta(hours=5), NOON + timedelta(hours=2), at=SLOTS[1] + timedelta(seconds=30))
    build(workspace)
    then = {name: query(workspace, f"select * from {name} order by all").rows() for name in DERIVED}
    poller.poll(SLOTS[2])
    build(workspace)
    return Lake(workspace, poller, then)


def poll_of(lake: Lake, request_name: str, slot: datetime) -> pl.DataFrame:
    """Return the usable rows of the answer in that slot, as the venue's parser reads them."""
    sql = (
        f"select batch_id from bronze.batches where venue || ' ' || endpoint = '{request_name}' "
        f"and slot = '{slot.isoformat()}' order by known_at"
    )
    return lake.poller.asked[lake.rows(sql)["batch_id"][0]].rows


def test_every_row_that_was_received_is_in_the_raw_tables(lake: Lake) -> None:
    for table, of_venue in (("binance_tickers", "binance ticker_24h"), ("wazirx_tickers", "wazirx tickers_24h")):
        expected = sum(poll_of(lake, of_venue, slot).height for slot in SLOTS[:3])
        assert lake.rows(f"select count(*) from bronze.raw_{table}").item() == expected > 60
    # A hundred coins in dollars and a hundred in rupees, in three slots.
    assert lake.rows("select count(*) from bronze.raw_crypto_market").item() == 600
    sql = "select symbol, market_cap from bronze.raw_market_data where coin_id = 'bitcoin' order by known_at limit 2"
    caps = dict(lake.rows(sql).rows())
    assert caps["BTC-INR"] / caps["BTC-USD"] == pytest.approx(float(inr_per_usd(NOON)), rel=1e-9)
    lineage = lake.rows("select distinct venue, endpoint, slot_at from bronze.raw_binance_tickers order by slot_at")
    assert lineage.rows() == [("binance", "ticker_24h", slot) for slot in SLOTS[:3]]


def test_raw_order_books_hold_the_levels_of_the_answer(lake: Lake) -> None:
    books = lake.rows("select * from bronze.raw_orderbook order by timestamp")
    assert books["symbol"].to_list() == ["BTC-USDT"] * 3
    for slot, row in zip(SLOTS, books.iter_rows(named=True), strict=False):
        answer = poll_of(lake, "binance depth", slot).row(0, named=True)
        for side in ("bid", "ask"):
            levels = zip(answer[f"{side}_prices"], answer[f"{side}_quantities"], strict=True)
            assert row[f"{side}s"] == [list(level) for level in levels]
        assert row["spread"] == answer["ask_prices"][0] - answer["bid_prices"][0]
    (depth,) = lake.rows("select bid_depth from silver.order_books order by known_at limit 1")["bid_depth"]
    bids = books.row(0, named=True)["bids"]
    assert depth == pytest.approx(sum(price * size for price, size in bids), rel=1e-12)


def test_raw_prices_are_the_bars_of_the_answer(lake: Lake) -> None:
    bars = lake.rows("select timestamp, open, high, low, close, volume from bronze.raw_crypto_prices order by 1")
    # From 07:00 to the bar of 12:00, which was not finished at 12:15:30.
    assert bars["timestamp"].to_list() == [NOON - timedelta(hours=5) + timedelta(hours=one) for one in range(6)]
    closed = lake.rows("select open, high, low, close, volume from silver.crypto_prices_cleaned order by open_time")
    assert bars.drop("timestamp").rows() == closed.rows()


def test_processed_tickers_say_what_the_answers_said(lake: Lake) -> None:
    columns = "venue_symbol, symbol, last_price, bid_price, ask_price, volume"
    for table, name in (("binance", "binance ticker_24h"), ("wazirx", "wazirx tickers_24h")):
        for slot in SLOTS[:3]:
            sql = (
                f"select {columns} from silver.processed_{table}_tickers "
                f"where slot_at = timestamptz '{slot.isoformat()}' order by 1"
            )
            expected = poll_of(lake, name, slot).select(columns.split(", ")).sort("venue_symbol")
            assert lake.rows(sql).rows() == expected.rows()
    defects = lake.rows("select distinct defect, is_outlier from silver.processed_binance_tickers").rows()
    assert defects == [(None, False)]


def test_rupees_become_dollars_by_the_rate_that_was_known_then(lake: Lake) -> None:
    rates = lake.rows("select source, dollar, rate, coins from silver.inr_usd_rates order by slot_at, source").rows()
    for source, dollar, rate, coins in rates:
        implied = source == "coingecko_usd"
        assert (dollar, coins) == (("USD", 100) if implied else ("USDT", None))
        assert rate == pytest.approx(float((inr_per_usd if implied else inr_per_usdt)(NOON)), rel=1e-6)
    assert len(rates) == 6
    rows = lake.rows("select * from silver.processed_wazirx_tickers")
    in_rupees = rows.filter(pl.col("symbol").str.ends_with("-INR"))
    assert in_rupees.height > 60
    for row in in_rupees.iter_rows(named=True):
        assert row["inr_usd_source"] == "coingecko_usd"
        assert row["last_price_inr"] == row["last_price"]
        assert row["last_price_usd"] == row["last_price"] / row["inr_usd_rate"]
        assert row["inr_usd_rate_time"] <= row["known_at"]
    others = rows.filter(~pl.col("symbol").str.ends_with("-INR"))
    empty = ["last_price_inr", "last_price_usd", "inr_usd_rate", "inr_usd_source"]
    assert others.height > 60
    assert others.select(pl.col(empty).is_null().all()).row(0) == (True,) * 4


def test_the_overview_has_the_hundred_largest_coins_with_the_prices_of_exchanges(lake: Lake) -> None:
    market = lake.rows("select * from gold.crypto_market where is_latest order by market_cap_rank")
    assert market["market_cap_rank"].to_list() == list(range(1, 101))
    answer = poll_of(lake, "coingecko coins_markets", SLOTS[2])
    assert dict(market.select("coin_id", "price").rows()) == dict(answer.select("coin_id", "price").rows())
    for table, quote, column in (("binance", "USDT", "binance_price_usdt"), ("wazirx", "INR", "wazirx_price_inr")):
        name = {"binance": "binance ticker_24h", "wazirx": "wazirx tickers_24h"}[table]
        prices = dict(poll_of(lake, name, SLOTS[2]).select("symbol", "last_price").rows())
        found = dict(market.select("asset", column).rows())
        assert {asset: prices.get(f"{asset}-{quote}") for asset in found} == found
        assert found["BTC"] is not None
    bitcoin = market.row(by_predicate=pl.col("coin_id") == "bitcoin", named=True)
    assert bitcoin["wazirx_price_usd"] == bitcoin["wazirx_price_inr"] / float(inr_per_usd(NOON))


def test_a_bar_gets_the_last_book_known_at_its_close_and_never_a_later_one(lake: Lake) -> None:
    books = lake.rows("select known_at, best_bid, best_ask from silver.order_books order by known_at").rows()
    bars = lake.rows("select close_time, book_known_at, best_bid, best_ask from silver.kline_order_books order by 1")
    assert bars.height == 6
    for close_time, *found in bars.rows():
        known = [book for book in books if book[0] <= close_time]
        assert found == (list(known[-1]) if known else [None, None, None])
    # The bars that closed by noon have none: the first book came six seconds later.
    assert bars["book_known_at"].is_null().to_list() == [True] * 5 + [False]


@pytest.mark.parametrize("table", DERIVED)
def test_as_of_the_first_build_every_table_is_what_it_was(lake: Lake, table: str) -> None:
    columns = ", ".join(f'"{name}"' for name in lake.rows(f"select * from {table} limit 0").columns)
    found = lake.rows(f"select {columns} from {table} order by all", as_of=SLOTS[1] + timedelta(minutes=5))
    assert len(lake.then[table]) > 3 or table.endswith(("orderbook", "rates"))
    assert found.rows() == lake.then[table]
    if table != "bronze.raw_crypto_prices":
        assert lake.rows(f"select {columns} from {table} order by all").rows() != lake.then[table]


def test_a_refresh_of_klines_leaves_the_polled_models_alone_and_the_other_way_round(lake: Lake, tmp_path: Path) -> None:
    workspace = open_frozen(clone(lake.workspace.home.root, tmp_path / "home"), NOW)
    before = hashes(workspace)
    bring_in(workspace, write_csv(tmp_path / "other.csv", hourly(30)), "ETH-USDT")
    names = {one.name for one in build(workspace).tests}
    assert any("crypto_prices_cleaned" in name for name in names)
    assert not any("ticker" in name or "crypto_market" in name for name in names)
    assert hashes(workspace) != before
    Poller(workspace.home.bronze).keep(BOOK, at=SLOTS[3], slot=SLOTS[3])
    names = {one.name for one in build(workspace).tests}
    assert any("order_books" in name for name in names)
    assert not any("crypto_prices_cleaned" in name or "technical" in name for name in names)
    incremental = hashes(workspace)
    build(workspace, full_refresh=True)
    assert hashes(workspace) == incremental


def test_a_home_of_an_older_program_is_made_anew(lake: Lake, tmp_path: Path) -> None:
    workspace = open_frozen(clone(lake.workspace.home.root, tmp_path / "home"), NOW)
    with workspace.lake(read_only=False) as opened:
        opened.execute("alter table lake.bronze.batches drop column slot")
        opened.execute("update lake.refresh.definitions set hash = 'older' where name = 'sql'")
        opened.execute("drop table lake.silver.ticker_observations")
        opened.execute("drop view lake.bronze.raw_binance_tickers")
    result = build(workspace)
    assert (result.is_full_refresh, result.new_batches) == (True, 0)
    assert hashes(workspace) == hashes(lake.workspace)
    slots = query(workspace, "select distinct slot from bronze.batches order by 1")["slot"].to_list()
    assert slots == ["", *(slot.isoformat() for slot in SLOTS[:3])]


def drop_prices(count: int) -> Callable[[bytes], bytes]:
    """Return what makes the last price of the first tickers no number."""

    def change(body: bytes) -> bytes:
        rows = json.loads(body)
        for row in rows[:count]:
            row["lastPrice"] = "none"
        return json.dumps(rows).encode()

    return change


def test_bad_rows_and_pages_are_set_aside_and_the_good_ones_go_on(lake: Lake, tmp_path: Path) -> None:
    workspace = open_frozen(clone(lake.workspace.home.root, tmp_path / "home"), NOW)
    root = workspace.home.bronze
    good = query(workspace, "select count(*) from bronze.raw_binance_tickers").item() // 3
    Poller(root).keep(TICKERS, at=SLOTS[3], slot=SLOTS[3], change=drop_prices(2))
    keep_poison(root, TICKERS, at=SLOTS[3], cause="the page is HTML or XML", body=b"<html>")
    assert build(workspace).new_batches == 2
    aside = query(workspace, "select venue, row_number, cause, raw from silver.quarantined_rows order by row_number")
    assert aside.row(0) == ("binance", 0, "the page is HTML or XML", "<html>")
    assert aside["cause"].to_list()[1:] == ["last_price is not a number"] * 2
    sql = f"select count(*) from silver.processed_binance_tickers where slot_at = timestamptz '{SLOTS[3].isoformat()}'"
    assert query(workspace, sql).item() == good - 2


def test_a_bad_ticker_stops_at_the_gate_and_gold_stays_as_it_was(lake: Lake, tmp_path: Path) -> None:
    workspace = open_frozen(clone(lake.workspace.home.root, tmp_path / "home"), NOW)
    before = hashes(workspace)[1]
    header = Poller(workspace.home.bronze).keep(TICKERS, at=SLOTS[3], slot=SLOTS[3])
    (file,) = workspace.home.bronze.glob(f"tickers/*/*/{header.batch_id}.parquet")
    _set_bid(file, -1.0)
    for _ in range(2):
        with pytest.raises(BuildError, match="rules_of_ticker_observations failed on 1 rows"):
            build(workspace)
        assert hashes(workspace)[1] == before


def _set_bid(file: Path, value: float) -> None:
    """Change the bid of the first row, as no parser would let it pass; the header in the metadata stays."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(file)
    bids: list[Any] = table["bid_price"].to_pylist()
    place = table.column_names.index("bid_price")
    pq.write_table(table.set_column(place, "bid_price", pa.array([value, *bids[1:]], pa.float64())), file)


def test_rupees_without_a_fresh_rate_have_no_dollars_and_tether_stands_in_for_a_stale_one(tmp_path: Path) -> None:
    workspace = open_frozen(tmp_path / "home", NOW)
    poller = Poller(workspace.home.bronze)
    without_tether = _without("usdtinr")
    before, fresh, stale = NOON, NOON + QUARTER, NOON + timedelta(hours=25)
    poller.keep(RUPEE_TICKERS, at=before, slot=before, change=without_tether)
    # Two minutes late: known after the tickers of its slot, and no use to them.
    poller.keep(DOLLARS, at=before + timedelta(seconds=120), slot=before)
    poller.keep(RUPEES, at=before + timedelta(seconds=121), slot=before)
    poller.keep(RUPEE_TICKERS, at=fresh, slot=fresh, change=without_tether)
    poller.keep(RUPEE_TICKERS, at=stale, slot=stale, change=without_tether)
    poller.keep(RUPEE_TICKERS, at=stale + QUARTER, slot=stale + QUARTER)
    build(workspace)
    found = query(
        workspace,
        "select inr_usd_source, last_price_usd is null as lacks from silver.processed_wazirx_tickers "
        "where symbol = 'BTC-INR' order by slot_at",
    ).rows()
    assert found == [(None, True), ("coingecko_usd", False), (None, True), ("wazirx_usdt", False)]
    # Nothing but tickers and coins was ever received: bars are there as empty tables.
    assert query(workspace, "select count(*) from silver.crypto_prices_cleaned").item() == 0


def _without(venue_symbol: str) -> Callable[[bytes], bytes]:
    return lambda body: json.dumps([row for row in json.loads(body) if row["symbol"] != venue_symbol]).encode()


def test_content_without_history_is_the_same_whichever_way_a_bar_came_to_be_known(tmp_path: Path) -> None:
    rows = hourly(40)
    straight, round_about = (open_frozen(tmp_path / name, NOW) for name in ("straight", "round_about"))
    bring_in(straight, write_csv(tmp_path / "right.csv", rows), recorded_at=NOW)
    wrong = [row.restated(0.9) for row in rows[10:12]]
    bring_in(round_about, write_csv(tmp_path / "wrong.csv", wrong), recorded_at=NOW - timedelta(days=1))
    bring_in(round_about, tmp_path / "right.csv", recorded_at=NOW)
    found = []
    for workspace in (straight, round_about):
        build(workspace)
        with workspace.lake() as opened:
            found.append(
                (
                    content.content_hash(opened, content.SILVER),
                    content.content_hash(opened, content.SILVER, without=content.HISTORY),
                )
            )
    assert found[0][0] != found[1][0]
    assert found[0][1] == found[1][1]


def test_interrupt_while_dbt_reads_the_project_is_an_interrupt(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ManifestLoader, "get_full_manifest", interrupted)
    monkeypatch.setattr(dbt, "_projects", {})
    with connected(), pytest.raises(KeyboardInterrupt):
        run_dbt(lake.workspace, "test", select=["test_type:unit"])


def test_unit_tests_of_dbt_pass(lake: Lake) -> None:
    """Every rule of the macros, rows given and rows expected; dbt takes the types of columns from this lake."""
    with connected():
        results = run_dbt(lake.workspace, "test", select=["test_type:unit"])
    assert [(one.name, one.message) for one in results if one.status != "pass"] == []
    assert len(results) >= 21


def test_source_that_missed_two_turns_is_warned_of_and_stops_nothing(lake: Lake) -> None:
    newest = lake.rows("select max(known_at) from bronze.batches where slot <> ''").item()
    found = {}
    with connected():
        for late in (timedelta(minutes=20), timedelta(minutes=40)):
            workspace = replace(lake.workspace, clock=FrozenClock(newest + late))
            (found[late],) = run_dbt(workspace, "test", select=["answers_are_recent"])
    assert [(one.status, one.is_good, one.is_gate) for one in found.values()] == [
        ("pass", True, False),
        ("warn", True, False),
    ]
    assert found[late].failures >= 4
    with lake.workspace.lake() as reader:
        venues = {(row["venue"], row["dataset"]) for row in sample_of(reader, found[late].sql)}
    assert {("binance", "tickers"), ("wazirx", "tickers"), ("coingecko", "coin_markets")} <= venues
