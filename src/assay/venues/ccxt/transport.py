"""The transport that lets ccxt ask: one request in, what ccxt made of the answer out, the answer itself kept with it.

An answer that ccxt cannot read is kept without rows, which makes it a page of no use: it lands in quarantine.

One attempt a request: ccxt does not wait, retry or count here, and what it raises becomes an HTTP status again, so that
the budget, the tries and the circuit around it work as for any venue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from types import ModuleType, TracebackType
from typing import Any, Self

import msgspec

from assay.domain.clock import Clock
from assay.domain.interval import Interval
from assay.venues.ccxt.package import load_package, make_client
from assay.venues.spec import Request
from assay.venues.transport import Response, TransportError

_OK, _BAD, _UNAUTHORISED, _FORBIDDEN, _TOO_MANY, _UNAVAILABLE = 200, 400, 401, 403, 429, 503
_TICKER = (
    "symbol", "timestamp", "open", "high", "low", "last", "bid", "bidVolume", "ask", "askVolume", "vwap", "change",
    "percentage", "previousClose", "baseVolume", "quoteVolume",
)  # fmt: skip
_MILLISECOND_US = 1_000
MARKETS = "ccxt_markets"
"""The endpoint that has to be asked before any other."""
Rows = list[Any]


class CcxtTransport:
    """A :class:`assay.venues.transport.Transport` to one exchange of ccxt; use it in ``async with``.

    Parameters
    ----------
    exchange : str
        ccxt's id.
    clock : Clock
        Stamps the answers.
    base_url : str, optional
        In place of the exchange's own hosts.
    timeout_s : float
        Longest time of one request.

    Raises
    ------
    BadInputError
        If ccxt is not installed, or knows no such exchange.
    """

    def __init__(self, exchange: str, clock: Clock, *, base_url: str = "", timeout_s: float = 30.0) -> None:
        self._package: ModuleType = load_package()
        self._client = make_client(exchange, base_url=base_url, timeout_s=timeout_s)
        self._client.on_rest_response = self._note
        self._exchange = exchange
        self._clock = clock
        self._raw: list[str] = []
        # ccxt's clients hold state; one question at a time.
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._client.session.close)

    async def send(self, request: Request) -> Response:
        """Return what ccxt made of the answer to `request`.

        Raises
        ------
        TransportError
            If no whole answer came.
        """
        async with self._turn:
            return await asyncio.to_thread(self._ask, request)

    def _ask(self, request: Request) -> Response:
        asked_at = self._clock.now()
        package = self._package
        try:
            if request.endpoint != MARKETS:
                self._client.load_markets()  # asks nothing once the list was had
            self._raw.clear()
            rows = _CALLS[request.endpoint](self._client, dict(request.params))
            for text in self._raw:
                msgspec.json.decode(text)  # ccxt takes what is no JSON for a text, and finds no rows in it
            told = {"exchange": self._exchange, "ccxt": package.__version__, "rows": rows, "raw": self._raw}
            status, body = _OK, msgspec.json.encode(told)
        except (package.DDoSProtection, package.RateLimitExceeded) as error:
            status, body = _TOO_MANY, self._refusal(error)
        except package.ExchangeNotAvailable as error:
            status, body = _UNAVAILABLE, self._refusal(error)
        except package.NetworkError as error:
            raise TransportError(f"ccxt: {type(error).__name__}", request=request, was_sent=True) from error
        except package.PermissionDenied as error:
            status, body = _FORBIDDEN, self._refusal(error)
        except package.AuthenticationError as error:
            status, body = _UNAUTHORISED, self._refusal(error)
        except package.BaseError as error:
            status, body = _BAD, self._refusal(error)
        except Exception as error:  # noqa: BLE001  # ccxt stumbles over answers that it does not expect, in any way
            told = {"exchange": self._exchange, "ccxt": package.__version__, "unread": repr(error), "raw": self._raw}
            status, body = _OK, msgspec.json.encode(told)
        headers = {str(name).lower(): str(value) for name, value in (self._client.last_response_headers or {}).items()}
        return Response(status, headers, body, asked_at=asked_at, received_at=self._clock.now())

    def _refusal(self, error: Exception) -> bytes:
        told = {"exchange": self._exchange, "error": type(error).__name__, "message": str(error)}
        return msgspec.json.encode(told)

    def _note(self, *answer: Any) -> str:  # noqa: ANN401  # code, reason, url, method, headers, body and more
        """Keep the body of an answer, and give it back without blanks around it, as ccxt does."""
        body = str(answer[5])
        self._raw.append(body)
        return body.strip()


def _klines(client: Any, params: dict[str, str]) -> Rows:  # noqa: ANN401  # ccxt has no types
    since, until = int(params["since"]), int(params["until"])
    # Months are at least as long as ccxt takes them for, so that the limit never leaves one out.
    length = Interval.parse(params["timeframe"]).microseconds // _MILLISECOND_US
    limit = -((since - until - 1) // length)
    rows: Rows = client.fetch_ohlcv(params["symbol"], params["timeframe"], since=since, limit=limit)
    return rows


def _tickers(client: Any, _params: dict[str, str]) -> Rows:  # noqa: ANN401
    found: Iterable[dict[str, Any]] = client.fetch_tickers().values()
    spot = (one for one in found if client.markets.get(one["symbol"], {}).get("spot"))
    return [{name: one.get(name) for name in _TICKER} for one in spot]


def _book(client: Any, params: dict[str, str]) -> Rows:  # noqa: ANN401
    # As many levels as the exchange tells unasked: what may be asked for differs from one to the next.
    book = client.fetch_order_book(params["symbol"])
    sides = {side: [level[:2] for level in book[side]] for side in ("bids", "asks")}
    return [{**sides, "nonce": book.get("nonce")}]


def _markets(client: Any, _params: dict[str, str]) -> Rows:  # noqa: ANN401
    markets: Iterable[dict[str, Any]] = client.load_markets(True).values()  # ccxt's own: again
    return [_market(client, one) for one in markets if one.get("spot")]


def _market(client: Any, market: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    precision, limits = market.get("precision") or {}, market.get("limits") or {}

    def step(name: str) -> float | None:
        value = precision.get(name)
        if value is None:
            return None
        return float(value) if client.precisionMode == _TICK_SIZE else 10.0 ** -int(value)

    def bound(name: str, end: str) -> float | None:
        value = (limits.get(name) or {}).get(end)
        return None if value is None else float(value)

    return {
        **{name: market[name] for name in ("symbol", "base", "quote", "active")},
        "tick": step("price"),
        "lot": step("amount"),
        "min_price": bound("price", "min"),
        "max_price": bound("price", "max"),
        "min_amount": bound("amount", "min"),
        "max_amount": bound("amount", "max"),
        "min_cost": bound("cost", "min"),
    }


_TICK_SIZE = 4
"""ccxt's word for steps that are told as such; else digits are told."""
_CALLS: dict[str, Callable[[Any, dict[str, str]], Rows]] = {
    MARKETS: _markets,
    "ccxt_klines": _klines,
    "ccxt_tickers": _tickers,
    "ccxt_book": _book,
}
