"""Any table as it was known at any moment: the one place that says what that means for each of them.

Tables of observations only grow, so that as of a moment they are the rows that were known by then. Tables that are
computed from others are computed again, by the text that made them (:mod:`assay.lake.definitions`), over those others
as of that moment. Tables that no rule here knows have no such view.

>>> from datetime import UTC
>>> print(relation("silver.order_books", datetime(2024, 1, 1, tzinfo=UTC)))
(select * from lake.silver.order_books where known_at <= timestamptz '2024-01-01T00:00:00+00:00')
>>> relation("silver.order_books", None)
'lake.silver.order_books'
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from assay.domain.errors import NoDataError
from assay.lake import definitions, reads
from assay.lake.catalog import CATALOG

_TICKERS, _COINS, _RATES = "silver.ticker_observations", "silver.coin_observations", "silver.inr_usd_rates"
_BINANCE, _WAZIRX, _MARKET = (
    f"silver.processed_{name}" for name in ("binance_tickers", "wazirx_tickers", "crypto_market")
)
_REVISIONS, _BOOKS = "silver.kline_revisions", "silver.order_books"

INSERT_ONLY = (
    "bronze.batches", "bronze.raw_crypto_prices", "bronze.raw_binance_tickers", "bronze.raw_wazirx_tickers",
    "bronze.raw_crypto_market", "bronze.raw_market_data", "bronze.raw_orderbook", "bronze.raw_trades",
    _REVISIONS, "silver.kline_defects", "silver.quarantined_rows", _BOOKS, "silver.trade_observations",
    _RATES, _TICKERS, _COINS, "gold.direction_predictions", "gold.direction_evidence",
)  # fmt: skip
"""Rows that are never changed but for being followed by others."""

Source = Callable[[str], str]

_DERIVED: dict[str, Callable[[Source], str]] = {
    reads.CLEANED: lambda source: reads.cleaned_sql(source(_REVISIONS)),
    "gold.daily_crypto_metrics": lambda source: definitions.daily_metrics(source(reads.CLEANED)),
    _BINANCE: lambda source: definitions.processed_tickers(source(_TICKERS), "binance"),
    _WAZIRX: lambda source: definitions.processed_rupee_tickers(source(_TICKERS), source(_RATES), "wazirx"),
    _MARKET: lambda source: definitions.processed_coins(source(_COINS)),
    "silver.kline_order_books": lambda source: definitions.kline_order_books(source(reads.CLEANED), source(_BOOKS)),
    "gold.crypto_market": lambda source: definitions.crypto_market(source(_MARKET), source(_BINANCE), source(_WAZIRX)),
}


def tables() -> tuple[str, ...]:
    """Return the names of all tables that can be seen as of a moment."""
    return (*INSERT_ONLY, *_DERIVED)


def select(name: str, as_of: datetime, source: Source) -> str:
    """Return the SELECT that gives the table `name` as of a moment.

    Parameters
    ----------
    name : str
        One of :func:`tables`.
    as_of : datetime
    source : callable
        Gives the relation, as of that moment too, that stands for another table.

    Raises
    ------
    NoDataError
        If the table has no such view.
    """
    if name in _DERIVED:
        return _DERIVED[name](source)
    if name not in INSERT_ONLY:
        todo = "ask without a moment: only its current state is kept"
        raise NoDataError("this table cannot be seen as of a moment", value=name, todo=todo)
    return f"select * from {CATALOG}.{name} where {known_by(as_of)}"


def relation(name: str, as_of: datetime | None) -> str:
    """Return SQL for the table `name`, now or as of a moment, to stand after FROM."""
    if as_of is None:
        return f"{CATALOG}.{name}"
    return f"({select(name, as_of, lambda other: relation(other, as_of))})"


def known_by(as_of: datetime) -> str:
    """Return the condition that a row was known by a moment, a constant by which the catalogue leaves files unread."""
    return f"known_at <= timestamptz '{as_of.isoformat()}'"
