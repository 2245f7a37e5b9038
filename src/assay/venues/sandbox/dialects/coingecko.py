"""CoinGecko's dialect: the market's assets by value, as rows of ``/coins/markets``, and the history of each.

Money may be in dollars or in rupees: the money in dollars times :func:`assay.venues.sandbox.rupees.inr_per_usd` of the
day on which it is asked for, also that of the past; in the history, of the day of each point.

>>> market, noon = Market(1), datetime(2024, 5, 1, 12, tzinfo=UTC)
>>> rows = CoinGeckoDialect().say(market, Question("coins_markets", {"vs_currency": "usd", "ids": "bitcoin"}, noon))
>>> [row["symbol"] for row in rows]
['btc']
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assay.venues.coingecko.spec import SPEC
from assay.venues.sandbox.answers import Document, Question, Refusal
from assay.venues.sandbox.coins import Coin
from assay.venues.sandbox.dialects.coingecko_history import chart
from assay.venues.sandbox.dialects.wire import iso_text, whole_number
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.overview import coin_rows
from assay.venues.sandbox.rupees import inr_per_usd
from assay.venues.spec import VenueSpec

ROWS = 110
"""How many coins there are: the assets of the market, and made-up ones to fill the table."""
_PAGE, _USUAL = 250, 100
_MINUTE = timedelta(minutes=1)
_DOLLARS, _RUPEES = "usd", "inr"
_KEYS = {
    "market_cap_desc": lambda coin: -coin.market_cap,
    "market_cap_asc": lambda coin: coin.market_cap,
    "volume_desc": lambda coin: -coin.total_volume,
    "volume_asc": lambda coin: coin.total_volume,
    "id_asc": lambda coin: coin.coin_id,
}
Row = dict[str, object]


class CoinGeckoDialect:
    """Speaks for CoinGecko; keeps the rows of the last minute, which do not change within it."""

    def __init__(self) -> None:
        self._kept: tuple[Market, datetime, tuple[Coin, ...]] | None = None

    @property
    def spec(self) -> VenueSpec:
        """CoinGecko's declaration."""
        return SPEC

    def say(self, market: Market, question: Question) -> Document:
        """Return the answer to a question, or raise Refusal."""
        if question.endpoint == "market_chart_range":
            return chart(market, question)
        params = question.params
        if "vs_currency" not in params:
            raise Refusal(422, {"error": "Missing parameter vs_currency"})
        quote = params["vs_currency"].lower()
        if quote not in (_DOLLARS, _RUPEES):
            raise Refusal(422, {"error": "invalid vs_currency"})
        coins = list(self._coins(market, question.now))
        if params.get("ids"):
            ids = set(params["ids"].split(","))
            coins = [coin for coin in coins if coin.coin_id in ids]
        # An order that it does not know CoinGecko takes for its usual one.
        coins.sort(key=_KEYS.get(params.get("order", ""), _KEYS["market_cap_desc"]))
        size = min(_positive(params.get("per_page"), _USUAL), _PAGE)
        first = (_positive(params.get("page"), 1) - 1) * size
        rate = float(inr_per_usd(question.now)) if quote == _RUPEES else 1.0
        return [_row(coin, rate) for coin in coins[first : first + size]]

    def too_many(self, status: int, _until: datetime) -> Row:
        """Return the body that goes with 429 and 418."""
        text = "You've exceeded the Rate Limit. Please visit https://www.coingecko.com/en/api/pricing to subscribe."
        return {"status": {"error_code": status, "error_message": text}}

    def _coins(self, market: Market, now: datetime) -> tuple[Coin, ...]:
        minute = now - (now - datetime(1970, 1, 1, tzinfo=UTC)) % _MINUTE
        kept = self._kept  # looked at once: answers are made in several threads
        if kept is None or kept[:2] != (market, minute):
            kept = self._kept = (market, minute, coin_rows(market, minute, count=ROWS))
        return kept[2]


def _positive(text: str | None, usual: int) -> int:
    return whole_number(text or "") or usual


def _row(coin: Coin, rate: float) -> Row:
    diluted = coin.fully_diluted_valuation
    return {
        "id": coin.coin_id,
        "symbol": coin.symbol,
        "name": coin.coin_name,
        "image": f"https://assets.coingecko.com/coins/images/{coin.market_cap_rank}/large/{coin.coin_id}.png",
        "current_price": coin.price * rate,
        "market_cap": coin.market_cap * rate,
        "market_cap_rank": coin.market_cap_rank,
        "fully_diluted_valuation": None if diluted is None else diluted * rate,
        "total_volume": coin.total_volume * rate,
        "high_24h": coin.high_24h * rate,
        "low_24h": coin.low_24h * rate,
        "price_change_24h": coin.change_24h * rate,
        "price_change_percentage_24h": coin.change_pct_24h,
        "market_cap_change_24h": coin.market_cap_change_24h * rate,
        # Supplies do not change in the sandbox, so that values change as prices do.
        "market_cap_change_percentage_24h": coin.change_pct_24h,
        "circulating_supply": float(coin.circulating_supply),
        "total_supply": float(coin.total_supply),
        "max_supply": None if coin.max_supply is None else float(coin.max_supply),
        "ath": coin.ath * rate,
        "ath_change_percentage": 100.0 * (coin.price - coin.ath) / coin.ath,
        "ath_date": iso_text(coin.ath_at, "milliseconds"),
        "atl": coin.atl * rate,
        "atl_change_percentage": 100.0 * (coin.price - coin.atl) / coin.atl,
        "atl_date": iso_text(coin.atl_at, "milliseconds"),
        "roi": None,
        "last_updated": iso_text(coin.updated_at, "milliseconds"),
    }
