"""L: lake and warehouse. What is done of each row stands in README.md."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from assay.domain.instrument import SeriesId
from assay.lake import bronze
from assay.lake.build_tests import FAILING_ROWS, TEST_RESULTS
from assay.lake.reads import Span, read_klines
from assay.lake.version import list_tables, read_version
from assay.pipelines.workspace import open_workspace
from assay.selectors.query import query
from assay.settings import Settings
from tests.integration.polling import Poller
from tests.made_klines import HOUR, hourly, write_csv
from tests.parity.conftest import (
    BTC,
    COUNT,
    FIRST_WAVE,
    HOLE,
    LATE,
    OUTLIER,
    RESTATED,
    TABLES,
    Lake,
    Run,
    assay,
    done,
    made_rows,
    select,
)

CLEANED = "silver.crypto_prices_cleaned"
ON_REQUEST = {
    "bronze.raw_coin_history", "bronze.raw_funding_rates", "gold.consensus_prices", "gold.source_deviations",
    "gold.source_trust", "silver.asset_identities", "silver.coin_history", "silver.coin_history_observations",
    "silver.funding_observations", "silver.funding_rates", "silver.instrument_revisions", "silver.instruments",
}  # fmt: skip
"""Tables that come with the first answer of their kind: tests of their own rows have them."""
IN_SQL = {TEST_RESULTS, FAILING_ROWS}
"""Tables that are not in the catalogue, and shown to whoever asks in SQL."""


def test_L01_bronze_holds_the_body_as_received_with_its_lineage(lake: Lake) -> None:
    file = lake.folder / "BTCUSDT-history.csv"
    batch = lake.imported["BTCUSDT-history"]["batch_id"]
    (row,) = select(lake.home, f"select * from bronze.batches where batch_id = '{batch}'")
    assert (row["venue"], row["endpoint"], row["source"]) == ("binance", "import", file.name)
    assert row["known_at"] < lake.between.isoformat()
    header = bronze.read_header(lake.home / "bronze" / row["path"])
    assert bronze.read_body(lake.home / "bronze", header) == file.read_bytes()


def test_L01_every_row_of_a_file_went_to_one_place_and_bad_ones_say_why(lake: Lake) -> None:
    report = lake.imported["BTCUSDT-history"]["report"]
    held = FIRST_WAVE - (HOLE[1] - HOLE[0])
    # Two rows are of no use: one whose high is below its low, one of three words.
    assert (report["rows_read"], report["accepted"]) == (held + 4, held)
    assert (report["identical_duplicates"], report["off_grid"], report["quarantined"]) == (1, 1, 2)
    causes = select(lake.home, "select cause, raw from silver.quarantined_rows order by row_number")
    assert "high '1.00' is below low" in causes[0]["cause"]
    assert causes[1]["raw"] == "what,is,this"
    defects = select(
        lake.home, f"select defect, count(*) as n from silver.kline_defects where {BTC} group by 1 order by 1"
    )
    assert {one["defect"]: one["n"] for one in defects}.items() >= {"identical_duplicate": 1, "off_grid": 1}.items()


def test_L01_the_same_file_again_changes_nothing(lake: Lake) -> None:
    def files() -> dict[Path, int]:
        found = (lake.home / "bronze").rglob("*")
        return {path: path.stat().st_mtime_ns for path in found if path.is_file()}

    before = files()
    words = ("--venue", "binance", "--symbol", "BTC-USDT", "--interval", "1h")
    again = done(lake.home, "import", str(lake.folder / "BTCUSDT-next.csv"), *words)["imported"][0]
    assert again["is_new"] is False
    assert files() == before
    assert done(lake.home, "build")["new_batches"] == 0


def test_L02_prices_are_cleaned_as_worked_out_by_hand(lake: Lake) -> None:
    rows = made_rows()
    bars = {one["open_time"]: one for one in select(lake.home, f"select * from {CLEANED} where {BTC}")}
    held = COUNT - (HOLE[1] - HOLE[0]) + (LATE[1] - LATE[0])
    assert len(bars) == held
    plain = bars[rows[200].open_time.isoformat()]
    assert plain["close_time"] == (rows[200].open_time + HOUR).isoformat()
    assert plain["log_return"] == pytest.approx(math.log(rows[200].close / rows[199].close), rel=1e-12)
    assert plain["price_change_pct"] == pytest.approx(100 * (rows[200].close / rows[199].close - 1), rel=1e-12)
    # 33 hours lacked, and the last 8 of them came later: the hole is 25 hours long, and no return leads across it.
    after_hole = bars[rows[LATE[0]].open_time.isoformat()]
    assert (after_hole["is_gap_before"], after_hole["missing_bars_before"]) == (True, LATE[0] - HOLE[0])
    assert after_hole["log_return"] is None
    assert after_hole["price_change_pct"] is None
    assert sum(one["missing_bars_before"] for one in bars.values()) == LATE[0] - HOLE[0]


def test_L02_technical_indicators_has_one_row_for_every_closed_bar(lake: Lake) -> None:
    key = "venue, market, symbol, interval, open_time"
    sql = (
        f"select count(*) as n, count(closed.open_time) as of_closed, "
        f"(select count(*) from {CLEANED} where is_closed) as closed_bars from silver.technical_indicators "
        f"left join (select {key} from {CLEANED} where is_closed) as closed using ({key})"
    )
    (found,) = select(lake.home, sql)
    assert found["n"] == found["of_closed"] == found["closed_bars"] > FIRST_WAVE


def test_L02_returns_and_risk_are_those_of_the_closes(lake: Lake) -> None:
    rows = select(
        lake.home,
        f"select bar.close, bar.log_return, made.* from silver.returns_and_risk as made join {CLEANED} as bar "
        "using (venue, market, symbol, interval, open_time) "
        "where venue = 'binance' and symbol = 'BTC-USDT' and interval = '1h' order by open_time",
    )
    assert len(rows) > FIRST_WAVE
    first, highest = rows[0]["close"], 0.0
    for row in rows:
        highest = max(highest, row["close"])
        assert row["log_return_1"] == pytest.approx(row["log_return"], abs=1e-12)
        assert row["cumulative_return"] == pytest.approx(row["close"] / first - 1, abs=1e-12)
        assert row["drawdown"] == pytest.approx(row["close"] / highest - 1, abs=1e-12)
        if row["log_return_1"] is not None:
            assert row["price_momentum_1"] == pytest.approx(math.expm1(row["log_return_1"]), abs=1e-12)


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home that was asked for bars, and twice for tickers, coins and a book."""
    home = tmp_path_factory.mktemp("polled") / "home"
    workspace = open_workspace(Settings(home=home))
    poller, noon = Poller(workspace.home.bronze), datetime(2024, 5, 1, 12, tzinfo=UTC)
    for slot in (noon, noon + timedelta(minutes=15)):
        poller.poll(slot)
    poller.klines(noon - 3 * HOUR, noon, at=noon)
    assert done(home, "build")["new_batches"] == 11
    return home


def test_L01_every_raw_table_is_readable_by_its_name_with_its_lineage(polled: Path) -> None:
    for name, columns in {
        "raw_crypto_prices": "timestamp, symbol, open, high, low, close, volume, source_api",
        "raw_market_data": "timestamp, symbol, market_cap, circulating_supply, total_volume",
        "raw_orderbook": "timestamp, symbol, bids, asks, spread",
        "raw_binance_tickers": "venue, endpoint, slot_at, symbol, last_price, bid_price, ask_price, num_trades",
        "raw_wazirx_tickers": "venue, endpoint, slot_at, symbol, last_price, bid_price, ask_price",
        "raw_crypto_market": "venue, endpoint, slot_at, coin_id, price, market_cap, all_time_high, all_time_low",
    }.items():
        rows = select(polled, f"select {columns}, known_at, batch_id from bronze.{name}")
        assert len(rows) >= 2, name
        assert all(None not in row.values() for row in rows), name


def test_L02_tickers_of_each_source_are_there_once_a_slot_and_rupees_in_dollars_too(polled: Path) -> None:
    for name, key in (("binance_tickers", "symbol"), ("wazirx_tickers", "symbol"), ("crypto_market", "coin_id")):
        sql = f"select slot_at, count(*) as n, count(distinct {key}) as keys from silver.processed_{name} group by 1"
        found = select(polled, sql)
        assert len(found) == 2
        assert all(one["n"] == one["keys"] > 20 for one in found)
    (bitcoin, *_) = select(polled, "select * from silver.processed_wazirx_tickers where symbol = 'BTC-INR'")
    assert bitcoin["inr_usd_source"] == "coingecko_usd"
    assert bitcoin["last_price_usd"] == bitcoin["last_price_inr"] / bitcoin["inr_usd_rate"]
    assert bitcoin["inr_usd_rate_time"] <= bitcoin["known_at"]


def test_L03_the_market_has_the_hundred_largest_coins(polled: Path) -> None:
    rows = select(polled, "select * from gold.crypto_market where is_latest order by market_cap_rank")
    assert [row["market_cap_rank"] for row in rows] == list(range(1, 101))
    caps = [row["market_cap"] for row in rows]
    assert caps == sorted(caps, reverse=True)
    assert rows[0]["binance_price_usdt"] > 0


def test_L02_the_tables_have_the_columns_that_their_page_names(polled: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "tables.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## `([a-z_.]+)`\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL)
    documented = {name: re.findall(r"^\| `([a-z_0-9]+)` \|", text, flags=re.MULTILINE) for name, text in sections}
    assert documented.keys() > set(TABLES)
    with open_workspace(Settings(home=polled), create=False).lake() as connection:
        made = set(list_tables(connection, read_version(connection)))
        assert documented.keys() - made == ON_REQUEST | IN_SQL
        for name, columns in documented.items():
            if name in ON_REQUEST | IN_SQL:
                continue
            described = connection.execute(f"describe lake.{name}").fetchall()
            assert [row[0] for row in described] == columns, name
    workspace = open_workspace(Settings(home=polled), create=False)
    for name in IN_SQL:
        assert query(workspace, f"select * from {name}").columns == documented[name], name


def test_L03_a_day_of_gold_is_what_its_hours_say(lake: Lake) -> None:
    day = made_rows()[240:264]
    assert day[0].open_time.hour == 0
    today = f"select * from gold.daily_crypto_metrics where {BTC} and date = '{day[0].open_time.date()}'"
    (found,) = select(lake.home, today)
    assert (found["open"], found["close"]) == (day[0].open, day[-1].close)
    assert (found["high"], found["low"]) == (max(row.high for row in day), min(row.low for row in day))
    volume = sum(row.volume for row in day)
    quote = sum(round(row.volume * row.close, 8) for row in day)
    assert found["volume"] == pytest.approx(volume, rel=1e-9)
    assert found["vwap"] == pytest.approx(quote / volume, rel=1e-9)
    assert found["daily_return"] == pytest.approx(day[-1].close / made_rows()[239].close - 1, rel=1e-12)
    assert (found["bars"], found["is_complete"]) == (24, True)


def test_L04_two_waves_give_what_one_build_of_everything_gives(lake: Lake, at_once: Run) -> None:
    assert [one["is_full_refresh"] for one in lake.built] == [False, False]
    assert lake.built[1]["zones"] > 0
    for name in TABLES:
        columns = "* exclude (known_at)" if name == CLEANED else "*"
        sql = f"select {columns} from {name} order by all"
        assert select(lake.home, sql) == select(at_once.home, sql)


def test_L04_a_bar_that_may_be_unfinished_is_never_published_as_closed(lake: Lake) -> None:
    last = made_rows()[-1].open_time
    bars = select(lake.home, f"select open_time, log_return from {CLEANED} where {BTC} and not is_closed")
    assert bars == [{"open_time": last.isoformat(), "log_return": None}]
    for table, moment in (("silver.technical_indicators", "open_time"), ("silver.kline_revisions", "open_time")):
        (newest,) = select(lake.home, f"select max({moment}) as at from {table} where {BTC}")
        assert newest["at"] == (last if table.endswith("revisions") else last - HOUR).isoformat()
    (bars_of_day,) = select(
        lake.home, f"select bars from gold.daily_crypto_metrics where {BTC} and date = '{last.date()}'"
    )
    assert bars_of_day["bars"] == last.hour  # hours 0 to one before the last


def test_L04_late_and_restated_bars_are_in_their_place(lake: Lake) -> None:
    rows = made_rows()
    found = {
        one["open_time"]: (one["close"], one["revision"])
        for one in select(lake.home, f"select open_time, close, revision from {CLEANED} where {BTC}")
    }
    late = [found[row.open_time.isoformat()] for row in rows[slice(*LATE)]]
    assert late == [(row.close, 1) for row in rows[slice(*LATE)]]
    restated = [found[row.open_time.isoformat()] for row in rows[RESTATED]]
    # The last row of a file without a time of recording is provisional, and yields to the finished bar.
    assert restated[:-1] == [(row.restated(1.02).close, 2) for row in rows[RESTATED]][:-1]
    assert restated[-1][0] == rows[RESTATED][-1].close


def test_L05_quality_tests_of_every_kind_ran_and_passed(lake: Lake) -> None:
    names = {one["name"] for one in lake.built[1]["tests"]}
    for kind in ("grain_of", "rules_of", "bar_of", "batch_of"):
        assert any(name.startswith(kind) for name in names), kind
    assert {one["status"] for one in lake.built[1]["tests"]} == {"pass"}


def test_L05_outliers_are_flagged_and_kept(lake: Lake) -> None:
    rows = made_rows()
    flagged = select(lake.home, f"select open_time, close from {CLEANED} where {BTC} and is_outlier order by open_time")
    moments = [one["open_time"] for one in flagged]
    # The way up and the way back; the 2 % of the restated bars are no outliers beside hours of 0.6 %.
    assert moments == [rows[OUTLIER].open_time.isoformat(), rows[OUTLIER + 1].open_time.isoformat()]
    assert flagged[0]["close"] == rows[OUTLIER].close


def test_L05_a_row_that_fails_a_test_keeps_everything_behind_the_gate_from_being_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    words = ("--venue", "binance", "--symbol", "BTC-USDT", "--interval", "1h")
    done(home, "import", str(write_csv(tmp_path / "bars.csv", hourly(60))), *words)
    # An importer that forgot to look: a low of minus one gets as far as silver, whose tests are the gate.
    (file,) = (home / "bronze" / "klines").rglob("*.parquet")
    _set_low(file, row=20, value=-1.0)
    answer = assay(home, "build", "--json")
    assert answer.code == 1
    assert answer.document["error"]["type"] == "BuildError"
    assert "rules_of_kline_revisions" in answer.document["error"]["what"]
    for table in TABLES[1:]:
        missing = assay(home, "query", f"select * from {table}")
        assert (missing.code, "does not exist" in missing.err) == (2, True)
    assert done(home, "status")["unpublished_batches"] == 1


def _set_low(file: Path, *, row: int, value: float) -> None:
    table = pq.read_table(file)
    low = pc.if_else(pc.equal(table["row_number"], table["row_number"][row]), value, table["low"])
    position = table.column_names.index("low")
    pq.write_table(table.set_column(position, table.schema.field("low"), low.cast(pa.float64())), file)


@pytest.mark.parametrize("table", TABLES)
def test_L07_as_of_a_past_moment_every_table_is_what_it_was(lake: Lake, table: str) -> None:
    sql = f"select * from {table} order by all"
    columns = ", ".join(f'"{name}"' for name in lake.then[table][0])
    assert len(lake.then[table]) > 50
    assert (
        select(lake.home, f"select {columns} from ({sql}) order by all", "--as-of", lake.between.isoformat())
        == (lake.then[table])
    )
    assert select(lake.home, sql) != lake.then[table]


def test_L07_python_reads_by_what_was_known_and_by_what_was_available(lake: Lake) -> None:
    series = SeriesId.parse("binance:spot:BTC-USDT:1h")
    row = made_rows()[RESTATED][0]
    until = row.open_time + HOUR
    with open_workspace(Settings(home=lake.home), create=False).lake() as connection:

        def close(span: Span) -> float:
            frame = read_klines(connection, series, span)
            value: float = frame.filter(frame["open_time"] == row.open_time)["close"].item()
            return value

        assert close(Span(as_of=lake.between)) == row.close
        assert close(Span()) == row.restated(1.02).close
        # A live system that asked a moment after the bar's close had this bar, and none that came after it.
        frame = read_klines(connection, series, Span(available_at=until + timedelta(minutes=1)))
        assert frame["open_time"].max() == row.open_time


def test_L07_as_of_before_everything_there_is_nothing(lake: Lake) -> None:
    (found,) = select(lake.home, f"select count(*) as n from {CLEANED}", "--as-of", "2020-01-01")
    assert found["n"] == 0
    answer = assay(lake.home, "klines", "BTCUSDT", "--as-of", "2020-01-01", "--json")
    assert answer.code == 1
    assert json.loads(answer.out)["error"]["type"] == "NoDataError"
