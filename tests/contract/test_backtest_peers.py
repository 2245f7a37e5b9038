"""The engine beside vectorbt and backtesting.py, where they are installed: ``make bench`` does it, in build/peers.

Both fill at the close at which is decided; here that is a choice of the account. What else differs, and what makes it
the same, is said in docs/concepts/backtest.md and done here.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from assay.backtest.account import Account
from assay.backtest.engine import run
from assay.backtest.market import Market
from assay.backtest.result import Result
from assay.backtest.signals import Exits, Flags, Signals
from assay.measures.trading_costs import Costs

FEE, STOP_LOSS, TAKE_PROFIT, CASH = 0.001, 0.02, 0.03, 1e9
COSTS = Costs(maker_bps=FEE * 1e4, taker_bps=FEE * 1e4)
EXITS = Exits(stop_loss=STOP_LOSS, take_profit=TAKE_PROFIT)
WHY = "{} is not installed: `make bench` does it, then build/peers/bin/python -m pytest tests/contract/{}"


@pytest.fixture(scope="module")
def market() -> Market:
    """Return bars wide enough for stops and targets, some opening beyond them."""
    rng, count = np.random.default_rng(5), 3_000
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, count)))
    opened = np.concatenate([close[:1], close[:-1]]) * np.exp(np.where(rng.random(count) < 0.1, 0.02, 0.0))
    high = np.maximum(opened, close) * (1.0 + np.abs(rng.normal(0.0, 0.004, count)))
    low = np.minimum(opened, close) * (1.0 - np.abs(rng.normal(0.0, 0.004, count)))
    times = np.arange(count, dtype=np.int64) * 60_000_000
    return Market(("BTC-USDT",), times, times + 60_000_000, opened, high, low, close)


@pytest.fixture(scope="module")
def signals(market: Market) -> tuple[Flags, Flags]:
    """Return entries and exits, never both, and none on the last bars, so that all is sold in the end."""
    rng = np.random.default_rng(6)
    draw = rng.random(len(market))
    draw[-200:] = 0.5
    draw[-200] = 0.0
    return draw > 0.9, draw < 0.1


def test_vectorbt_ends_with_the_same_equity(market: Market, signals: tuple[Flags, Flags]) -> None:
    vectorbt = pytest.importorskip("vectorbt", reason=WHY.format("vectorbt", "test_backtest_peers.py"))
    opened, high, low, close = (one[:, 0] for one in (market.open, market.high, market.low, market.close))
    entries, exits = signals
    theirs = vectorbt.Portfolio.from_signals(
        close, entries, exits, open=opened, high=high, low=low, fees=FEE, sl_stop=STOP_LOSS, tp_stop=TAKE_PROFIT,
        init_cash=CASH, freq="1min",
    )  # fmt: skip
    # After a stop it does nothing more in that bar.
    account = Account(cash=CASH, fill_at="same_close", one_fill_a_bar=True)
    ours = run(
        Signals(long_entry=entries, long_exit=exits, exits=EXITS),
        market,
        account=account,
        costs=COSTS,
    )
    assert reasons(ours) == {"order", "stop_loss", "take_profit"}
    assert len(ours.fills) == int(theirs.orders.count())
    np.testing.assert_allclose(ours.equity, np.asarray(theirs.value()), rtol=1e-12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:backtesting.*")  # of pandas, about its code
def test_backtesting_py_makes_the_same_trades(market: Market, signals: tuple[Flags, Flags]) -> None:
    backtesting = pytest.importorskip("backtesting", reason=WHY.format("backtesting.py", "test_backtest_peers.py"))
    pandas = pytest.importorskip("pandas")
    entries, exits = signals

    class Followed(backtesting.Strategy):  # type: ignore[name-defined,misc]
        def init(self) -> None:
            self.entries, self.exits = entries, exits

        def next(self) -> None:
            row, price = len(self.data) - 1, self.data.Close[-1]
            if self.position:
                if self.exits[row]:
                    self.position.close()
            elif self.entries[row]:
                self.buy(sl=price * (1 - STOP_LOSS), tp=price * (1 + TAKE_PROFIT))

    columns = {name: getattr(market, name.lower())[:, 0] for name in ("Open", "High", "Low", "Close")}
    index = pandas.date_range(datetime(2020, 1, 1, tzinfo=UTC), periods=len(market), freq="min")
    test = backtesting.Backtest(
        pandas.DataFrame(columns, index=index), Followed, cash=CASH, commission=FEE, trade_on_close=True,
        finalize_trades=True,
    )  # fmt: skip
    theirs = test.run()
    # It buys whole units, and may enter again at the close of a bar whose stop or target was reached.
    whole = Costs(maker_bps=FEE * 1e4, taker_bps=FEE * 1e4, lot=1.0)
    account = Account(cash=CASH, fill_at="same_close")
    ours = run(
        Signals(long_entry=entries, long_exit=exits, exits=EXITS),
        market,
        account=account,
        costs=whole,
    )
    trades = theirs["_trades"]
    assert [trade.entry_row for trade in ours.trades] == trades["EntryBar"].tolist()
    assert [trade.quantity for trade in ours.trades] == trades["Size"].tolist()
    np.testing.assert_allclose([trade.exit_price for trade in ours.trades], trades["ExitPrice"], rtol=1e-12)
    np.testing.assert_allclose(ours.equity[-1], theirs["Equity Final [$]"], rtol=1e-12)


def reasons(result: Result) -> set[str]:
    return {fill.reason for fill in result.fills}
