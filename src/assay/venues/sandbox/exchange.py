"""Every simulated venue behind one door: from a path and its parameters to the answer, faults and limits included.

Nothing here knows of sockets, so that a test can ask without any.

>>> from datetime import UTC
>>> from assay.domain.clock import FrozenClock
>>> exchange = Exchange(Market(1), FrozenClock(datetime(2024, 5, 1, tzinfo=UTC)), elapsed=lambda: 0.0)
>>> exchange.answer("/binance/api/v3/time", {}).body
b'{"serverTime":1714521600000}'
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

import msgspec

from assay.domain.clock import Clock
from assay.venues.sandbox.answers import Answer, Dialect, Document, Question, Refusal, never, written
from assay.venues.sandbox.bending import ROW_KINDS, bend_rows, cut
from assay.venues.sandbox.dialects.binance import BinanceDialect
from assay.venues.sandbox.dialects.binance_archive import BinanceArchiveDialect
from assay.venues.sandbox.dialects.binance_usdm import BinanceUsdmDialect
from assay.venues.sandbox.dialects.coinbase import CoinbaseDialect
from assay.venues.sandbox.dialects.coinbase_advanced import CoinbaseAdvancedDialect
from assay.venues.sandbox.dialects.coingecko import CoinGeckoDialect
from assay.venues.sandbox.dialects.wazirx import WazirxDialect
from assay.venues.sandbox.dialects.yahoo import YahooDialect
from assay.venues.sandbox.faults import NO_FAULTS, FaultPlan, Kind, Strike, any_of
from assay.venues.sandbox.limits import BANNED, TOO_MANY, Meter
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.replay import NO_REPLAY, Replay
from assay.venues.spec import Endpoint

SIMULATED = "x-assay-sandbox"
"""Header of every answer, so that nobody takes simulated prices for real ones."""
_DOWN = b"<html><head><title>503 Service Temporarily Unavailable</title></head></html>"
_SERVER_ERRORS = (500, 502, 503, 504)
_REFUSALS = {Kind.TOO_MANY: TOO_MANY, Kind.BANNED: BANNED}


class Exchange:
    """All simulated venues over one market.

    Parameters
    ----------
    market : Market
        What they trade.
    clock : Clock
        What time it is there.
    elapsed : callable
        Real seconds since some moment, for the rate limits.
    faults : FaultPlan
        What goes wrong.
    replay : Replay
        Klines that were recorded, which Binance serves in place of the market's.
    dialects : sequence of Dialect, optional
        The venues; else all there are.
    """

    def __init__(
        self,
        market: Market,
        clock: Clock,
        *,
        elapsed: Callable[[], float],
        faults: FaultPlan = NO_FAULTS,
        replay: Replay = NO_REPLAY,
        dialects: Sequence[Dialect] | None = None,
    ) -> None:
        self.market = market
        self.clock = clock
        self.name = market.name + (", with recordings replayed" if replay.counts else "")
        """What is simulated; every answer says so in :data:`SIMULATED`."""
        spoken = dialects or (
            BinanceDialect(replay),
            BinanceUsdmDialect(),
            BinanceArchiveDialect(replay),
            CoinbaseDialect(),
            CoinbaseAdvancedDialect(),
            CoinGeckoDialect(),
            WazirxDialect(),
            YahooDialect(),
        )
        self._routes: dict[str, tuple[Dialect, Endpoint]] = {}
        self._patterns: list[tuple[re.Pattern[str], tuple[Dialect, Endpoint]]] = []
        self._faults = faults
        self._calls: Counter[tuple[str, str]] = Counter()
        self._meters = {one.spec.name: Meter(one.spec, elapsed) for one in spoken}
        self.prefixes: dict[str, str] = {}
        """The path under which each venue is, to be put where its host would be."""
        for dialect in spoken:
            spec = dialect.spec
            # A venue whose base URL has a path, like CoinGecko's /api/v3, keeps it.
            prefix = self.prefixes[spec.name] = f"/{spec.name}{urlsplit(spec.base_url).path}"
            for endpoint in spec.endpoints:
                if endpoint.in_path:
                    self._patterns.append((_pattern(prefix + endpoint.path), (dialect, endpoint)))
                else:
                    self._routes[prefix + endpoint.path] = dialect, endpoint

    def answer(self, path: str, params: Mapping[str, str]) -> Answer:
        """Return the answer to a GET of `path`, which begins with the venue's prefix."""
        found, in_path = self._routed(path)
        if found is None:
            return Answer(404, b'{"error":"there is nothing here"}', self._headers(self.clock.now()))
        dialect, endpoint = found
        params = {**params, **in_path}
        name = dialect.spec.name
        self._calls[name, endpoint.name] += 1
        now = self.clock.now()
        strikes = self._faults.strikes(name, endpoint.name, self._calls[name, endpoint.name], now)
        if any_of(strikes, Kind.DOWN):
            return Answer(503, _DOWN, {"content-type": "text/html"})
        skew = any_of(strikes, Kind.SKEW)
        if skew:
            now += timedelta(seconds=skew.fault.seconds)
        charge = self._meters[name].spend(_weight(endpoint, params))
        headers = {**self._headers(now), **charge.headers}
        if charge.wait_s is not None:
            return _refused(dialect, charge.status, (charge.wait_s, now), headers)
        failure = _failure(dialect, strikes, now, headers)
        if failure:
            return failure
        question = _question(endpoint, params, now, strikes)
        try:
            document = dialect.say(self.market, question)
        except Refusal as refusal:
            return replace(refusal.answer(), headers=headers)
        return _bent(document, endpoint, strikes, headers)

    async def answered(self, path: str, params: Mapping[str, str]) -> Answer:
        """Return what :meth:`answer` does, at once; one in another process lets its client go on meanwhile."""
        return self.answer(path, params)

    def _routed(self, path: str) -> tuple[tuple[Dialect, Endpoint] | None, Mapping[str, str]]:
        """Return who answers for `path`, and the parameters that stand in it."""
        if path in self._routes:
            return self._routes[path], {}
        for pattern, found in self._patterns:
            if match := pattern.fullmatch(path):
                return found, match.groupdict()
        return None, {}

    def _headers(self, now: datetime) -> dict[str, str]:
        date = format_datetime(now, usegmt=True)
        return {"content-type": "application/json;charset=UTF-8", "date": date, SIMULATED: self.name}


def _pattern(path: str) -> re.Pattern[str]:
    """Return what a path with parameters in it looks like; one that stands in it twice says the same twice."""
    seen: set[str] = set()

    def group(found: re.Match[str]) -> str:
        name = found[1]
        text = f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+?)"
        seen.add(name)
        return text

    return re.compile(re.sub(r"\\\{(\w+)\\\}", group, re.escape(path)))


def _weight(endpoint: Endpoint, params: Mapping[str, str]) -> int:
    defaults = {one.name: one.default for one in endpoint.parameters if one.default is not None}
    try:
        return endpoint.weight.of({**defaults, **params})
    except ValueError:
        return 1  # the parameter that it depends on is no number, which is refused


def _refused(dialect: Dialect, status: int, wait: tuple[float, datetime], headers: Mapping[str, str]) -> Answer:
    """Return the refusal of one who asks too much, who is to wait so many seconds from a moment on."""
    seconds, now = wait
    body = msgspec.json.encode(dialect.too_many(status, now + timedelta(seconds=seconds)))
    return Answer(status, body, {**headers, "retry-after": f"{seconds:.0f}"})


def _failure(dialect: Dialect, strikes: tuple[Strike, ...], now: datetime, headers: Mapping[str, str]) -> Answer | None:
    """Return the answer in place of the right one, or None if there is none."""
    for kind, status in _REFUSALS.items():
        strike = any_of(strikes, kind)
        if strike:
            return _refused(dialect, status, (strike.fault.seconds, now), headers)
    strike = any_of(strikes, Kind.SERVER_ERROR)
    if strike:
        return Answer(_SERVER_ERRORS[strike.draw % len(_SERVER_ERRORS)], b"", headers)
    strike = any_of(strikes, Kind.SILENCE)
    if strike:
        return Answer(504, b"", headers, hold_s=strike.fault.seconds)
    return None


def _question(endpoint: Endpoint, params: Mapping[str, str], now: datetime, strikes: tuple[Strike, ...]) -> Question:
    late = any_of(strikes, Kind.RESTATED)
    return Question(
        endpoint.name,
        params,
        now,
        late_s=late.fault.seconds if late else 0.0,
        is_late=late.picks if late else never,
        is_early=any_of(strikes, Kind.EARLY) is not None,
    )


def _bent(document: Document, endpoint: Endpoint, strikes: tuple[Strike, ...], headers: Mapping[str, str]) -> Answer:
    for strike in strikes:
        if strike.fault.kind in ROW_KINDS and not isinstance(document, bytes):
            document = bend_rows(document, endpoint.rows_at, strike.fault.kind, draw=strike.draw)
    body = written(document)
    malformed, truncated = any_of(strikes, Kind.MALFORMED), any_of(strikes, Kind.TRUNCATED)
    if malformed:
        body = cut(body, malformed.draw)
    sent = len(cut(body, truncated.draw)) if truncated else None
    return Answer(200, body, headers, sent=sent)
