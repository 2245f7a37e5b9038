"""The engine against a slow and obvious second one, trade by trade and bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.backtest.engine import run
from assay.backtest.orders import FATES
from tests.unit.backtest.made_markets import Asked, Prepared, random_account, random_costs, random_market, random_orders
from tests.unit.backtest.reference import Reference


@pytest.mark.parametrize("path", ["pessimistic", "optimistic"])
@settings(max_examples=120)
@given(seed=st.integers(0, 2**32 - 1))
def test_fills_trades_fates_and_equity_are_those_of_the_reference(path: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    market, account = random_market(rng), random_account(rng)
    costs, decided = random_costs(rng, account), random_orders(rng, market)
    found = run(Prepared(decided), market, account=account, costs=costs, path=path)
    wanted = Reference(market, account, costs, path, decided).run()

    assert [(f[0], f[1], *f[3:]) for f in found.fills] == [(f[0], f[1], *f[3:]) for f in wanted.fills]
    assert [f.at for f in found.fills] == [f[2] for f in wanted.fills]
    assert [tuple(trade) for trade in found.trades] == wanted.trades
    assert [FATES[fate] for fate in found.fates] == [wanted.fates[number] for number in range(len(wanted.fates))]
    assert found.equity.tolist() == wanted.equity
    assert found.ruin_row == wanted.ruined


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_orders_given_at_each_close_make_the_trades_of_orders_given_at_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market, account = random_market(rng), random_account(rng)
    costs, decided = random_costs(rng, account), random_orders(rng, market)
    at_once = run(Prepared(decided), market, account=account, costs=costs)
    asked = run(Asked(decided), market, account=account, costs=costs)
    assert asked.fills == at_once.fills
    assert asked.trades == at_once.trades
    assert asked.orders == at_once.orders
    assert asked.equity.tobytes() == at_once.equity.tobytes()
