"""Symbols on the wire and back."""

from __future__ import annotations

import pytest

from assay.domain.errors import BadInputError
from assay.domain.symbol import Symbol
from assay.venues.symbols import JoinedSymbols, NamedAssets

UPPER = JoinedSymbols(("USD", "BUSD", "BTC"))
LOWER = JoinedSymbols(("INR",), is_lower=True)
NAMED = NamedAssets("USD", (("BTC", "bitcoin"), ("AVAX", "avalanche-2")))


def test_joined_symbol_is_cut_before_its_quote() -> None:
    assert UPPER.to_symbol("ETHBTC") == Symbol("ETH", "BTC")
    assert LOWER.to_symbol("btcinr") == Symbol("BTC", "INR")
    assert LOWER.to_wire(Symbol("BTC", "INR")) == "btcinr"


def test_of_two_cuts_the_longer_quote_wins() -> None:
    assert UPPER.to_symbol("BTCBUSD") == Symbol("BTC", "BUSD")


def test_quote_alone_is_no_symbol_and_a_shorter_quote_may_still_cut_it() -> None:
    with pytest.raises(BadInputError):
        UPPER.to_symbol("BTC")
    assert UPPER.to_symbol("BUSD") == Symbol("B", "USD")


@pytest.mark.parametrize("word", ["ethbtc", "EthBTC", "ETH-BTC", "ETH", "", "幣BTC"])
def test_other_spelling_is_refused(word: str) -> None:
    with pytest.raises(BadInputError):
        UPPER.to_symbol(word)


def test_quote_that_the_venue_does_not_have_is_refused() -> None:
    with pytest.raises(BadInputError, match="it quotes in INR"):
        LOWER.to_wire(Symbol("BTC", "USDT"))


def test_named_asset_is_found_both_ways_and_never_guessed() -> None:
    assert NAMED.to_wire(Symbol("AVAX", "USD")) == "avalanche-2"
    assert NAMED.to_symbol("bitcoin") == Symbol("BTC", "USD")
    for symbol in (Symbol("PEPE", "USD"), Symbol("BTC", "EUR")):
        with pytest.raises(BadInputError, match="many assets share a ticker"):
            NAMED.to_wire(symbol)
    with pytest.raises(BadInputError, match="not guessed"):
        NAMED.to_symbol("bitcoin-2")
