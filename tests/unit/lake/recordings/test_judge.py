from __future__ import annotations

import json
import math
from pathlib import Path

import polars as pl
import pytest

from assay.domain.errors import BadInputError
from tests.unit.lake.recordings.writing import START_MS, csv_of, read_table, read_text, row

NEXT = START_MS + 3_600_000
NAMES = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,num_trades,taker_buy_volume,taker_buy_quote_volume"
)
GOOD = f"{START_MS},10,12,9,11,5,{START_MS + 3_599_999},55,7,2,22"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (f"{NEXT},10,12,9,11", "wrong number of fields: 5 instead of 6"),
        (f"{NEXT},10,12,9,11,5,6", "wrong number of fields: 7 instead of 6"),
        (",10,12,9,11,5", "open_time is missing"),
        (f"{NEXT},,12,9,11,5", "open is missing"),
        (f"{NEXT},10,12,9,11,  ", "volume is missing"),
        (f"{NEXT},abc,12,9,11,5", "open is not a number: 'abc'"),
        (f"{NEXT},10,12,9,1_1,5", "close is not a number: '1_1'"),
        (f"{NEXT},10,nan,9,11,5", "high is NaN"),
        (f"{NEXT},10,inf,9,11,5", "high is infinite: 'inf'"),
        (f"{NEXT},10,1e999,9,11,5", "high is infinite: '1e999'"),
        (f"{NEXT},10,12,0,11,5", "low is not positive: '0'"),
        (f"{NEXT},-10,12,9,11,5", "open is not positive: '-10'"),
        (f"{NEXT},10,12,9,11,-5", "volume is negative: '-5'"),
        (f"{NEXT},10,9,12,11,5", "high '9' is below low '12'"),
        (f"{NEXT},10,10.5,9,11,5", "high '10.5' is below close '11'"),
        (f"{NEXT},12.5,12,9,11,5", "high '12' is below open '12.5'"),
        (f"{NEXT},10,12,10.5,11,5", "low '10.5' is above open '10'"),
        (f"{NEXT},10.5,12,10.2,10.1,5", "low '10.2' is above close '10.1'"),
        ("yesterday,10,12,9,11,5", "open_time is not a time from 2009-01-03 to 2200: 'yesterday'"),
        ("0,10,12,9,11,5", "open_time is not a time from 2009-01-03 to 2200: '0'"),
        ("1970-01-01,10,12,9,11,5", "open_time is not a time from 2009-01-03 to 2200: '1970-01-01'"),
        ("open_time,open,high,low,close,volume", "open_time is not a time from 2009-01-03 to 2200: 'open_time'"),
    ],
)
def test_bad_row_is_quarantined_with_its_cause_and_the_good_ones_stay(tmp_path: Path, line: str, cause: str) -> None:
    recording = read_text(tmp_path, csv_of(row(0), line, row(2)))
    assert recording.quarantined.rows() == [(3, cause, line)]
    assert recording.klines["row_number"].to_list() == [2, 4]
    assert recording.report.is_balanced
    assert recording.report.rows_read == 3


@pytest.mark.parametrize(
    ("column", "text", "cause"),
    [
        ("close_time", "never", "close_time is not a time from 2009-01-03 to 2200: 'never'"),
        ("quote_volume", "x", "quote_volume is not a number: 'x'"),
        ("quote_volume", "nan", "quote_volume is NaN"),
        ("quote_volume", "-1", "quote_volume is negative: '-1'"),
        ("num_trades", "1.5", "num_trades is not a whole number: '1.5'"),
        ("num_trades", "-3", "num_trades is negative: '-3'"),
        ("taker_buy_volume", "-0.1", "taker_buy_volume is negative: '-0.1'"),
        ("taker_buy_quote_volume", "-inf", "taker_buy_quote_volume is infinite: '-inf'"),
    ],
)
def test_bad_value_of_an_optional_column_is_quarantined_too(tmp_path: Path, column: str, text: str, cause: str) -> None:
    bad = GOOD.split(",")
    bad[NAMES.split(",").index(column)] = text
    recording = read_text(tmp_path, "\n".join([NAMES, GOOD, ",".join(bad)]))
    assert recording.quarantined["cause"].to_list() == [cause]


def test_empty_value_of_an_optional_column_is_null(tmp_path: Path) -> None:
    recording = read_text(tmp_path, f"{NAMES}\n{START_MS},10,12,9,11,5,,,,,\n")
    found = recording.klines.row(0, named=True)
    optional = ("source_close_time", "quote_volume", "num_trades", "taker_buy_volume", "taker_buy_quote_volume")
    assert [found[name] for name in optional] == [None] * 5
    assert recording.report.accepted == 1


def test_high_and_low_may_equal_the_body_exactly(tmp_path: Path) -> None:
    recording = read_text(tmp_path, csv_of(row(0, 10, 10, 10, 10, volume=0)))
    assert (recording.report.accepted, recording.report.zero_volume) == (1, 1)


def test_one_step_of_a_float_inside_the_body_is_refused(tmp_path: Path) -> None:
    just_below = math.nextafter(11, 0)
    recording = read_text(tmp_path, csv_of(row(0), row(1, 10, repr(just_below), 9, 11)))
    assert recording.report.quarantined == 1


def test_parquet_rows_are_judged_alike_and_shown_as_json(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "open_time": [START_MS, NEXT, NEXT + 3_600_000, None],
            "open": [10.0, math.nan, -1.0, 10.0],
            "high": [12.0] * 4,
            "low": [9.0, 9.0, -2.0, 9.0],
            "close": [11.0, 11.0, 11.0, 11.0],
            "volume": [5.0, 5.0, 5.0, None],
            "mood": ["a", "b", "c", "d"],
        }
    )
    recording = read_table(tmp_path, table)
    assert recording.quarantined.select("row_number", "cause").rows() == [
        (2, "open is NaN"),
        (3, "open is not positive: '-1.0'"),
        (4, "open_time is missing"),
    ]
    assert json.loads(recording.quarantined["raw"][1]) == table.row(2, named=True)
    assert recording.klines["row_number"].to_list() == [1]


def test_parquet_with_text_and_decimal_columns_is_read(tmp_path: Path) -> None:
    text = pl.read_csv(csv_of(row(0), row(1, 10, "x", 9, 11)).encode(), infer_schema=False)
    table = text.with_columns(pl.col("low").cast(pl.Decimal(20, 8)), pl.col("volume").cast(pl.Categorical()))
    recording = read_table(tmp_path, table)
    assert recording.report.accepted == 1
    assert recording.quarantined["cause"].to_list() == ["high is not a number: 'x'"]


def test_long_value_is_cut_in_the_cause_and_whole_in_the_raw_text(tmp_path: Path) -> None:
    line = f"{NEXT},{'z' * 500},12,9,11,5"
    recording = read_text(tmp_path, csv_of(row(0), line))
    assert len(recording.quarantined["cause"][0]) < 100
    assert recording.quarantined["raw"][0] == line


def test_file_without_one_good_row_is_refused_with_the_first_cause(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="not a single acceptable row.*open is not a number: 'x'"):
        read_text(tmp_path, csv_of(row(0, "x", 12, 9, 11), row(1, "y", 12, 9, 11)))


def test_decimal_commas_are_refused_not_guessed(tmp_path: Path) -> None:
    text = "open_time;open;high;low;close;volume\n1704067200;1,5;2,5;1,0;2,0;9,0\n"
    with pytest.raises(BadInputError, match="open is not a number: '1,5'"):
        read_text(tmp_path, text)
