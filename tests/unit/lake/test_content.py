"""Content hashes: what tells two tables apart, and what does not."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from assay.lake.content import HashedTable, content_hash

TABLE = HashedTable("silver.numbers", ("name", "moment"))
ROWS = (
    "('a', timestamptz '2024-01-01', 1.5, 3, true), ('b', timestamptz '2024-01-01', null, null, null), "
    "('', timestamptz '2024-01-02', 0.1 + 0.2, -7, false)"
)


@pytest.fixture
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database called lake, as the hash expects it."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("attach ':memory:' as lake")
        connection.execute("create schema lake.silver")
        yield connection


def hash_of(lake: duckdb.DuckDBPyConnection, rows: str, *, note: str = "x") -> str:
    lake.execute("drop table if exists lake.silver.numbers")
    lake.execute(
        "create table lake.silver.numbers"
        "(name varchar, moment timestamptz, price double, trades bigint, is_closed boolean, batch_id varchar)"
    )
    lake.execute(f"insert into lake.silver.numbers select *, '{note}' from (values {rows})")
    return content_hash(lake, [TABLE])


def test_order_of_rows_and_columns_of_lineage_do_not_count(lake: duckdb.DuckDBPyConnection) -> None:
    turned = ", ".join(f"({row}" for row in reversed(ROWS.split(", (")))
    turned = turned.replace("((", "(")
    assert hash_of(lake, ROWS) == hash_of(lake, turned, note="another batch")


def test_last_bits_of_a_float_and_the_sign_of_zero_do_not_count(lake: duckdb.DuckDBPyConnection) -> None:
    assert hash_of(lake, ROWS) == hash_of(lake, ROWS.replace("0.1 + 0.2", "0.3"))
    assert hash_of(lake, ROWS.replace("1.5", "0.0")) == hash_of(lake, ROWS.replace("1.5", "-(0.0::double)"))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("1.5", "1.50000000001"),
        ("1.5", "null"),
        ("null, null, null", "0.0, null, null"),
        ("null, null, null", "null, 0, null"),
        ("null, null, null", "null, null, false"),
        ("''", "null"),
        ("'a'", "'aa'"),
        ("2024-01-02", "2024-01-02 00:00:00.000001"),
        ("-7", "7"),
    ],
)
def test_every_other_difference_counts(lake: duckdb.DuckDBPyConnection, was: str, becomes: str) -> None:
    assert hash_of(lake, ROWS) != hash_of(lake, ROWS.replace(was, becomes))


def test_letters_that_move_to_the_next_text_count(lake: duckdb.DuckDBPyConnection) -> None:
    rows = "('{}', timestamptz '2024-01-01', 1, 1, true), ('{}', timestamptz '2024-01-02', 1, 1, true)"
    assert hash_of(lake, rows.format("ab", "b")) != hash_of(lake, rows.format("a", "bb"))


def test_rows_that_come_in_many_pieces_hash_as_in_one(
    lake: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.execute(
        "create table lake.silver.numbers as select (i // 3)::varchar as name, to_timestamp(i) as moment, "
        "case when i % 5 > 0 then sqrt(i) end as price from range(10000) as t(i)"
    )
    whole = content_hash(lake, [TABLE])
    monkeypatch.setattr("assay.lake.content._ROWS_AT_ONCE", 2_048)
    assert content_hash(lake, [TABLE]) == whole
