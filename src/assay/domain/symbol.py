"""Symbols: ``BASE-QUOTE`` inside Assay, whatever the venue writes on the wire.

>>> Symbol.parse("BTC-USDT")
Symbol(base='BTC', quote='USDT')
>>> str(Symbol.from_spelling("btcinr"))
'BTC-INR'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assay.domain.errors import BadInputError

# Longest first, so that BTCUSDT is BTC-USDT and never BTCUSD-T.
QUOTES = (
    "FDUSD", "BFUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "USDS", "BIDR", "BVND", "IDRT", "BKRW",
    "USD", "EUR", "GBP", "INR", "TRY", "BRL", "AUD", "RUB", "UAH", "NGN", "ZAR", "JPY", "KRW", "DAI", "PAX",
    "BTC", "ETH", "BNB", "XRP", "TRX", "DOGE", "DOT", "WRX", "VAI", "UST", "SOL",
)  # fmt: skip
_BY_LENGTH = tuple(sorted(QUOTES, key=len, reverse=True))
_ASSET = re.compile(r"[A-Z0-9]{1,20}")
_SEPARATOR = re.compile(r"[-_/:]")


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """A traded pair: one unit of `base` priced in `quote`."""

    base: str
    quote: str

    def __post_init__(self) -> None:
        for asset in (self.base, self.quote):
            if not _ASSET.fullmatch(asset):
                todo = "write BASE-QUOTE in capital letters and digits, like BTC-USDT"
                raise BadInputError("not a symbol", value=f"{self.base}-{self.quote}", todo=todo)

    @classmethod
    def parse(cls, text: str) -> Symbol:
        """Read ``BASE-QUOTE``.

        Raises
        ------
        BadInputError
            If `text` has another form.
        """
        base, dash, quote = text.partition("-")
        if not dash:
            todo = "write BASE-QUOTE, like BTC-USDT"
            raise BadInputError("not a symbol", value=text, todo=todo)
        return cls(base, quote)

    @classmethod
    def from_spelling(cls, text: str) -> Symbol:
        """Read any venue's spelling: ``BTC-USDT``, ``BTC/USDT``, ``btc_usdt``, ``BTCUSDT``, ``btcinr``.

        A spelling without separator is cut before the longest known quote asset that leaves a base.

        Raises
        ------
        BadInputError
            If no known quote asset ends `text`.
        """
        word = text.strip().upper()
        if not text.isascii():  # some letters become others in capitals: ß is not SS here
            raise BadInputError("not a symbol", value=text, todo="write BASE-QUOTE, like BTC-USDT")
        parts = _SEPARATOR.split(word)
        if len(parts) == 2:
            return cls(*parts)
        for quote in _BY_LENGTH if len(parts) == 1 else ():
            if word.endswith(quote) and len(word) > len(quote):
                return cls(word.removesuffix(quote), quote)
        raise BadInputError("not a symbol", value=text, todo="write BASE-QUOTE, like BTC-USDT")

    def __str__(self) -> str:
        return f"{self.base}-{self.quote}"
