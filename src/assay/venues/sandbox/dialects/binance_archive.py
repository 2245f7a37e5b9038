"""The dialect of Binance's archive: the sandbox's bars of closed days and months, zipped, with their checksums.

The files hold what the exchange itself answers with. The same file is the same bytes in every process, and there from
the moment at which the venue publishes its own.

>>> from datetime import UTC
>>> asked = {"symbol": "BTCUSDT", "interval": "1h", "date": "2024-04"}
>>> question = Question("archive_spot_monthly_checksum", asked, datetime(2024, 5, 7, tzinfo=UTC))
>>> BinanceArchiveDialect().say(Market(1), question).split()[1]
b'BTCUSDT-1h-2024-04.zip'
"""

from __future__ import annotations

import hashlib
import zipfile
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from io import BytesIO

from assay.domain.errors import BadInputError
from assay.domain.instrument import Market as Kind
from assay.venues.binance_archive.parse import NAMES
from assay.venues.binance_archive.spec import DAILY, DATE, SPEC
from assay.venues.requests import period_of
from assay.venues.sandbox.answers import Document, Question, Refusal
from assay.venues.sandbox.assets import Listing
from assay.venues.sandbox.bars import Bars
from assay.venues.sandbox.dialects.binance_words import kline_page
from assay.venues.sandbox.futures import Futures
from assay.venues.sandbox.history import Tradable
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.replay import NO_REPLAY, Replay
from assay.venues.spec import VenueSpec

MICROSECONDS_FROM = datetime(2025, 1, 1, tzinfo=UTC)
"""From when on the files of the spot market have times in microseconds."""
NAMES_FROM = datetime(2022, 1, 1, tzinfo=UTC)
"""From when on the files of futures begin with a line of names."""
_NO_SUCH_FILE = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code></Error>'
_MADE_AT = (1980, 1, 1, 0, 0, 0)
_KEPT_FILES = 8
_READY_AFTER = timedelta(hours=6)
_WEEK = 7


class BinanceArchiveDialect:
    """Speaks for Binance's archive.

    Parameters
    ----------
    replay : Replay
        Klines that were recorded, which the exchange serves in place of the market's: of them there are no files.
    microseconds_from : datetime
        From when on spot files are in microseconds.
    names_from : datetime
        From when on files of futures name their columns.
    """

    def __init__(
        self,
        replay: Replay = NO_REPLAY,
        *,
        microseconds_from: datetime = MICROSECONDS_FROM,
        names_from: datetime = NAMES_FROM,
    ) -> None:
        self._replay = replay
        self._microseconds_from = microseconds_from
        self._names_from = names_from
        # A file is asked for right after its checksum.
        self._files: OrderedDict[tuple[str, ...], bytes] = OrderedDict()

    @property
    def spec(self) -> VenueSpec:
        """The declaration of the archive."""
        return SPEC

    def say(self, market: Market, question: Question) -> Document:
        """Return a file or its checksum, or raise Refusal if it is not there."""
        endpoint = question.endpoint.removesuffix("_checksum")
        name = "-".join(question.params[one] for one in ("symbol", "interval", DATE))
        key = (market.name, endpoint, name)
        if not _is_published(endpoint, question) or self._is_replayed(endpoint, question):
            raise Refusal(404, _NO_SUCH_FILE)
        if key not in self._files:
            self._files[key] = self._zipped(market, endpoint, question, f"{name}.csv")
        self._files.move_to_end(key)
        while len(self._files) > _KEPT_FILES:
            self._files.popitem(last=False)
        file = self._files[key]
        if endpoint == question.endpoint:
            return file
        return f"{hashlib.sha256(file).hexdigest()}  {name}.zip\n".encode()

    def too_many(self, status: int, until: datetime) -> Document:
        """Return the body that goes with 429."""
        return {"code": status, "until": until.isoformat()}

    def _is_replayed(self, endpoint: str, question: Question) -> bool:
        series = question.params["symbol"], SPEC.interval(question.params["interval"]).code
        return SPEC.endpoint(endpoint).market is Kind.SPOT and series in self._replay

    def _zipped(self, market: Market, endpoint: str, question: Question, name: str) -> bytes:
        is_spot = SPEC.endpoint(endpoint).market is Kind.SPOT
        tradable: Tradable = market if is_spot else Futures(market)
        start, end = period_of(question.params[DATE])
        try:
            listing = tradable.listing(SPEC.symbols.to_symbol(question.params["symbol"]))
            interval = SPEC.interval(question.params["interval"])
        except BadInputError:
            raise Refusal(404, _NO_SUCH_FILE) from None
        bars = tradable.klines(listing.symbol, interval, start=start, end=end)
        if not len(bars):
            raise Refusal(404, _NO_SUCH_FILE)
        names = b",".join(one.encode() for one in NAMES) + b"\n"
        is_named = not is_spot and start >= self._names_from
        text = (names if is_named else b"") + csv_of(listing, bars)
        if is_spot and start >= self._microseconds_from:
            text = _in_microseconds(text)
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
            # With the time of making left out, the same rows are the same bytes.
            info = zipfile.ZipInfo(name, date_time=_MADE_AT)
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, text)
        return packed.getvalue()


def _is_published(endpoint: str, question: Question) -> bool:
    """Whether the file is there by now: a day's the day after, a month's on the first Monday of the next one."""
    is_daily = endpoint.endswith("daily")
    date = question.params[DATE]
    try:
        start, end = period_of(date)
        is_such = f"{start:%Y-%m-%d}" == date if is_daily else f"{start:%Y-%m}" == date
        interval = SPEC.interval(question.params["interval"])
    except BadInputError:
        return False
    if is_daily and interval.code not in DAILY:
        return False
    monday = end if is_daily else end + timedelta(days=-end.weekday() % _WEEK)
    return is_such and question.now >= monday + _READY_AFTER


def csv_of(listing: Listing, bars: Bars) -> bytes:
    """Return bars as lines of twelve fields, times in milliseconds."""
    page = bytes(kline_page(listing, bars))
    return page[2:-2].replace(b"],[", b"\n").replace(b'"', b"") + b"\n"


def _in_microseconds(text: bytes) -> bytes:
    """Return the lines with both times in microseconds: a bar then ends in its last microsecond."""
    lines = [line.split(b",") for line in text.splitlines()]
    for line in lines:
        line[0] += b"000"
        line[6] += b"999"
    return b"\n".join(b",".join(line) for line in lines) + b"\n"
