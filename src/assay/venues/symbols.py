"""The ways in which venues spell what they trade: the pair as one word or as two, or a name of their own.

>>> wazirx = JoinedSymbols(quotes=("INR", "USDT"), is_lower=True)
>>> wazirx.to_wire(Symbol("BTC", "INR")), str(wazirx.to_symbol("btcusdt"))
('btcinr', 'BTC-USDT')
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.domain.errors import BadInputError
from assay.domain.symbol import Symbol


@dataclass(frozen=True, slots=True)
class JoinedSymbols:
    """Base and quote without a separator: ``BTCUSDT``, or ``btcusdt`` if `is_lower`.

    The word is cut before the longest of the venue's own `quotes` that leaves a base. Where two cuts are possible
    (``BTCB`` in ``USD``, ``BTC`` in ``BUSD``) the longer quote wins; a venue that has both has to be asked for its
    instruments, which name base and quote apart.
    """

    quotes: tuple[str, ...]
    is_lower: bool = False

    def to_wire(self, symbol: Symbol) -> str:
        """Return the venue's spelling.

        Raises
        ------
        BadInputError
            If the venue does not quote in `symbol`'s quote.
        """
        if symbol.quote not in self.quotes:
            todo = f"it quotes in {', '.join(self.quotes)}"
            raise BadInputError("the venue does not quote in that asset", value=symbol.quote, todo=todo)
        word = symbol.base + symbol.quote
        return word.lower() if self.is_lower else word

    def to_symbol(self, venue_symbol: str) -> Symbol:
        """Return what the spelling means.

        Raises
        ------
        BadInputError
            If none of the venue's quotes ends it, or the rest is no asset that Assay can name.
        """
        if venue_symbol == (venue_symbol.lower() if self.is_lower else venue_symbol.upper()):
            word = venue_symbol.upper()
            for quote in sorted(self.quotes, key=len, reverse=True):
                if word.endswith(quote) and len(word) > len(quote):
                    return Symbol(word.removesuffix(quote), quote)
        raise BadInputError("not a symbol of the venue", value=venue_symbol, todo="ask it for its instruments")


@dataclass(frozen=True, slots=True)
class SeparatedSymbols:
    """Base and quote with a `separator` between them: ``BTC-USD``, ``BTC/USDT``.

    `quotes` are the venue's own; without any, every pair can be asked for. `renamed` holds (asset, name) where the
    venue calls an asset otherwise, since somebody else has its ticker there.

    >>> yahoo = SeparatedSymbols("-", quotes=("USD", "INR"), renamed=(("UNI", "UNI7083"),))
    >>> yahoo.to_wire(Symbol("UNI", "USD")), str(yahoo.to_symbol("UNI7083-USD"))
    ('UNI7083-USD', 'UNI-USD')
    """

    separator: str
    quotes: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()

    def to_wire(self, symbol: Symbol) -> str:
        """Return the venue's spelling.

        Raises
        ------
        BadInputError
            If the venue does not quote in `symbol`'s quote.
        """
        if self.quotes and symbol.quote not in self.quotes:
            todo = f"it quotes in {', '.join(self.quotes)}"
            raise BadInputError("the venue does not quote in that asset", value=symbol.quote, todo=todo)
        return dict(self.renamed).get(symbol.base, symbol.base) + self.separator + symbol.quote

    def to_symbol(self, venue_symbol: str) -> Symbol:
        """Return what the spelling means.

        Raises
        ------
        BadInputError
            If it is not two assets that Assay can name, or another asset has the name that the venue writes.
        """
        base, separator, quote = venue_symbol.partition(self.separator)
        base = {name: asset for asset, name in self.renamed}.get(base, "" if base in dict(self.renamed) else base)
        if not (separator and base and (not self.quotes or quote in self.quotes)):
            raise BadInputError("not a symbol of the venue", value=venue_symbol, todo="ask it for its instruments")
        return Symbol(base, quote)


@dataclass(frozen=True, slots=True)
class NamedAssets:
    """Names of its own for assets, all priced in one `quote`: ``bitcoin`` is ``BTC-USD``.

    `names` holds (asset, name), as far as they are certain: tickers of small coins collide, names do not.
    """

    quote: str
    names: tuple[tuple[str, str], ...]

    def to_wire(self, symbol: Symbol) -> str:
        """Return the provider's name of the base, or raise BadInputError."""
        for asset, name in self.names:
            if (asset, self.quote) == (symbol.base, symbol.quote):
                return name
        todo = "give the provider's own id: many assets share a ticker"
        raise BadInputError("no id is known for the symbol", value=symbol, todo=todo)

    def to_symbol(self, venue_symbol: str) -> Symbol:
        """Return the pair that the name stands for, or raise BadInputError."""
        for asset, name in self.names:
            if name == venue_symbol:
                return Symbol(asset, self.quote)
        todo = "many assets share a ticker, so that ids are not guessed"
        raise BadInputError("no symbol is known for the id", value=venue_symbol, todo=todo)
