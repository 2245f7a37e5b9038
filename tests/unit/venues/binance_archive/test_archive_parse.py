"""Files of the archive: both units of time, with names or without; and everything that makes one useless."""

from __future__ import annotations

import contextlib
import hashlib
import random
import struct
import zipfile
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.domain.instrument import Market
from assay.venues.binance_archive import parse
from assay.venues.binance_archive.parse import HANDLERS, NAMES, parse_checksum, parse_file
from assay.venues.binance_archive.spec import SPEC, checksum_endpoint, file_endpoint
from assay.venues.errors import PoisonPageError
from assay.venues.parsed import Parsed
from assay.venues.requests import file_request
from assay.venues.spec import Request, Role

NAME = "BTCUSDT-1h-2017-08-17"
# The first row stands in the documentation of the archive's klines; the second follows it.
ROWS = (
    "1502942400000,4261.48000000,4313.62000000,4261.32000000,4308.83000000,47.18100900,1502945999999,"
    "202366.13839304,171,35.16050300,150952.47794304,0",
    "1502946000000,4308.83000000,4328.69000000,4291.37000000,4315.32000000,23.23491600,1502949599999,"
    "100304.82356749,102,21.44807100,92608.27972836,0",
)
LATER = datetime(2040, 1, 1, tzinfo=UTC)


def zipped(
    text: str | bytes, *, name: str = f"{NAME}.csv", more: str = "", method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", method) as file:
        file.writestr(name, text)
        if more:
            file.writestr(more, "x")
    return packed.getvalue()


def asked(body: bytes, *, interval: str = "1h", date: str = "2017-08-17", market: Market = Market.SPOT) -> Request:
    values = {Role.SYMBOL: "BTCUSDT", Role.INTERVAL: interval, Role.PERIOD: date}
    period = "daily" if len(date) == 10 else "monthly"
    return file_request(SPEC, file_endpoint(market, period), values, sha256=hashlib.sha256(body).hexdigest())


def read(*rows: str, **named: str) -> Parsed:
    body = zipped(
        "\n".join(rows) + "\n", name=f"BTCUSDT-{named.get('interval', '1h')}-{named.get('date', '2017-08-17')}.csv"
    )
    return parse_file(body, asked(body, **named), asked_at=LATER)  # type: ignore[arg-type]


def in_microseconds(row: str) -> str:
    fields = row.split(",")
    return ",".join([f"{fields[0]}000", *fields[1:6], f"{fields[6]}999", *fields[7:]])


def test_rows_are_read_to_the_last_digit() -> None:
    rows = read(*ROWS).rows
    assert rows["open"].to_list() == [4261.48, 4308.83]
    assert rows["taker_buy_quote_volume"].to_list() == [150952.47794304, 92608.27972836]
    assert rows["num_trades"].to_list() == [171, 102]
    assert rows["open_time"][0] == datetime(2017, 8, 17, 4, tzinfo=UTC)
    assert rows["close_time"][1] == datetime(2017, 8, 17, 6, tzinfo=UTC)
    assert not any(rows["is_provisional"])


@pytest.mark.parametrize("is_named", [False, True])
@pytest.mark.parametrize("is_fine", [False, True])
def test_both_units_of_time_and_a_line_of_names_give_the_same_bars(is_named: bool, is_fine: bool) -> None:
    rows = [in_microseconds(row) for row in ROWS] if is_fine else [*ROWS]
    found = read(*([",".join(NAMES)] if is_named else []), *rows).rows
    assert found.drop("source_close_time").equals(read(*ROWS).rows.drop("source_close_time"))


def test_numbers_are_rounded_as_python_rounds_them() -> None:
    draw = random.Random(5)
    texts = [f"{draw.randrange(1, 10 ** draw.randrange(1, 12))}.{draw.randrange(10**8):08d}" for _ in range(24)]
    rows = [
        f"{1502928000000 + hour * 3_600_000},{text},{text},{text},{text},{text},{1502931599999 + hour * 3_600_000},"
        f"{text},1,{text},{text},0"
        for hour, text in enumerate(texts)
    ]
    assert read(*rows).rows["close"].to_list() == [float(text) for text in texts]


def test_a_month_is_spelled_so_that_it_is_no_minute() -> None:
    row = ROWS[0].replace("1502942400000", "1501545600000").replace("1502945999999", "1504223999999")
    assert read(row, interval="1mo", date="2017-08").rows["close_time"][0] == datetime(2017, 9, 1, tzinfo=UTC)
    path = asked(b"", interval="1mo", date="2017-08").path
    assert path == "/data/spot/monthly/klines/BTCUSDT/1mo/BTCUSDT-1mo-2017-08.zip"
    futures = asked(b"", date="2024-05-01", market=Market.USDM)
    assert futures.path == "/data/futures/um/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-05-01.zip"
    assert futures.sent == ()


GOOD = zipped("\n".join(ROWS))


def broken(row: int, field: int, text: str) -> bytes:
    fields = [one.split(",") for one in ROWS]
    fields[row][field] = text
    return zipped("\n".join(",".join(one) for one in fields))


def encrypted() -> bytes:
    """Return the file with the flag set that says that it needs a password."""
    body = bytearray(GOOD)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = body.index(mark) + place
        body[at : at + 2] = struct.pack("<H", 1)
    return bytes(body)


USELESS = {
    "cut off": (GOOD[: len(GOOD) // 2], "not a zip"),
    "no zip": (b"<html></html>", "not a zip"),
    "nothing": (b"", "not a zip"),
    "bits that turned over": (GOOD.replace(GOOD[70:74], b"\x00\x01\x02\x03"), "not a zip"),
    "a password": (encrypted(), "not a zip"),
    "another file": (zipped("\n".join(ROWS), name="ETHUSDT-1h-2017-08-17.csv"), "does not hold"),
    "a way out": (zipped("\n".join(ROWS), name="../../etc/passwd"), "does not hold"),
    "two files": (zipped("\n".join(ROWS), more="another.csv"), "does not hold"),
    "an empty file": (zipped(""), "is empty"),
    "other names": (zipped("\n".join(("time,price", *ROWS))), "first line"),
    "names alone": (zipped(",".join(NAMES) + "\n"), ""),
    "a row too short": (zipped("\n".join((ROWS[0], "1502946000000,1,1"))), ""),
    "a row too long": (zipped("\n".join((ROWS[0], ROWS[1] + ",1"))), ""),
    "no number": (broken(1, 4, "x"), ""),
    "not a number": (broken(1, 4, "nan"), "close"),
    "no end": (broken(1, 5, "inf"), "volume"),
    "no price": (broken(0, 1, ""), "open"),
    "a price of nothing": (broken(0, 3, "0.0"), "row 1"),
    "a high below the low": (broken(1, 2, "1.0"), "row 2"),
    "two units of time": (zipped("\n".join((ROWS[0], in_microseconds(ROWS[1])))), "milliseconds"),
    "a time in seconds": (broken(1, 0, "1502946000"), "milliseconds"),
    "a day of another file": (broken(1, 0, "1503032400000"), "outside"),
}


@pytest.mark.parametrize("name", USELESS)
def test_useless_file_is_refused_with_its_cause(name: str) -> None:
    body, cause = USELESS[name]
    with pytest.raises(PoisonPageError) as caught:
        parse_file(body, asked(body), asked_at=LATER)
    assert cause in caught.value.cause


def test_file_that_is_not_the_one_of_its_checksum_is_refused_whatever_it_holds() -> None:
    with pytest.raises(PoisonPageError, match="its checksum"):
        parse_file(GOOD, asked(GOOD + b" "), asked_at=LATER)


def test_zip_that_inflates_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "LARGEST", 1_000_000)
    bomb = zipped(b"0" * 50_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(PoisonPageError, match="inflates to more"):
        parse_file(bomb, asked(bomb), asked_at=LATER)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_no_byte_can_be_changed_unnoticed(at: int, byte: int) -> None:
    body = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    right = parse_file(GOOD, asked(GOOD), asked_at=LATER).rows
    with contextlib.suppress(PoisonPageError):
        assert parse_file(body, asked(body), asked_at=LATER).rows.equals(right)  # a time of making, or the like


def test_checksum_is_read_and_has_to_be_of_the_file() -> None:
    values = {Role.SYMBOL: "BTCUSDT", Role.INTERVAL: "1m", Role.PERIOD: "2024-01"}
    request = file_request(SPEC, checksum_endpoint(Market.SPOT, "monthly"), values)
    assert request.path.endswith("/BTCUSDT-1m-2024-01.zip.CHECKSUM")
    digest = "ab" * 32
    for text in (f"{digest}  BTCUSDT-1m-2024-01.zip\n", f"{digest.upper()} *BTCUSDT-1m-2024-01.zip"):
        assert parse_checksum(text.encode(), request, asked_at=LATER).rows["sha256"].to_list() == [digest]
    for wrong in (b"", b"<html>", f"{digest}  BTCUSDT-1m-2024-02.zip".encode(), b"xy  BTCUSDT-1m-2024-01.zip", b"\xff"):
        with pytest.raises(PoisonPageError):
            parse_checksum(wrong, request, asked_at=LATER)


def test_every_endpoint_has_its_reader() -> None:
    assert set(HANDLERS) == {one.name for one in SPEC.endpoints}
    assert not SPEC.has_klines
