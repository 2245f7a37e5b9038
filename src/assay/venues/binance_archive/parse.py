"""Reading the files of Binance's archive: a zip is what it should be, whole and to the last row, or it is not used.

A file is not an answer of which one bad row can be set aside: it was made by a program, once, for everybody. If any of
it is wrong, all of it is doubtful, and the exchange itself can still be asked for the same bars.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from io import BytesIO

import msgspec
import polars as pl

from assay.venues import tables
from assay.venues.binance_archive.spec import CHECKSUM, DATE, SPEC
from assay.venues.datasets import CHECKSUMS, MOMENT
from assay.venues.errors import PoisonPageError, VenueError
from assay.venues.page import Places
from assay.venues.parsed import Handler, Parsed
from assay.venues.requests import period_of
from assay.venues.spec import Request

LARGEST = 64 * 2**20
"""Bytes that a file may inflate to. A month of minutes has 8 million, a day of seconds 15."""

NAMES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count", "taker_buy_volume",
    "taker_buy_quote_volume", "ignore",
)  # fmt: skip
"""The columns, as the files that name them do."""

_WHOLE = ("open_time", "close_time", "count")
_SCHEMA = {name: pl.Int64() if name in _WHOLE else pl.Float64() for name in NAMES} | {"ignore": pl.String()}
# A moment is in milliseconds or in microseconds if it then lies between 2009 and 2200.
_UNITS_US = (1_000, 1)
_FIRST_US, _AFTER_US = 1_230_940_800_000_000, 7_289_654_400_000_000
# All that Python's reader of zips raises for bytes that are none, one time or another.
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, LookupError, NotImplementedError, OSError, OverflowError,
    RuntimeError, ValueError,
)  # fmt: skip
_DIGEST = 64


def read_error(body: bytes) -> VenueError | None:
    """Return None: the archive has no errors but that a file is not there."""
    return None


def parse_file(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the bars of a month or a day, in milliseconds or microseconds, below a line of names or without one.

    Wire, inside the zip::

        1502942400000,4261.48000000,4313.62000000,4261.32000000,4308.83000000,47.18100900,1502945999999,
        202366.13839304,171,35.16050300,150952.47794304,0

    Raises
    ------
    PoisonPageError
        If it is not the file that its checksum is of, is cut off, holds another file, inflates to too much, or any row
        cannot be used.
    """
    text = _inflated(body, request)
    has_names = not text[:1].isdigit()
    if has_names and text.partition(b"\n")[0].strip().decode(errors="replace") != ",".join(NAMES):
        raise PoisonPageError(request, "the first line neither names the columns nor is a row", text)
    try:
        frame = pl.read_csv(text, has_header=False, skip_rows=int(has_names), schema=_SCHEMA, quote_char=None)
    except pl.exceptions.PolarsError as error:
        raise PoisonPageError(request, f"not as documented: {str(error).splitlines()[0]}", text) from None
    if frame.is_empty():
        raise PoisonPageError(request, "there are no rows in it", text)
    holes = [name for name, column in _SCHEMA.items() if not _is_whole(frame[name], column)]
    if holes:
        raise PoisonPageError(request, f"not every row has a number as {holes[0]}", text)
    return _bars(frame, lambda: text.split(b"\n")[has_names:], request, asked_at)


def _inflated(body: bytes, request: Request) -> bytes:
    """Return the one file in a zip."""
    expected, found = request.param(CHECKSUM) or "", hashlib.sha256(body).hexdigest()
    if found != expected:
        raise PoisonPageError(request, f"its hash is {found[:12]}, its checksum {expected[:12]}", body)
    name = f"{request.param('symbol')}-{request.param('interval')}-{request.param(DATE)}.csv"
    try:
        with zipfile.ZipFile(BytesIO(body)) as packed:
            if packed.namelist() != [name]:
                raise PoisonPageError(request, f"it does not hold {name} and nothing else", body)
            with packed.open(name) as file:
                # What the zip says of its size is not trusted.
                text = file.read(LARGEST + 1)
    except _UNREADABLE as error:
        raise PoisonPageError(request, f"not a zip that can be read: {error}", body) from None
    if len(text) > LARGEST:
        raise PoisonPageError(request, f"it inflates to more than {LARGEST} bytes", body)
    if not text.strip():
        raise PoisonPageError(request, "the file in it is empty", body)
    return text


def _is_whole(column: pl.Series, dtype: pl.DataType) -> bool:
    if column.null_count():
        return False
    return dtype != pl.Float64() or bool(column.is_finite().all())


def _bars(frame: pl.DataFrame, lines: Callable[[], list[bytes]], request: Request, asked_at: datetime) -> Parsed:
    unit_us = _unit_us(frame["open_time"])
    if unit_us is None or _unit_us(frame["close_time"]) != unit_us:
        raise PoisonPageError(request, "its times are not all in milliseconds, or all in microseconds", lines()[0])
    columns = {name: frame[name] for name in NAMES if name not in ("ignore", "close_time", "count")}
    columns["open_time"] = (frame["open_time"] * unit_us).cast(MOMENT)
    columns["source_close_time"] = (frame["close_time"] * unit_us).cast(MOMENT)
    columns["num_trades"] = frame["count"]
    start, end = period_of(request.param(DATE) or "")
    if not columns["open_time"].is_between(start, end, closed="left").all():
        raise PoisonPageError(request, f"it holds bars outside of {request.param(DATE)}", lines()[0])
    interval = SPEC.interval(request.param("interval") or "")
    page = Places(range(frame.height), [], lambda: [msgspec.Raw(line) for line in lines()])
    parsed = tables.klines(page, columns, interval=interval, asked_at=asked_at)
    if parsed.rejected.height:
        position, cause, raw = parsed.rejected.row(0)
        more = f", and {parsed.rejected.height - 1} more rows" if parsed.rejected.height > 1 else ""
        raise PoisonPageError(request, f"row {position + 1}: {cause}{more}", raw.encode())
    return parsed


def _unit_us(stamps: pl.Series) -> int | None:
    """Return how many microseconds the unit of all `stamps` has, or None if they have no one unit."""
    least, most = stamps.min(), stamps.max()
    assert isinstance(least, int), least
    assert isinstance(most, int), most
    return next((unit for unit in _UNITS_US if least * unit >= _FIRST_US and most * unit < _AFTER_US), None)


def parse_checksum(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
    """Read the hash of the file that is named beside it.

    Wire::

        8ba1a5f0e0ea8bb8a2c2d5a7b53d9a2e6bb6f6cd8fc3bcbd5b4eb6bb0a6b90ff  BTCUSDT-1m-2024-01.zip
    """
    try:
        digest, name = body.decode("ascii").split()
    except ValueError:
        raise PoisonPageError(request, "not a hash and the name of a file", body) from None
    if len(digest) != _DIGEST or set(digest.lower()) - set("0123456789abcdef"):
        raise PoisonPageError(request, "not a SHA-256 hash", body)
    expected = request.path.rsplit("/", 1)[1].removesuffix(".CHECKSUM")
    if name.removeprefix("*") != expected:
        raise PoisonPageError(request, f"not the checksum of {expected}", body)
    return tables.whole(CHECKSUMS, {"sha256": tables.texts([digest.lower()])})


HANDLERS: Mapping[str, Handler] = {
    one.name: parse_checksum if one.name.endswith("_checksum") else parse_file for one in SPEC.endpoints
}
"""Endpoint to its handler."""
