from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from assay.domain.errors import BadInputError
from tests.unit.lake.recordings.writing import START_MS, csv_of, read_table, read_text, row, spec

HEADER = "symbol,open_time,open,high,low,close,volume\n"


def line(symbol: str, hour: int) -> str:
    return f"{symbol},{row(hour)}\n"


LONG = HEADER + line("ETHUSDT", 0) + line("ETHUSDT", 1) + line("BTCUSDT", 0) + line("btc/usdt", 2)


def test_long_table_gives_every_symbol_as_a_series(tmp_path: Path) -> None:
    report = read_text(tmp_path, LONG, spec(None)).report
    assert [(one.symbol, one.accepted, one.missing_bars) for one in report.series] == [
        ("BTC-USDT", 2, 1),
        ("ETH-USDT", 2, 0),
    ]
    assert (report.accepted, report.missing_bars, report.gaps, report.provisional) == (4, 1, 1, 2)


def test_asked_symbol_is_taken_and_the_others_are_counted(tmp_path: Path) -> None:
    recording = read_text(tmp_path, LONG, spec("BTC-USDT"))
    assert recording.klines["row_number"].to_list() == [4, 5]
    assert (recording.report.rows_read, recording.report.other_symbols) == (2, 2)
    assert recording.report.is_balanced


def test_bad_row_of_the_asked_symbol_keeps_its_own_text_when_others_are_left_out(tmp_path: Path) -> None:
    bad = f"BTCUSDT,{row(3, 'x', 12, 9, 11)}"
    recording = read_text(tmp_path, LONG + bad + "\n" + line("ETHUSDT", 4), spec("BTC-USDT"))
    assert recording.quarantined.rows() == [(6, "open is not a number: 'x'", bad)]


def test_file_of_another_symbol_is_refused_naming_it(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no rows of the symbol: 'SOL-USDT'; it holds BTC-USDT, ETH-USDT"):
        read_text(tmp_path, LONG, spec("SOL-USDT"))


def test_usdt_is_not_usd(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="it holds BTC-USD$"):
        read_text(tmp_path, HEADER + line("BTCUSD", 0), spec("BTC-USDT"))


@pytest.mark.parametrize("asked", [None, "BTC-USDT"])
def test_row_without_a_readable_symbol_is_quarantined(tmp_path: Path, asked: str | None) -> None:
    recording = read_text(tmp_path, HEADER + line("BTCUSDT", 0) + line("?!", 1) + line("", 2), spec(asked))
    assert recording.quarantined["cause"].to_list() == ["symbol is not a symbol: '?!'", "symbol is missing"]
    assert recording.report.accepted == 1


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT.csv", "BTC-USDT"),
        ("BTCUSDT_2024-07_2024-08.csv", "BTC-USDT"),
        ("BTCUSDT-1h-2024-01.csv", "BTC-USDT"),
        ("BTC-USDT.csv", "BTC-USDT"),
        ("eth_btc_1h.csv", "ETH-BTC"),
    ],
)
def test_file_name_says_the_symbol_when_nothing_else_does(tmp_path: Path, name: str, symbol: str) -> None:
    report = read_text(tmp_path, csv_of(row(0)), spec(None), name=name).report
    assert report.series[0].symbol == symbol
    assert f"symbol {symbol} taken from the file's name" in report.notes


@pytest.mark.parametrize("name", ["bars.csv", "binance_spot_BTCUSDT.csv", "2024-01.csv", "-.csv"])
def test_file_name_without_a_symbol_asks_for_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="pass --symbol BASE-QUOTE"):
        read_text(tmp_path, csv_of(row(0)), spec(None), name=name)


def test_asked_symbol_beats_the_file_name(tmp_path: Path) -> None:
    report = read_text(tmp_path, csv_of(row(0)), spec("SOL-USDT"), name="BTCUSDT.csv").report
    assert report.series[0].symbol == "SOL-USDT"


def test_categorical_symbols_are_read(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {"ticker": ["BTCUSDT"], "time": [START_MS]}
        | {name: [1.0] for name in ("open", "high", "low", "close", "volume")},
        schema_overrides={"ticker": pl.Categorical()},
    )
    assert read_table(tmp_path, table, spec(None)).report.series[0].symbol == "BTC-USDT"


def test_column_that_names_the_coin_alone_agrees_with_the_asked_pair_only(tmp_path: Path) -> None:
    assert read_text(tmp_path, HEADER + line("BTC", 0), spec("BTC-USDT")).report.series[0].symbol == "BTC-USDT"
    with pytest.raises(BadInputError, match="symbol is not a symbol: 'ETH'"):
        read_text(tmp_path, HEADER + line("ETH", 0), spec("BTC-USDT"))
