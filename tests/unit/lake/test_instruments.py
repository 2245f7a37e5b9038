"""``silver.instruments`` from hand-written lists: the macro that dbt and as-of reads render, on tables in memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from assay.lake import definitions

TERMS = "min_price, max_price, min_quantity, max_quantity"


def day(number: int) -> datetime:
    return datetime(2022, 5, number, tzinfo=UTC)


@pytest.fixture
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    """Empty tables of the shapes that the macro reads."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("set timezone = 'UTC'")
        numbers = ", ".join(f"{name.strip()} double" for name in TERMS.split(","))
        connection.execute(
            "create table revisions (venue varchar, market varchar, venue_symbol varchar, symbol varchar, "
            "base varchar, quote varchar, status varchar, is_trading boolean, tick_size double, lot_size double, "
            f"min_notional double, {numbers}, known_at timestamptz, endpoint varchar, batch_id varchar, "
            "row_number bigint)"
        )
        connection.execute("create table batches (batch_id varchar)")
        connection.execute(
            "create table ranges (batch_id varchar, venue varchar, market varchar, symbol varchar, "
            "first_open_time timestamptz)"
        )
        connection.execute(f"create view identities as {definitions.asset_identities()}")
        yield connection


def listed(lake: duckdb.DuckDBPyConnection, number: int, *names: str, venue: str = "binance", **terms: object) -> None:
    """Note the list of a day: the bases of its pairs in USDT, each with the same terms."""
    values = {"status": "TRADING", "is_trading": True, "tick_size": 0.01, "lot_size": 0.1, "min_notional": 5.0} | terms
    for row, base in enumerate(names, start=1):
        lake.execute(
            f"insert into revisions (venue, market, venue_symbol, symbol, base, quote, {', '.join(values)}, known_at, "
            "endpoint, batch_id, row_number) "
            f"values (?, 'spot', ?, ?, ?, 'USDT', {', '.join('?' * len(values))}, ?, 'exchange_info', ?, ?)",
            [venue, f"{base}USDT", f"{base}-USDT", base, *values.values(), day(number), f"{venue}{number}", row],
        )


def bars_from(lake: duckdb.DuckDBPyConnection, base: str, moment: datetime) -> None:
    lake.execute("insert into batches values (?)", [f"bars of {base}"])
    lake.execute("insert into ranges values (?, 'binance', 'spot', ?, ?)", [f"bars of {base}", f"{base}-USDT", moment])


def rows(lake: duckdb.DuckDBPyConnection, columns: str, base: str) -> list[tuple[object, ...]]:
    sql = definitions.instruments("revisions", "batches", "ranges", "identities")
    return lake.execute(f"select {columns} from ({sql}) where base = ? order by revision", [base]).fetchall()


def test_new_tick_begins_a_new_state_and_the_same_again_does_not(lake: duckdb.DuckDBPyConnection) -> None:
    listed(lake, 1, "BTC")
    listed(lake, 2, "BTC")
    listed(lake, 3, "BTC", tick_size=0.1)
    assert rows(lake, "revision, tick_size, valid_from, valid_to, change", "BTC") == [
        (1, 0.01, day(1), day(3), "in_first_list"),
        (2, 0.1, day(3), None, "changed"),
    ]


def test_listing_is_first_seen_or_the_first_bar_between_two_lists(lake: duckdb.DuckDBPyConnection) -> None:
    bars_from(lake, "NEW", datetime(2022, 5, 2, 8, tzinfo=UTC))
    bars_from(lake, "OLD", datetime(2021, 1, 1, tzinfo=UTC))
    listed(lake, 1, "OLD", "BTC")
    listed(lake, 2, "OLD", "BTC")
    listed(lake, 3, "OLD", "BTC", "NEW", "OTHER")
    assert rows(lake, "listed_at, listed_by, change", "NEW") == [
        (datetime(2022, 5, 2, 8, tzinfo=UTC), "first_bar", "listed")
    ]
    assert rows(lake, "listed_at, listed_by, change", "OTHER") == [(day(3), "first_seen", "listed")]
    assert rows(lake, "listed_at, listed_by", "OLD") == [(datetime(2021, 1, 1, tzinfo=UTC), "bars_since")]
    assert rows(lake, "listed_at, listed_by", "BTC") == [(None, "before_first_list")]


def test_what_a_list_leaves_out_is_delisted_and_may_come_again(lake: duckdb.DuckDBPyConnection) -> None:
    for number, names in enumerate((("BTC", "GONE", "BACK"), ("BTC", "GONE"), ("BTC", "BACK"), ("BTC", "BACK")), 1):
        listed(lake, number, *names)
    assert rows(lake, "valid_from, valid_to, delisted_at", "GONE") == [(day(1), day(3), day(3))]
    assert rows(lake, "valid_from, valid_to, change, delisted_at", "BACK") == [
        (day(1), day(2), "in_first_list", None),
        (day(3), None, "listed_again", None),
    ]


def test_status_that_ends_trading_delists_until_it_trades_again(lake: duckdb.DuckDBPyConnection) -> None:
    listed(lake, 1, "XMR")
    listed(lake, 2, "XMR", status="BREAK", is_trading=False)
    listed(lake, 3, "XMR", status="END", is_trading=False)
    assert rows(lake, "status, delisted_at, delisted_by", "XMR") == [
        (status, day(2), "status") for status in ("TRADING", "BREAK", "END")
    ]
    listed(lake, 4, "XMR")
    assert rows(lake, "delisted_at, delisted_by", "XMR") == [(None, None)] * 4


def test_lists_of_other_venues_do_not_delist(lake: duckdb.DuckDBPyConnection) -> None:
    listed(lake, 1, "BTC")
    listed(lake, 2, "ETH", venue="coinbase")
    assert rows(lake, "valid_to, delisted_at", "BTC") == [(None, None)]


def test_reused_ticker_is_two_assets(lake: duckdb.DuckDBPyConnection) -> None:
    listed(lake, 12, "LUNA", "BTC")
    listed(lake, 14, "BTC")
    listed(lake, 31, "LUNA", "LUNC", "BTC")
    assert rows(lake, "asset_id, valid_from, valid_to", "LUNA") == [
        ("terra-luna", day(12), day(14)),
        ("terra-luna-2", day(31), None),
    ]
    assert rows(lake, "asset_id", "LUNC") == [("terra-luna",)]
    assert rows(lake, "asset_id", "BTC") == [(None,)]


def test_stated_identities_of_a_ticker_do_not_overlap(lake: duckdb.DuckDBPyConnection) -> None:
    clashes = lake.execute(
        "select one.ticker from identities as one join identities as other on one.ticker = other.ticker "
        "and one.valid_from < other.valid_from and one.valid_to > other.valid_from"
    ).fetchall()
    assert clashes == []
    assert lake.execute("select count(*) from identities where valid_from < valid_to").fetchall()[0][0] >= 7
