"""The package ccxt itself: whether it is there, and one of its exchanges set up for public market data of spot."""

from __future__ import annotations

import difflib
import warnings
from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from assay.domain.errors import BadInputError


def load_package() -> ModuleType:
    """Return the package.

    Raises
    ------
    BadInputError
        If it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what ccxt uses in old ways is ccxt's affair
            return import_module("ccxt")
    except ImportError as error:
        todo = "install it: pip install 'assay[ccxt]'"
        raise BadInputError("exchanges of ccxt need the package ccxt", value="ccxt", todo=todo) from error


def make_client(exchange: str, *, base_url: str = "", timeout_s: float = 30.0) -> Any:  # noqa: ANN401  # ccxt has no types
    """Return ccxt's client of an exchange, which asks nothing yet.

    Parameters
    ----------
    exchange : str
        ccxt's id, such as ``kraken``.
    base_url : str, optional
        Stands for scheme and host of all its addresses, such as that of a sandbox; empty: the exchange's own.
    timeout_s : float
        Longest time of one request.

    Raises
    ------
    BadInputError
        If ccxt is not installed, or knows no such exchange.
    """
    package = load_package()
    if exchange not in package.exchanges:
        near = difflib.get_close_matches(exchange, package.exchanges, n=1)
        todo = f"did you mean {near[0]}?" if near else "`python -c 'import ccxt; print(ccxt.exchanges)'` lists them"
        raise BadInputError("ccxt knows no such exchange", value=exchange, todo=todo)
    # The rate limit is kept by Assay, for all processes together.
    client = getattr(package, exchange)({"enableRateLimit": False, "timeout": int(timeout_s * 1_000)})
    client.session.trust_env = False
    # Only spot is asked for: other markets and lists of currencies are more requests, and some need a key.
    of_markets = client.options.get("fetchMarkets")
    if isinstance(of_markets, dict) and "types" in of_markets:
        of_markets["types"] = ["spot"]
    client.has["fetchCurrencies"] = False
    client.options["fetchCurrencies"] = False
    if base_url:
        client.urls["api"] = _moved(client.urls["api"], base_url.rstrip("/"))
    return client


def address_of(client: Any) -> str:  # noqa: ANN401
    """Return where an exchange's public API is, for people."""
    urls = client.urls["api"]
    while isinstance(urls, dict):
        urls = urls.get("public") or urls.get("rest") or next(iter(urls.values()))
    address = urlsplit(str(urls).replace("{hostname}", str(client.hostname)))
    return f"https://{address.netloc}"


def _moved(urls: Any, base_url: str) -> Any:  # noqa: ANN401
    """Return ccxt's addresses, nested as they are, with `base_url` in place of scheme and host."""
    if isinstance(urls, dict):
        return {name: _moved(one, base_url) for name, one in urls.items()}
    # A host may hold {hostname}, which splitting does not mind.
    return base_url + urlsplit(str(urls)).path
