"""Any table as it was known at any moment: the one place that says what that means for each of them.

Tables of observations only grow, so that as of a moment they are the rows that were known by then. Tables that are
computed from others are computed again, by the text that made them (:mod:`assay.lake.definitions`), over those others
as of that moment. Tables that no rule here knows have no such view.

There are two clocks, and both may be asked at once: ``as_of`` is what Assay had received (``known_at``),
``available_at`` what a system that ran then would have had, whenever Assay came to know it.

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
_FUNDING = "silver.funding_observations"
_HISTORY = "silver.coin_history_observations"
_INSTRUMENTS, _IDENTITIES = "silver.instrument_revisions", "silver.asset_identities"

AVAILABLE_WHEN_KNOWN = frozenset({
    "bronze.batches", "bronze.raw_crypto_prices", "bronze.raw_market_data", "bronze.raw_orderbook",
    "bronze.raw_trades", "bronze.raw_funding_rates", "bronze.raw_coin_history", "silver.kline_defects",
    "silver.quarantined_rows", _RATES, "gold.price_predictions", "gold.direction_evidence",
})  # fmt: skip
"""Those of them that have no column ``available_at``: nobody had such a row before Assay did."""

INSERT_ONLY = (
    "bronze.batches", "bronze.raw_crypto_prices", "bronze.raw_binance_tickers", "bronze.raw_wazirx_tickers",
    "bronze.raw_crypto_market", "bronze.raw_market_data", "bronze.raw_orderbook", "bronze.raw_trades",
    _REVISIONS, "silver.kline_defects", "silver.quarantined_rows", _BOOKS, "silver.trade_observations",
    "bronze.raw_coin_history", _HISTORY,
    "bronze.raw_funding_rates", _FUNDING, _RATES, _TICKERS, _COINS,
    "gold.price_predictions", "gold.direction_evidence",
    _INSTRUMENTS,
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
    "silver.coin_history": lambda source: definitions.coin_history(source(_HISTORY)),
    "silver.funding_rates": lambda source: definitions.funding_rates(source(_FUNDING)),
    # Identities are stated, not found out: they are the same as of any moment.
    _IDENTITIES: lambda _: definitions.asset_identities(),
    "silver.instruments": lambda source: definitions.instruments(
        source(_INSTRUMENTS), source("bronze.batches"), f"{CATALOG}.bronze.batch_ranges", source(_IDENTITIES)
    ),
    "gold.crypto_market": lambda source: definitions.crypto_market(source(_MARKET), source(_BINANCE), source(_WAZIRX)),
}


def tables() -> tuple[str, ...]:
    """Return the names of all tables that can be seen as of a moment."""
    return (*INSERT_ONLY, *_DERIVED)


def select(name: str, source: Source, *, as_of: datetime | None = None, available_at: datetime | None = None) -> str:
    """Return the SELECT that gives the table `name` as of a moment, by one clock or both.

    Parameters
    ----------
    name : str
        One of :func:`tables`.
    source : callable
        Gives the relation, of those moments too, that stands for another table.
    as_of : datetime, optional
        What Assay had received by then.
    available_at : datetime, optional
        What a system that ran then would have had.

    Raises
    ------
    NoDataError
        If the table has no such view.
    """
    if name in _DERIVED:
        return _DERIVED[name](source)
    if name not in INSERT_ONLY:
        raise no_past(name)
    if name in AVAILABLE_WHEN_KNOWN:
        as_of, available_at = min((one for one in (as_of, available_at) if one), default=None), None
    return f"select * from {CATALOG}.{name} where {seen_by(as_of, available_at)}"


def no_past(name: str) -> NoDataError:
    """Return what is said of a table that has no such view."""
    todo = "ask without a moment: only its current state is kept"
    return NoDataError("this table cannot be seen as of a moment", value=name, todo=todo)


def relation(name: str, as_of: datetime | None, available_at: datetime | None = None) -> str:
    """Return SQL for the table `name`, now or as of a moment, to stand after FROM."""
    if as_of is None and available_at is None:
        return f"{CATALOG}.{name}"
    chosen = select(name, lambda other: relation(other, as_of, available_at), as_of=as_of, available_at=available_at)
    return f"({chosen})"


def known_by(as_of: datetime) -> str:
    """Return the condition that a row was known by a moment, a constant by which the catalogue leaves files unread."""
    return _until("known_at", as_of)


def seen_by(as_of: datetime | None, available_at: datetime | None) -> str:
    """Return the condition on a row of a table with both clocks."""
    moments = (("known_at", as_of), ("available_at", available_at))
    return " and ".join(_until(column, moment) for column, moment in moments if moment) or "true"


def _until(column: str, moment: datetime) -> str:
    return f"{column} <= timestamptz '{moment.isoformat()}'"
