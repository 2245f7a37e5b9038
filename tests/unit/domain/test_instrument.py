"""The rule by which a name becomes a series, case by case and against a brute-force reading of it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import PREFERRED_PLACES, USD_STAND_INS, Market, SeriesId, check_venue, resolve
from assay.domain.symbol import Symbol

series_ids = st.builds(
    SeriesId.of,
    st.sampled_from(["coinbase", "binance", "kraken", "wazirx"]),
    st.sampled_from(["spot", "usdm"]),
    st.sampled_from(["BTC-USD", "BTC-USDT", "BTC-USDC", "BTC-FDUSD", "BTC-BUSD", "BTC-EUR", "ETH-USD"]),
    st.sampled_from(["1m", "1h", "1d"]),
)


def have(*texts: str) -> list[SeriesId]:
    return [SeriesId.parse(text) for text in texts]


def test_symbol_itself_wins_over_any_stand_in_however_preferred_its_place() -> None:
    available = have("binance:spot:BTC-USDT:1h", "kraken:spot:BTC-USD:1h")
    resolution = resolve("BTC-USD", available)
    assert str(resolution.series) == "kraken:spot:BTC-USD:1h"
    assert not resolution.is_stand_in


def test_first_preferred_place_wins_among_venues_with_the_symbol() -> None:
    available = have("binance:usdm:BTC-USDT:1h", "binance:spot:BTC-USDT:1h", "acme:spot:BTC-USDT:1h")
    assert resolve("BTCUSDT", available).series.place == "binance:spot"
    assert resolve("BTCUSDT", available, places=["binance:usdm"]).series.place == "binance:usdm"


def test_places_without_a_preference_come_in_alphabetical_order() -> None:
    available = have("zeta:spot:BTC-USDT:1h", "acme:usdm:BTC-USDT:1h", "acme:spot:BTC-USDT:1h")
    assert resolve("BTC-USDT", available).series.place == "acme:spot"


def test_what_is_no_text_is_no_name() -> None:
    with pytest.raises(BadInputError, match="not the name of a symbol: '7'"):
        resolve(7, [])  # type: ignore[arg-type]


def test_dollar_stand_in_is_said_to_be_one() -> None:
    resolution = resolve("btc-usd", have("binance:spot:BTC-USDT:1h"))
    assert resolution.is_stand_in
    assert str(resolution) == "binance:spot:BTC-USDT:1h (stands in for btc-usd; not the same asset)"


@pytest.mark.parametrize(("better", "worse"), list(itertools.pairwise(USD_STAND_INS)))
def test_stand_ins_come_in_their_order(better: str, worse: str) -> None:
    # The worse one lies in the most preferred place, and loses all the same.
    available = have(f"coinbase:spot:BTC-{worse}:1h", f"wazirx:spot:BTC-{better}:1h")
    assert resolve("BTC-USD", available).series.symbol.quote == better


@pytest.mark.parametrize("wanted", ["BTC-USDT", "BTC-USDC", "BTC-EUR"])
def test_only_usd_has_stand_ins(wanted: str) -> None:
    with pytest.raises(NoDataError, match="no series for the symbol"):
        resolve(wanted, have("coinbase:spot:BTC-USD:1h", "binance:spot:BTC-BUSD:1h"))


def test_place_before_the_symbol_narrows_the_choice() -> None:
    available = have("binance:spot:BTC-USDT:1h", "binance:usdm:BTC-USDT:1h")
    assert resolve("binance:usdm:BTCUSDT", available).series.market is Market.USDM
    with pytest.raises(NoDataError):
        resolve("kraken:spot:BTCUSDT", available)


def test_interval_narrows_the_choice_and_the_finest_wins_without_one() -> None:
    available = have("binance:spot:BTC-USDT:1d", "binance:spot:BTC-USDT:1h", "coinbase:spot:BTC-USDT:1d")
    assert resolve("BTC-USDT", available, interval="1h").series.place == "binance:spot"
    assert resolve("BTC-USDT", available, places=["binance:spot"]).series.interval.code == "1h"


def test_nothing_available_says_what_there_is() -> None:
    with pytest.raises(NoDataError, match="no series for the symbol: 'DOGE-USD'; the lake holds BTC-USDT"):
        resolve("DOGE-USD", have("binance:spot:BTC-USDT:1h"))
    with pytest.raises(NoDataError, match="the lake holds binance:spot:BTC-USDT"):
        resolve("binance:usdm:BTC-USDT", have("binance:spot:BTC-USDT:1h"))
    with pytest.raises(NoDataError, match="the lake holds nothing yet"):
        resolve("DOGE-USD", [])


def test_a_symbol_without_bars_of_the_interval_says_of_which_there_are() -> None:
    available = have("binance:spot:BTC-USDT:1h", "binance:spot:BTC-USDT:1m", "coinbase:spot:BTC-USD:1d")
    with pytest.raises(NoDataError, match="no bars of 4h for the symbol: 'BTC-USDT'; the lake holds those of 1m, 1h$"):
        resolve("BTC-USDT", available, interval="4h")
    with pytest.raises(NoDataError, match="no bars of 4h .*those of 1m, 1h, 1d$"):
        resolve("BTC-USD", available, interval="4h")
    with pytest.raises(NoDataError, match="no bars of 4h .*those of 1d$"):
        resolve("coinbase:spot:BTC-USD", available, interval="4h")


def test_what_is_no_symbol_is_bad_input_not_missing_data() -> None:
    with pytest.raises(BadInputError, match="not a symbol"):
        resolve("hello world", have("binance:spot:BTC-USDT:1h"))


@given(st.lists(series_ids, max_size=12), st.permutations(PREFERRED_PLACES), st.sampled_from(["", "1h", "1d"]))
def test_rule_equals_sorting_every_candidate(available: list[SeriesId], places: list[str], interval: str) -> None:
    quotes = ["USD", *USD_STAND_INS]

    def position(one: SeriesId) -> tuple[int, int, str, float]:
        place = places.index(one.place) if one.place in places else len(places)
        return quotes.index(one.symbol.quote), place, one.place, one.interval.duration.total_seconds()

    candidates = [
        one
        for one in available
        if one.symbol.base == "BTC" and one.symbol.quote in quotes and interval in ("", one.interval.code)
    ]
    if not candidates:
        with pytest.raises(NoDataError):
            resolve("BTC-USD", available, places=places, interval=interval)
        return
    resolution = resolve("BTC-USD", available, places=places, interval=interval)
    best = min(candidates, key=position)
    assert resolution.series == best
    assert resolution.is_stand_in == (best.symbol != Symbol("BTC", "USD"))


@given(series_ids)
def test_series_round_trips_through_text(series: SeriesId) -> None:
    assert SeriesId.parse(str(series)) == series
    assert ":".join(series.key) == str(series)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("binance:spot:BTC-USDT", "not a series"),
        ("binance:futures:BTC-USDT:1h", "unknown market"),
        ("Binance:spot:BTC-USDT:1h", "not a venue name"),
        ("binance:spot:BTCUSDT:1h", "not a symbol"),
        ("binance:spot:BTC-USDT:1q", "unknown interval"),
    ],
)
def test_what_is_no_series_is_refused_naming_the_wrong_part(text: str, complaint: str) -> None:
    with pytest.raises(BadInputError, match=complaint):
        SeriesId.parse(text)


@pytest.mark.parametrize("text", ["", "_x", "1inch", "has space", "a" * 33, "naïve", "../up", "binance\n"])
def test_what_cannot_name_a_venue_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="not a venue name"):
        check_venue(text)


def test_any_other_name_is_a_venue() -> None:
    assert check_venue("my_exchange_2") == "my_exchange_2"
