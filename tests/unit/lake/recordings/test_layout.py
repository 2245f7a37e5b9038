from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from assay.domain.errors import BadInputError
from assay.lake.recordings import Recording
from assay.lake.recordings.columns import recognise
from tests.unit.lake.recordings.writing import START_MS, csv_of, read_table, read_text, row, spec

TWELVE = [
    f"{START_MS + hour * 3_600_000},10.1,12.5,9.5,11.25,5.5,{START_MS + hour * 3_600_000 + 3_599_999},60.5,7,2.5,27.5,0"
    for hour in range(3)
]
FULL = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
OTHER_NAMES = "Timestamp, Open ,HIGH,low_,Close,vol,closetime,quote_av,trades,tb_base_av,tb_quote_av,x"


def first(recording: Recording) -> dict[str, object]:
    return recording.klines.row(0, named=True)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([FULL, *TWELVE], id="Binance's own header"),
        pytest.param([FULL + ",order_book", *TWELVE], id="13 names for 12 values"),
        pytest.param([OTHER_NAMES, *TWELVE], id="other names"),
        pytest.param(TWELVE, id="no header"),
        pytest.param([",".join(map(str, range(12))), *TWELVE], id="numbered header"),
        pytest.param(["a,b,c,d,e,f,g,h,i,j,k,l", *TWELVE], id="names that say nothing"),
        pytest.param(["Made on Monday", "by somebody, somewhere", FULL, *TWELVE], id="notice lines"),
        pytest.param(["Made on Monday", *TWELVE], id="notice and no header"),
        pytest.param(["", FULL, "", *TWELVE, "", ""], id="blank lines"),
        pytest.param([FULL + ",", *(line + "," for line in TWELVE)], id="trailing delimiter"),
        pytest.param([f'"{one}"'.replace(",", '","') for one in (FULL, *TWELVE)], id="quoted"),
        pytest.param([one.replace(",", ";") for one in (FULL, *TWELVE)], id="semicolons"),
        pytest.param([one.replace(",", "\t") for one in (FULL, *TWELVE)], id="tabs"),
        pytest.param([one.replace(",", " , ") for one in (FULL, *TWELVE)], id="spaces around"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_twelve_columns_are_read_whatever_the_header(tmp_path: Path, lines: list[str], end: str) -> None:
    recording = read_text(tmp_path, end.join(lines) + end)
    assert recording.report.accepted == recording.report.rows_read == 3
    assert recording.report.close_time_mismatches == 0
    found = first(recording)
    assert [found[name] for name in ("open", "high", "low", "close", "volume")] == [10.1, 12.5, 9.5, 11.25, 5.5]
    assert [found[name] for name in ("quote_volume", "num_trades")] == [60.5, 7]
    assert [found[name] for name in ("taker_buy_volume", "taker_buy_quote_volume")] == [2.5, 27.5]


def test_row_numbers_are_the_lines_of_the_text(tmp_path: Path) -> None:
    recording = read_text(tmp_path, "notice\n\n" + csv_of(row(0), "broken", row(1)))
    # line 1 notice, 2 blank, 3 header, 4 row, 5 broken, 6 row
    assert recording.klines["row_number"].to_list() == [4, 6]
    assert recording.quarantined["row_number"].to_list() == [5]


def test_byte_order_mark_and_old_mac_line_ends_are_read(tmp_path: Path) -> None:
    assert read_text(tmp_path, "\ufeff" + csv_of(row(0))).report.accepted == 1
    assert read_text(tmp_path, csv_of(row(0), row(1)).replace("\n", "\r")).report.accepted == 2


def test_form_feed_inside_a_line_does_not_cut_it(tmp_path: Path) -> None:
    recording = read_text(tmp_path, csv_of(row(0), "rub\x0cbish", row(1)))
    assert recording.quarantined.rows() == [(3, "wrong number of fields: 1 instead of 6", "rub\x0cbish")]


def test_thousands_separator_in_quotes_is_refused_not_guessed(tmp_path: Path) -> None:
    recording = read_text(tmp_path, csv_of(row(0), f'{START_MS + 3_600_000},"1,234.5",2000,1,2,3'))
    assert recording.report.quarantined == 1
    assert "open is not a number" in recording.quarantined["cause"][0]


def test_column_map_reads_any_file(tmp_path: Path) -> None:
    text = f"when,first,top,bottom,final,amount\n{START_MS},1,4,0.5,2,9\n"
    names = ("when", "first", "top", "bottom", "final", "amount")
    columns = dict(zip(("open_time", "open", "high", "low", "close", "volume"), names, strict=True))
    recording = read_text(tmp_path, text, spec(columns=columns))
    assert [first(recording)[name] for name in ("open", "high", "low", "close", "volume")] == [1, 4, 0.5, 2, 9]


def test_column_map_overrides_what_the_names_say(tmp_path: Path) -> None:
    text = f"time,open,high,low,close,volume,usd\n{START_MS},1,4,0.5,2,9,18\n"
    recording = read_text(tmp_path, text, spec(columns={"volume": "usd", "quote_volume": "volume"}))
    assert (first(recording)["volume"], first(recording)["quote_volume"]) == (18, 9)


def test_column_map_by_position_reads_a_file_without_header(tmp_path: Path) -> None:
    text = f"{START_MS},9,0.5,4,1,2\n{START_MS + 3_600_000},9,0.5,4,1,2\n"
    columns = {"open_time": "1", "volume": "2", "low": "3", "high": "4", "open": "5", "close": "6"}
    recording = read_text(tmp_path, text, spec(columns=columns))
    assert [first(recording)[name] for name in ("open", "high", "low", "close", "volume")] == [1, 4, 0.5, 2, 9]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"volum": "volume"}, "not a column of a kline: 'volum'; did you mean volume"),
        ({"volume": "volum"}, "the file has no such column: 'volum'; did you mean volume"),
        ({"volume": "zzz"}, "the file has no such column: 'zzz'; it has open_time, open"),
        ({"volume": "open", "close": "open"}, "used twice: 'open'"),
    ],
)
def test_wrong_column_map_names_the_nearest(tmp_path: Path, columns: dict[str, str], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_text(tmp_path, csv_of(row(0)), spec(columns=columns))
    table = pl.read_csv(csv_of(row(0)).encode())
    with pytest.raises(BadInputError, match=message):
        read_table(tmp_path, table, spec(columns=columns))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("when,a,b,c,d,e\n1704067200,1,2,3,4,5\n", "no column recognised: 'open_time, open.*it has when, a.*--columns"),
        ("open_time,open,high,low,close\n1704067200,1,2,1,2\n", "no column recognised: 'volume'.*volume=NAME"),
        ("1704067200,1,2,1,2,5\n1704070800,1,2,1,2,5\n", "no header, and not Binance's.*by position"),
        ("Dear Sir or Madam,\nthis is a letter.\n", "no column recognised"),
        ("just one word\n", "no column recognised"),
    ],
)
def test_unrecognised_columns_are_named_with_the_way_out(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_text(tmp_path, text)


def test_header_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="a header and no rows"):
        read_text(tmp_path, csv_of())


def test_parquet_without_rows_or_with_nested_columns_is_refused(tmp_path: Path) -> None:
    table = pl.read_csv(csv_of(row(0)).encode())
    with pytest.raises(BadInputError, match="columns and no rows"):
        read_table(tmp_path, table.clear())
    with pytest.raises(BadInputError, match="neither number, text nor time: 'open'"):
        read_table(tmp_path, table.with_columns(open=pl.concat_list("open", "high")))


def test_first_known_name_wins_and_the_rest_is_said_to_be_unused(tmp_path: Path) -> None:
    text = f"unix,date,open,high,low,close,volume,vol\n7,{START_MS},1,4,0.5,2,9,18\n"
    recording = read_text(tmp_path, text)
    assert first(recording)["volume"] == 9
    assert "columns not used: unix, vol" in recording.report.notes


@pytest.mark.parametrize(
    ("names", "base", "quote"),
    [
        (("Volume BTC", "Volume USD"), "Volume BTC", "Volume USD"),
        (("Volume USDT", "Volume ADA"), "Volume ADA", "Volume USDT"),
        (("Volume ETH", "Volume BTC"), "Volume ETH", "Volume BTC"),
        (("Volume BTC",), "Volume BTC", None),
        (("Volume USD",), None, "Volume USD"),
        (("Volume", "Volume USD"), "Volume", None),
        (("volume_change",), None, None),
    ],
)
def test_volume_named_by_asset_is_base_or_quote(names: tuple[str, ...], base: str | None, quote: str | None) -> None:
    sources = recognise(["Date", "Open", "High", "Low", "Close", *names]).sources
    assert (sources.get("volume"), sources.get("quote_volume")) == (base, quote)


def test_notes_say_what_was_recognised(tmp_path: Path) -> None:
    text = f"Made on Monday\nDate,Open,High,Low,Close,Volume BTC,Volume USD,Mood,Note\n{START_MS},1,2,1,2,5,9,fine\n"
    notes = read_text(tmp_path, text).report.notes
    assert "1 line before the data skipped" in notes
    assert "header in line 2" in notes
    assert any("Volume USD is quote_volume" in note for note in notes)
    assert "columns not used: Mood, Note" in notes
    assert "the header names 9 columns, the rows have 8: nothing is in Note" in notes


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_nameless_first_column_is_the_time_unless_another_is(tmp_path: Path, name: str) -> None:
    header = f"{name},open,high,low,close,volume"
    assert read_text(tmp_path, f"{header}\n2024-01-01 01:00,10,12,9,11,5\n").report.accepted == 1
    assert read_text(tmp_path, f"{header},timestamp\n0,10,12,9,11,5,{START_MS}\n").report.accepted == 1


def test_nameless_index_of_a_parquet_file_is_the_time(tmp_path: Path) -> None:
    table = pl.read_csv(csv_of(row(0)).encode()).rename({"open_time": "__index_level_0__"})
    assert read_table(tmp_path, table).report.accepted == 1
