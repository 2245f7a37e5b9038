"""What was known of a coin when each bar closed: its share of the market, turnover, supply, and distance to extremes.

Joined by ``available_at``, that is, by when the answer came. All are ratios of amounts in one answer, in US dollars;
dominance alone takes the newest answer on every coin.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from assay.domain.errors import NoDataError
from assay.features.bars import Bars, FloatArray, IntArray
from assay.features.joining import last_known
from assay.features.reference_names import ReferenceName
from assay.lake import as_of as moments
from assay.lake.manifest import has_table
from assay.lake.reads import Span
from assay.venues.coingecko.spec import IDS

if TYPE_CHECKING:
    import duckdb

OLDEST = timedelta(hours=26)
"""What is polled once a day stands until the next answer, which may be late."""
_TABLE = "silver.coin_observations"
_QUOTE = "USD"
_FORMULAS = {
    "turnover": ("total_volume", "market_cap", 0.0),
    "circulating_share": ("circulating_supply", "coalesce(max_supply, total_supply)", 0.0),
    "below_high": ("price", "all_time_high", 1.0),
    "above_low": ("price", "all_time_low", 1.0),
}
"""Of each quantity: a fraction's two parts, and what is taken off."""


def coin_values(lake: duckdb.DuckDBPyConnection, wanted: ReferenceName, bars: Bars, span: Span) -> FloatArray:
    """Return one of :data:`~assay.features.reference_names.COIN_QUANTITIES` at the close of each bar.

    Returns
    -------
    float64 array, shape (n_bars,)
        NaN where nothing was known of the coin, where it was older than :data:`OLDEST`, and where a part of the ratio
        is not published.

    Raises
    ------
    NoDataError
        If no coin was ever asked for, or not this one.
    """
    coin = dict(IDS).get(wanted.of.upper(), wanted.of.lower())
    if not has_table(lake, _TABLE):
        raise NoDataError("no coins are known", value=wanted.of, todo="poll coingecko first: assay ingest coingecko")
    _check_known(lake, coin, wanted)
    relation = moments.relation(_TABLE, span.as_of, span.available_at)
    if wanted.kind == "dominance":
        return _dominance(lake, relation, coin, bars)
    over, under, less = _FORMULAS[wanted.kind]
    answers = _answers(lake, f"case when {under} > 0 then {over} / {under} - {less} end", relation, coin)
    return _at_close(bars, *answers.get(coin, _NONE))


_NONE: tuple[IntArray, FloatArray] = (np.empty(0, dtype=np.int64), np.empty(0))


def _dominance(lake: duckdb.DuckDBPyConnection, relation: str, coin: str, bars: Bars) -> FloatArray:
    """Divide by the sum over all coins, each as it was known at the close; a market value of 0 is one unknown."""
    own, total = np.full(len(bars), np.nan), np.zeros(len(bars))
    answers = _answers(lake, "case when market_cap > 0 then market_cap end", relation, "")
    # In the order of their names: a sum depends on its order.
    for name in sorted(answers):
        value = _at_close(bars, *answers[name])
        total += np.where(np.isnan(value), 0.0, value)
        if name == coin:
            own = value
    share: FloatArray = np.divide(own, total, out=np.full(len(bars), np.nan), where=total > 0)
    return share


def _answers(
    lake: duckdb.DuckDBPyConnection, value: str, relation: str, coin: str
) -> dict[str, tuple[IntArray, FloatArray]]:
    """Return, by coin, when each answer came and what it says; `value` and `relation` are SQL of this program."""
    frame = lake.execute(
        f"select coin_id, epoch_us(available_at) as moment, ({value})::double as value from {relation} "
        "where quote = ? and (? = '' or coin_id = ?) order by coin_id, available_at, batch_id, row_number",
        [_QUOTE, coin, coin],
    ).pl()
    return {
        str(name): (part["moment"].to_numpy(), part["value"].fill_null(float("nan")).to_numpy())
        for (name,), part in frame.partition_by("coin_id", as_dict=True, maintain_order=True).items()
    }


def _at_close(bars: Bars, when: IntArray, values: FloatArray) -> FloatArray:
    return last_known(bars, when, values, bars.close_time - OLDEST // timedelta(microseconds=1) - 1)


def _check_known(lake: duckdb.DuckDBPyConnection, coin: str, wanted: ReferenceName) -> None:
    relation = moments.relation(_TABLE, None)
    if lake.execute(f"select 1 from {relation} where coin_id = ? and quote = ? limit 1", [coin, _QUOTE]).fetchone():
        return
    ticker = wanted.of.upper()
    rows = lake.execute(f"select distinct coin_id from {relation} where asset = ? order by 1", [ticker]).fetchall()
    named = " or ".join(f"{wanted.kind}:{one}" for (one,) in rows[:4])
    todo = f"tickers are not unique, give the id: {named}" if named else "name a coin that is polled, by its id"
    raise NoDataError("nothing is known of the coin", value=wanted.of, todo=todo)
