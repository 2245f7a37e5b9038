"""Symbols in every spelling that venues and people write (S17)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.domain.symbol import QUOTES, Symbol

assets = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("spelling", "symbol"),
    [
        ("BTC-USD", "BTC-USD"),
        ("BTC-USDT", "BTC-USDT"),
        ("BTCUSDT", "BTC-USDT"),  # not BTCUSD-T: the longest known quote wins
        ("btcinr", "BTC-INR"),
        ("btc_usdt", "BTC-USDT"),
        ("ETH/BTC", "ETH-BTC"),
        ("BTC:EUR", "BTC-EUR"),
        (" btcusd\n", "BTC-USD"),
        ("USDTUSD", "USD-TUSD"),  # two readings are possible, and the rule takes this one: write USDT-USD
        ("BTCFDUSD", "BTC-FDUSD"),  # not BTCFD-USD
        ("1000SATSUSDT", "1000SATS-USDT"),
        ("BNBETH", "BNB-ETH"),
        ("ETHBTC", "ETH-BTC"),
        ("XRPETH", "XRP-ETH"),
        ("WRXINR", "WRX-INR"),
        ("SOMETHING-NEW", "SOMETHING-NEW"),  # with a separator the quote need not be known
    ],
)
def test_spelling_is_read_as_symbol(spelling: str, symbol: str) -> None:
    assert str(Symbol.from_spelling(spelling)) == symbol


@pytest.mark.parametrize(
    "text", ["", "BTC", "USDT", "-", "BTC-", "-USD", "BTC-USD-PERP", "BTC--USD", "BTC USD", "₿-USD"]
)
def test_what_is_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="not a symbol"):
        Symbol.from_spelling(text)


@pytest.mark.parametrize("text", ["BTCUSDT", "btc-usdt", "BTC/USDT", "BTC-USDT-PERP", "A" * 21 + "-USD", "BTC-USDT\n"])
def test_parse_takes_the_canonical_form_only(text: str) -> None:
    with pytest.raises(BadInputError, match="not a symbol"):
        Symbol.parse(text)


@given(assets, assets, st.sampled_from("-_/:"))
def test_separated_spelling_round_trips_in_any_case(base: str, quote: str, separator: str) -> None:
    symbol = Symbol(base, quote)
    assert Symbol.from_spelling(f"{base}{separator}{quote}".lower()) == symbol
    assert Symbol.parse(str(symbol)) == symbol


@given(assets, st.sampled_from(QUOTES))
def test_joined_spelling_is_cut_before_the_longest_quote_that_leaves_a_base(base: str, quote: str) -> None:
    word = (base + quote)[-40:]
    longest = max((each for each in QUOTES if word.endswith(each) and word != each), key=len)
    if len(word) - len(longest) > 20:
        return  # the base would be too long for an asset
    assert Symbol.from_spelling(word) == Symbol(word[: -len(longest)], longest)


def test_quotes_are_distinct() -> None:
    assert len(set(QUOTES)) == len(QUOTES)
