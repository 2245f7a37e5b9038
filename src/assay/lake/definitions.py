"""The SQL that defines silver and gold: written once, in the dbt project, and used by dbt and by as-of reads alike.

The macros in ``klines.sql``, ``daily.sql``, ``markets.sql`` and ``instruments.sql`` use nothing of dbt but its
template language, so that an as-of read can render the very text that built the table, over the observations that were
known at that moment.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import jinja2

import assay

_MACROS = ("klines.sql", "daily.sql", "markets.sql", "instruments.sql")


@functools.cache
def dbt_project() -> Path:
    """Return the dbt project: inside the installed package, or at the top of a source checkout."""
    package = Path(assay.__file__).parent
    installed = package / "_dbt"
    return installed if installed.is_dir() else package.parents[1] / "dbt"


@functools.cache
def definitions_hash() -> str:
    """Return a hash of everything that decides what the SQL tables hold: the models and the macros."""
    digest = hashlib.sha256()
    root = dbt_project()
    for path in sorted([*root.glob("models/**/*.sql"), *root.glob("macros/*.sql")]):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def current_klines(observations: str) -> str:
    """Return SQL for the current revision of every bar among the observations; a relation's name."""
    return _render("current_klines", observations)


def cleaned_klines(klines: str) -> str:
    """Return SQL for ``silver.crypto_prices_cleaned`` from current klines; a relation's name."""
    return _render("cleaned_klines", klines)


def daily_metrics(klines: str) -> str:
    """Return SQL for ``gold.daily_crypto_metrics`` from cleaned klines; a relation's name."""
    return _render("daily_metrics", klines)


def processed_tickers(tickers: str, venue: str) -> str:
    """Return SQL for ``silver.processed_binance_tickers`` and its like from observations of tickers."""
    return _render("processed_tickers", tickers, venue)


def processed_rupee_tickers(tickers: str, rates: str, venue: str) -> str:
    """Return SQL for ``silver.processed_wazirx_tickers`` from observations of tickers and rates of the rupee."""
    return _render("processed_rupee_tickers", tickers, rates, venue)


def processed_coins(coins: str) -> str:
    """Return SQL for ``silver.processed_crypto_market`` from observations of coins."""
    return _render("processed_coins", coins)


def coin_history(observations: str) -> str:
    """Return SQL for ``silver.coin_history`` from observations of it."""
    return _render("coin_history", observations)


def funding_rates(observations: str) -> str:
    """Return SQL for ``silver.funding_rates`` from observations of them."""
    return _render("funding_rates", observations)


def instruments(revisions: str, batches: str, ranges: str, identities: str) -> str:
    """Return SQL for ``silver.instruments`` from what venues listed and the batches of bars."""
    return _render("instruments", revisions, batches, ranges, identities)


def asset_identities() -> str:
    """Return SQL for ``silver.asset_identities``."""
    return _render("asset_identities")


def kline_order_books(klines: str, books: str) -> str:
    """Return SQL for ``silver.kline_order_books`` from cleaned klines and order books."""
    return _render("kline_order_books", klines, books)


def crypto_market(coins: str, binance: str, wazirx: str) -> str:
    """Return SQL for ``gold.crypto_market`` from the processed tables."""
    return _render("crypto_market", coins, binance, wazirx)


def _render(macro: str, *arguments: str) -> str:
    return str(getattr(_macros(), macro)(*arguments))


@functools.cache
def _macros() -> jinja2.environment.TemplateModule:
    folder = dbt_project() / "macros"
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in _MACROS)
    # SQL, not HTML: the only values ever put in are names of relations and venues that this package writes itself.
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined)  # noqa: S701
    return environment.from_string(text).module
