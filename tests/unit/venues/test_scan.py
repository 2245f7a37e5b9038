"""What the scanner returns is what the reader returns, to the last bit; whatever it cannot be sure of, it declines."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.domain.errors import AssayError
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.venues import scan as scanning
from assay.venues.binance.parse import _Kline as BinanceKline
from assay.venues.page import Count
from assay.venues.parsed import Parsed
from assay.venues.registry import find_venue
from assay.venues.requests import klines_request
from assay.venues.scan import prepare, scan
from assay.venues.wazirx.parse import _Kline as WazirxKline
from tests.contract.venue_checks import wire_sample
from tests.unit.venues.sandbox.asking import NOON, Asking

VENUES = ("binance", "wazirx")
ROW_TYPES: dict[str, type[tuple[Any, ...]]] = {"binance": BinanceKline, "wazirx": WazirxKline}
ASKED_AT = datetime(2024, 1, 1, 12, tzinfo=UTC)
START_MS, HOUR_MS = 1_704_067_200_000, 3_600_000
Outcome = tuple[pl.DataFrame, pl.DataFrame] | tuple[type[AssayError], str]


class Text(NamedTuple):
    value: str


class Number(NamedTuple):
    value: float


class Whole(NamedTuple):
    value: Count


@pytest.fixture(scope="module", autouse=True)
def prepared() -> None:
    prepare()


@contextmanager
def unprepared() -> Iterator[None]:
    """Within, everything is read by the reader."""
    loaded = list(scanning._loaded)
    scanning._loaded.clear()
    try:
        yield
    finally:
        scanning._loaded.extend(loaded)


def outcome(venue: str, body: bytes, interval: str = "1h") -> Outcome:
    spec = find_venue(venue).spec
    start = datetime(2024, 1, 1, tzinfo=UTC)
    request = klines_request(
        spec, Symbol("BTC", "USDT"), interval=Interval(interval), start=start, end=datetime(2024, 2, 1, tzinfo=UTC)
    )
    try:
        parsed: Parsed = find_venue(venue).handlers["klines"](body, request, asked_at=ASKED_AT)
    except AssayError as error:
        return type(error), str(error)
    return parsed.rows, parsed.rejected


def assert_same(venue: str, body: bytes, interval: str = "1h") -> None:
    """Assert that the handler answers the same with the scanner and without."""
    scanned = outcome(venue, body, interval)
    with unprepared():
        read = outcome(venue, body, interval)
    if isinstance(read[0], pl.DataFrame):
        assert isinstance(scanned[0], pl.DataFrame)
        assert isinstance(scanned[1], pl.DataFrame)
        assert isinstance(read[1], pl.DataFrame)
        assert scanned[0].schema == read[0].schema
        assert bits(scanned[0]) == bits(read[0])
        assert scanned[1].rows() == read[1].rows()
    else:
        assert scanned == read


def bits(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    """Return the rows with each float as its eight bytes, so that -0.0 is not 0.0."""
    return [tuple(struct.pack("<d", one) if isinstance(one, float) else one for one in row) for row in frame.rows()]


def page_of(rows: list[list[Any]]) -> bytes:
    return json.dumps(rows, separators=(",", ":")).encode()


def binance_row(opened_ms: int, *texts: str, trades: int = 308) -> list[Any]:
    opening, high, low, closing, volume, quote, taker, taker_quote, ignore = texts
    closes = opened_ms + HOUR_MS - 1
    return [opened_ms, opening, high, low, closing, volume, closes, quote, trades, taker, taker_quote, ignore]


SOUND = ("2.00000000", "4.00000000", "1.00000000", "3.00000000", "10.5", "21.0", "5.00", "10.25000000", "0")
PAGE = page_of([binance_row(START_MS + hour * HOUR_MS, *SOUND) for hour in range(4)])
SAMPLES = {
    "binance": PAGE,
    "wazirx": page_of([[START_MS // 1_000 + hour * 3_600, 73216, 73250.5, 73216, 73216, 0.00201] for hour in range(4)]),
}

DIGITS = st.text("0123456789", min_size=1, max_size=12)
DECIMALS = st.one_of(
    st.builds("{}.{}".format, DIGITS, DIGITS),
    st.builds("{}.{}".format, st.integers(0, 10**11), st.text("0123456789", min_size=8, max_size=8)),
    st.integers(0, 10**20).map(str),
    DIGITS,
)
STRANGE = st.one_of(
    DECIMALS,
    st.sampled_from(
        ["", ".", "1.", ".5", "-1", "-0", "+1", "1e5", "1E-7", "nan", "inf", " 1", "1 ", "1,5", "0x1", "1_0", "\u0661",
         "00.10", "1.2.3", "9" * 25, "0." + "0" * 30 + "1", "\x00", '"', "\\u0031", "9007199254740993", "1e999"]
    ),
    st.text(max_size=4),
)  # fmt: skip


# Numbers


def values(row_type: type[tuple[Any, ...]], written: list[str], quote: str = "") -> list[float] | None:
    columns = scan(f"[[{'],['.join(quote + one + quote for one in written)}]]".encode(), row_type)
    return None if columns is None else columns["value"].tolist()


@settings(max_examples=400)
@given(DECIMALS)
@example("9007199254740993")  # 2**53 + 1: a tie, to even
@example("9007199254740992.99999999"[:20])
@example("90071992547.40993000")
@example("0.00000000")
@example("18446744073709551615"[:19])
@example("9999999999999999999")
@example("9999999999.99999999")
def test_decimals_become_what_python_makes_of_them_or_are_declined(written: str) -> None:
    found = values(Text, [written], '"')
    assert found is None or struct.pack("<d", found[0]) == struct.pack("<d", float(written))
    significant, places = len(written.replace(".", "")), len(written.partition(".")[2])
    if significant <= 15 or (significant <= 19 and places <= 8):
        assert found is not None, "the numbers of the venues are read"


@settings(max_examples=300)
@given(st.integers(2**52, 2**53 - 1), st.integers(0, 8), st.integers(-1, 1))
def test_halfway_between_two_floats_is_rounded_to_even(mantissa: int, halvings: int, off: int) -> None:
    # mantissa + 1/2, halved again and again, is exactly between two neighbours and has that many places and one.
    middle = Fraction(2 * mantissa + 1, 2 ** (halvings + 1))
    places = halvings + 1
    units = int(middle * 10**places) + off
    if places > 8 or len(str(units)) > 19:
        return
    written = f"{units // 10**places}.{units % 10**places:0{places}d}"
    found = values(Text, [written], '"')
    assert found == [float(written)]
    expected = min(
        (Fraction(float(mantissa)) / 2**halvings, Fraction(float(mantissa + 1)) / 2**halvings),
        key=lambda one: (abs(one - Fraction(units, 10**places)), int(one * 2**halvings) % 2),
    )
    assert Fraction(float(written)) == expected, "and Python agrees with exact fractions"


def test_all_numbers_of_a_kind_that_venues_send_are_exact() -> None:
    draws = random.Random(9)
    written = []
    for _ in range(50_000):
        digits = str(draws.randrange(10 ** draws.randint(1, 19))).rjust(9, "0")
        written.append(f"{digits[:-8]}.{digits[-8:]}")
    found = values(Text, written, '"')
    assert found == [float(one) for one in written]


@given(st.integers(0, 10**19))
def test_whole_numbers_are_exact_or_declined(number: int) -> None:
    assert values(Whole, [str(number)]) == ([number] if number < 10**18 else None)


@given(st.floats(0, 1e15, allow_subnormal=False))
def test_bare_numbers_are_exact_or_declined(number: float) -> None:
    written = json.dumps(number)
    found = values(Number, [written])
    assert found in (None, [number])
    if len(written) <= 16 and "e" not in written:
        assert found is not None


@pytest.mark.parametrize("written", ["007", "00", "-1", "1.", ".5", "1e5", "+1", "", " 1", "01.5", "1.5 "])
def test_what_json_does_not_have_is_declined(written: str) -> None:
    assert values(Number, [written]) is None
    assert values(Whole, [written]) is None


@pytest.mark.parametrize("written", ["1.", ".5", "-1", "1e5", "+1", "", " 1", "1.5 ", "1,5", "nan", "1.2.3"])
def test_text_of_another_form_is_declined(written: str) -> None:
    assert values(Text, [written], '"') is None


# Pages


def test_samples_are_scanned_and_not_declined() -> None:
    for venue in VENUES:
        for body in (SAMPLES[venue], wire_sample(find_venue(venue).handlers["klines"])):
            columns = scan(body, ROW_TYPES[venue])
            assert columns is not None
            assert [len(column) for column in columns.values()] == [len(json.loads(body))] * len(columns)
            assert_same(venue, body)


@pytest.mark.parametrize("interval", ["1m", "1h", "3d", "1w", "1M"])
def test_pages_of_every_interval_read_the_same(interval: str) -> None:
    assert_same("binance", PAGE, interval)


@pytest.mark.parametrize(
    "change",
    [
        {1: "0.00000000"}, {1: "5.0"}, {2: "0.5"}, {3: "9.0"}, {4: "0.1"}, {5: "0.00000000"}, {8: 0}, {0: START_MS},
        {0: START_MS + 1}, {0: START_MS - HOUR_MS}, {0: 1_499_040_000}, {6: 7_289_654_400_000}, {8: 2**63}, {8: -1},
        {11: "x"}, {11: ""}, {1: 2.0}, {1: None}, {8: 1.5}, {8: "5"}, {5: "-1.0"}, {5: "1e5"}, {10: "9" * 400},
        {10: "9" * 400 + ".0"}, {9: "12345678901234567890.12345678"},
    ],
    ids=str,
)  # fmt: skip
def test_row_that_something_is_to_be_said_of_reads_the_same(change: dict[int, Any]) -> None:
    rows = json.loads(PAGE)
    for place, value in change.items():
        rows[2][place] = value
    assert_same("binance", page_of(rows))


def test_repeated_bars_read_the_same() -> None:
    rows = json.loads(PAGE)
    assert_same("binance", page_of([*rows, rows[1], rows[2], *rows]))
    assert_same("binance", page_of(rows[::-1]))
    rows[3][:2] = [rows[0][0], "2.5"]
    assert_same("binance", page_of(rows))


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.lists(STRANGE, min_size=9, max_size=9), min_size=1, max_size=4), trades=st.integers(-1, 2**64))
def test_any_texts_in_the_fields_read_the_same(rows: list[list[str]], trades: int) -> None:
    page = [binance_row(START_MS + at * HOUR_MS, *texts, trades=trades) for at, texts in enumerate(rows)]
    assert_same("binance", page_of(page))


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 11), strange=STRANGE | st.integers() | st.floats() | st.none() | st.lists(st.integers()))
def test_one_strange_field_reads_the_same(place: int, strange: object) -> None:
    for venue in VENUES:
        rows = json.loads(SAMPLES[venue])
        rows[1][place % len(rows[1])] = strange
        assert_same(venue, page_of(rows))


BYTES = st.sampled_from([bytes([one]) for one in b'0123456789.,"[]{}-+eE \n\t\x00\\nu:\xff'])
EDITS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 3), BYTES), min_size=1, max_size=4)


@settings(max_examples=800, deadline=None)
@given(venue=st.sampled_from(VENUES), edits=EDITS)
def test_mutated_pages_read_the_same(venue: str, edits: list[tuple[int, int, bytes]]) -> None:
    body = SAMPLES[venue]
    for place, taken, put in edits:
        at = place % (len(body) + 1)
        body = body[:at] + put + body[at + taken :]
    assert_same(venue, body)


def test_every_single_byte_changed_is_declined_or_reads_the_same() -> None:
    body = page_of(json.loads(PAGE)[:2])
    scanned = 0
    for at in range(len(body)):
        for put in (b"", b"0", b"9", b".", b",", b'"', b"[", b"]", b" ", b"-", b"e", b"\x00", b"\xff"):
            changed = body[:at] + put + body[at + 1 :]
            # Declined, it is the reader's: the same by being the same.
            if scan(changed, BinanceKline) is not None:
                scanned += 1
                if put in (b"", b"9"):
                    assert_same("binance", changed)
    assert scanned > 400


def test_page_cut_off_anywhere_is_declined_and_reads_the_same() -> None:
    for venue in VENUES:
        for length in range(len(SAMPLES[venue])):
            assert scan(SAMPLES[venue][:length], ROW_TYPES[venue]) is None
            if length % 7 == 0:
                assert_same(venue, SAMPLES[venue][:length])


@settings(max_examples=500)
@given(st.binary(max_size=80) | st.text('[]",.0123456789', max_size=80).map(str.encode))
def test_garbage_never_raises(garbage: bytes) -> None:
    # The kernel is compiled with checked bounds: a read or a write beyond an array would be an IndexError here.
    for row_type in (Text, Number, Whole, BinanceKline):
        columns = scan(garbage, row_type)
        if columns is not None:
            assert len(json.loads(garbage)) == len(next(iter(columns.values())))


def test_smallest_rows_fit_in_the_columns() -> None:
    for row_type, row in ((Whole, "[0]"), (Number, "[0]"), (Text, '["0"]')):
        for count in (1, 2, 3, 1_000):
            columns = scan(f"[{','.join([row] * count)}]".encode(), row_type)
            assert columns is not None
            np.testing.assert_array_equal(columns["value"], np.zeros(count))


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"[[]]", b"[[],[]]", b'[["1"]', b'[["1"],]', b'[["1"]] ', b'["1"]'])
def test_page_without_a_whole_row_is_declined(body: bytes) -> None:
    assert scan(body, Text) is None
    assert_same("binance", body)


def test_pages_of_the_simulated_venues_are_scanned_and_read_the_same() -> None:
    asking = Asking()
    for venue, wire in (("binance", "1h"), ("binance", "1d"), ("wazirx", "1h")):
        spec = find_venue(venue).spec
        interval = spec.interval(wire)
        start = interval.floor(NOON - 200 * interval.duration)
        quote = "USDT" if venue == "binance" else "INR"
        request = klines_request(
            spec, Symbol("BTC", quote), interval=interval, start=start, end=start + 150 * interval.duration
        )
        answer = asking.send(request)
        columns = scan(answer.body, ROW_TYPES[venue])
        assert columns is not None
        assert len(columns["open"]) == 150
        assert_same(venue, answer.body, wire)


def test_nothing_is_compiled_by_those_who_did_not_prepare() -> None:
    code = (
        "import sys, assay.venues.binance.parse, assay.venues.scan as scan\n"
        "from assay.venues.binance.parse import _Kline\n"
        f"assert scan.scan({PAGE!r}, _Kline) is None\n"
        "assert 'numba' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
