"""Every real recording is read, and what is found equals what was counted in it by hand and by other programs.

The numbers are those of the README beside the recordings. Where a number differs from it, the comment says why.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from assay.domain.instrument import Market
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake.recordings import ImportReport, Recording, RecordingSpec, find_files, read_recording

KLINES = Path(__file__).parents[3] / "shared" / "data" / "klines"
pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not KLINES.is_dir(), reason="the real recordings are not beside this repository"),
]


def read(name: str, interval: str, symbol: str | None = None, market: Market = Market.SPOT) -> Recording:
    pair = Symbol.parse(symbol) if symbol else None
    return read_recording(KLINES / name, RecordingSpec("somewhere", market, Interval.parse(interval), pair))


def is_clean(report: ImportReport) -> bool:
    """Whether every row was accepted, once, and one bar of each series is the last."""
    return (
        report.is_balanced
        and report.rows_read == report.accepted
        and report.restated == 0
        and report.provisional == len(report.series)
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# symbol, rows, first, last, gaps, missing bars, hours from bar to bar over the longest hole, zero-volume bars
FIRST_SET = """
ADAUSDT 36750 2018-04-17T04 2022-06-30T00 24 87 11 2
BNBUSDT 40605 2017-11-06T03 2022-06-30T00 26 121 34 3
BTCUSDT 42542 2017-08-17T04 2022-06-30T00 27 127 34 3
DASHUSDT 28504 2019-03-28T04 2022-06-30T00 18 53 11 2
DOGEUSDT 26130 2019-07-05T12 2022-06-30T00 17 43 9 1
EOSUSDT 35765 2018-05-28T05 2022-06-30T00 24 87 11 2
ETCUSDT 35408 2018-06-12T02 2022-06-30T00 24 87 11 3
ETHUSDT 42542 2017-08-17T04 2022-06-30T00 27 127 34 5
LINKUSDT 30196 2019-01-16T10 2022-06-30T00 19 59 11 3
LTCUSDT 39717 2017-12-13T03 2022-06-30T00 26 121 34 2
NEOUSDT 40269 2017-11-20T03 2022-06-30T00 26 121 34 4
SOLUSDT 16488 2020-08-11T06 2022-06-30T00 9 19 5 1
TRXUSDT 35423 2018-06-11T11 2022-06-30T00 24 87 11 2
XLMUSDT 35689 2018-05-31T09 2022-06-30T00 24 87 11 2
XRPUSDT 36338 2018-05-04T08 2022-06-30T00 24 87 11 2
ZECUSDT 28672 2019-03-21T04 2022-06-30T00 18 53 11 2
"""
SECOND_SET = ["ADA", "AVAX", "BNB", "BTC", "DASH", "DOGE", "ETC", "ETH", "LINK", "LTC", "MATIC", "SOL", "TRX", "XRP"]


def rows_of(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


@pytest.mark.parametrize("line", rows_of(FIRST_SET), ids=lambda line: line[0])
def test_binance_hours_2017_to_2022(line: list[str]) -> None:
    name, first, last = line[0], line[2], line[3]
    rows, gaps, missing, longest_step, zero_volume = map(int, (line[1], *line[4:]))
    report = read(f"binance_spot_1h_2017_2022/{name}.parquet", "1h").report
    assert is_clean(report)
    assert [one.symbol for one in report.series] == [str(Symbol.from_spelling(name))]
    assert report.rows_read == rows
    assert (report.first_open_time, report.last_open_time) == (at(first), at(last))
    assert (report.gaps, report.missing_bars, report.zero_volume) == (gaps, missing, zero_volume)
    # The README gives the step over the longest hole, which is one bar more than is missing.
    assert report.longest_gap_bars == longest_step - 1


@pytest.mark.parametrize("base", SECOND_SET)
def test_binance_hours_2021_to_2023(base: str) -> None:
    report = read(f"binance_spot_1h_2021_2023/{base}USDT.parquet", "1h").report
    assert is_clean(report)
    assert [one.symbol for one in report.series] == [f"{base}-USDT"]
    assert report.rows_read == (23_989 if base == "ETH" else 23_988)
    first, last = ("20" if base in ("BTC", "ETH") else "21"), ("19" if base == "BTC" else "20")
    assert (report.first_open_time, report.last_open_time) == (at(f"2021-04-04T{first}"), at(f"2023-12-30T{last}"))
    assert (report.gaps, report.missing_bars, report.longest_gap_bars, report.zero_volume) == (5, 12, 4, 1)
    assert "open_time carries no zone: read as UTC" in " ".join(report.notes)


def test_binance_days_of_138_pairs() -> None:
    report = read("binance_spot_1d_2017_2022.parquet", "1d").report
    assert is_clean(report)
    assert (report.rows_read, len(report.series)) == (113_378, 138)
    assert (report.first_open_time, report.last_open_time) == (at("2017-08-17"), at("2022-06-30"))
    series = {one.symbol: one for one in report.series}
    assert {name: one.missing_bars for name, one in series.items() if one.missing_bars} == {"BTCST-USDT": 3}
    assert series["GAL-USDT"].accepted == 57


def test_one_pair_is_taken_out_of_the_long_table() -> None:
    report = read("binance_spot_1d_2017_2022.parquet", "1d", "GAL-USDT").report
    assert (report.rows_read, report.other_symbols) == (57, 113_378 - 57)


@pytest.mark.parametrize(
    ("name", "symbol", "rows", "first", "last", "zero_volume"),
    [
        ("BTCUSDT_2024-07_2024-08", "BTC-USDT", 43_209, "2024-07-26T14:15", "2024-08-25T14:23", 0),
        ("ETHUSDT_2024-07_2024-08", "ETH-USDT", 43_208, "2024-07-26T14:16", "2024-08-25T14:23", 0),
        ("KITEUSDT_2025-11_2026-02", "KITE-USDT", 155_267, "2025-11-03T13:00", "2026-02-19T08:46", 9_550),
    ],
)
def test_binance_minutes(name: str, symbol: str, rows: int, first: str, last: str, zero_volume: int) -> None:
    report = read(f"binance_spot_1m/{name}.parquet", "1m").report
    assert is_clean(report)
    assert [one.symbol for one in report.series] == [symbol]
    assert (report.rows_read, report.missing_bars, report.zero_volume) == (rows, 0, zero_volume)
    assert (report.first_open_time, report.last_open_time) == (at(first), at(last))


@pytest.mark.parametrize(("base", "zero_volume"), [("APT", 62), ("ATOM", 467), ("DOT", 35)])
def test_bybit_minutes_have_holes_of_801(base: str, zero_volume: int) -> None:
    recording = read(f"bybit_linear_1m/{base}USDT.parquet", "1m", market=Market.USDM)
    report = recording.report
    assert is_clean(report)
    assert (report.rows_read, report.gaps, report.missing_bars) == (105_076, 524, 419_724)
    assert report.missing_bars == 524 * 801
    assert report.longest_gap_bars == 801
    assert report.zero_volume == zero_volume  # not in the README; counted in the file
    assert recording.klines["market"].unique().to_list() == ["usdm"]
    assert recording.klines["quote_volume"].null_count() == 0  # turnover


def test_binance_btc_2017_to_2020_with_its_defects() -> None:
    recording = read("binance_spot_BTCUSDT_1h_12col_2017_2020.csv.gz", "1h", "BTC-USDT")
    report = recording.report
    assert report.is_balanced
    assert (report.rows_read, report.off_grid, report.accepted) == (28_909, 43, 28_866)
    assert (report.identical_duplicates, report.quarantined) == (0, 0)
    # The README counts 19 gaps and about 109 missing bars with the 43 bars off the grid as if they filled hours, the
    # longest of 33 hours before the first of them. Off-grid bars fill no bar: 109 + 43 = 152, and the hole of February
    # 2018 runs from 2018-02-08 01:00 to 2018-02-11 03:00, which are 75 hours.
    assert (report.gaps, report.missing_bars, report.longest_gap_bars) == (19, 152, 75)
    off_grid = recording.klines.filter(recording.klines["defect"] == "off_grid")
    assert off_grid["open_time"].dt.strftime("%M:%S%.3f").unique().to_list() == ["28:14.789"]
    repeated = recording.klines.filter(recording.klines["open_time"].is_duplicated())
    counts = repeated.group_by("open_time", maintain_order=True).len().rows()
    assert counts == [(at("2020-12-04T11"), 3), (at("2020-12-04T12"), 2), (at("2020-12-07T22"), 3)]
    assert report.restated == 2 + 1 + 2
    growth = repeated.select(pl.col("volume").diff().over("open_time")).to_series().drop_nulls()
    assert (growth > 0).all()
    assert report.close_time_mismatches == 9
    assert report.zero_volume == 1
    assert recording.klines.filter("is_provisional")["open_time"].to_list() == [at("2020-12-08")]
    assert recording.klines["num_trades"].null_count() == 0


def test_binance_btc_2024_with_one_name_too_many() -> None:
    recording = read("binance_spot_BTCUSDT_1h_12col_2024.csv.gz", "1h", "BTC-USDT")
    report = recording.report
    assert is_clean(report)
    assert (report.rows_read, report.missing_bars, report.close_time_mismatches) == (3_160, 0, 0)
    assert (report.first_open_time, report.last_open_time) == (at("2024-01-01"), at("2024-05-11T15"))
    assert "the header names 13 columns, the rows have 12: nothing is in order_book" in report.notes
    first = recording.klines.row(0, named=True)  # the file's first row, copied by eye
    assert [first[name] for name in ("open", "high", "low", "close")] == [42283.58, 42554.57, 42261.02, 42475.23]
    assert [first[name] for name in ("volume", "quote_volume", "num_trades")] == [1271.68108, 53957248.973789, 47134]
    assert [first[name] for name in ("taker_buy_volume", "taker_buy_quote_volume")] == [682.57581, 28957416.819645]


def test_binance_usdm_btc_with_flat_bars_at_launch() -> None:
    recording = read("binance_usdm_BTCUSDT_1h_12col_2019_2023.csv.gz", "1h", "BTC-USDT", Market.USDM)
    report = recording.report
    assert is_clean(report)
    assert (report.rows_read, report.missing_bars, report.zero_volume) == (33_364, 0, 3)
    assert (report.first_open_time, report.last_open_time) == (at("2019-09-08T17"), at("2023-06-29T20"))
    assert recording.klines["taker_buy_quote_volume"].null_count() == 0


def test_mixed_utc_offsets_leave_no_gap() -> None:
    report = read("binance_usdm_ETHUSDT_1h_mixed_utc_offsets.csv.gz", "1h", "ETH-USDT", Market.USDM).report
    assert is_clean(report)
    assert (report.rows_read, report.missing_bars, report.close_time_mismatches) == (31_973, 0, 0)
    assert (report.first_open_time, report.last_open_time) == (at("2020-10-23T08"), at("2024-06-16T12"))
    assert "open_time has UTC offsets, converted: +03:00 (17,713 rows), +02:00 (14,260 rows)" in report.notes


def test_coinbase_hours_newest_first() -> None:
    report = read("coinbase_BTCUSD_1h_2017_2019.csv.gz", "1h", "BTC-USD").report
    assert is_clean(report)
    assert (report.rows_read, report.zero_volume, report.order_reversals) == (20_111, 28, 5)
    assert (report.first_open_time, report.last_open_time) == (at("2017-07-01T11"), at("2019-10-17T09"))
    # The README's 6 gaps of 30 hours are steps of 6 hours between neighbours in the file, where ten rows around
    # 2017-11-12 stand out of order. In time nothing is missing: 20,110 hours lie between the first and the last bar.
    assert (report.gaps, report.missing_bars) == (0, 0)
    assert (report.last_open_time - report.first_open_time).total_seconds() == 20_110 * 3600
    assert "newest first" in report.notes


def test_coinbase_days_newest_first() -> None:
    report = read("coinbase_BTCUSD_1d_2014_2019.csv.gz", "1d").report
    assert is_clean(report)
    assert [one.symbol for one in report.series] == ["BTC-USD"]
    assert (report.rows_read, report.zero_volume) == (1_770, 38)
    assert (report.gaps, report.missing_bars) == (1, 12)  # 13 days from bar to bar: 12 bars between
    assert (report.first_open_time, report.last_open_time) == (at("2014-12-01"), at("2019-10-17"))


def test_all_recordings_are_covered() -> None:
    rows = 0
    files = find_files(KLINES)
    for file in files:
        code = "1d" if "_1d_" in str(file) else "1m" if "_1m" in str(file) else "1h"
        symbol = next((one for one in ("ETHUSDT", "BTCUSDT", "BTCUSD") if one in file.name), None)
        is_named = symbol is not None and file.name.endswith(".gz")
        pair = Symbol.from_spelling(symbol) if symbol and is_named else None
        rows += read_recording(
            file, RecordingSpec("somewhere", Market.SPOT, Interval.parse(code), pair)
        ).report.rows_read
    assert (len(files), rows) == (43, 1_676_448)
