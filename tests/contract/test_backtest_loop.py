"""The loop of the backtest, compiled, against the same functions in plain Python: one definition, the same bits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from assay.backtest.engine import run
from assay.backtest.loop import advance
from assay.backtest.result import Result
from assay.backtest.signal_loop import follow
from assay.backtest.sweeping import Loops, Setting
from assay.features.compile import compile_loop
from tests.unit.backtest.made_markets import (
    Asked,
    Prepared,
    random_account,
    random_costs,
    random_market,
    random_orders,
    random_signals,
    random_whole_market,
)


@pytest.mark.usefixtures("shared_kernels")
def test_compiled_loop_gives_the_bits_of_the_plain_one_at_once_and_bar_by_bar() -> None:
    loop = compile_loop(advance, "backtest", {}, are_inlined=False, are_lent=True)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        market, account = random_market(rng), random_account(rng)
        costs, decided = random_costs(rng, account), random_orders(rng, market)
        path = ("pessimistic", "optimistic")[seed % 2]
        plain, compiled, asked = (
            run(strategy(decided), market, account=account, costs=costs, path=path, loop=one)  # type: ignore[arg-type]
            for strategy, one in ((Prepared, advance), (Prepared, loop), (Asked, loop))
        )
        assert bits(compiled) == bits(plain)
        assert bits(asked) == bits(plain)
    assert len(loop.signatures) == 1, "compiled more than once"  # type: ignore[attr-defined]


@pytest.mark.usefixtures("shared_kernels")
def test_compiled_quick_loop_gives_the_bits_of_the_plain_one() -> None:
    quick = compile_loop(follow, "backtest", {}, are_lent=True)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        market = random_whole_market(rng, bars=int(rng.integers(1, 60)))
        account = dataclasses.replace(random_account(rng), participation=None)
        costs, signals = random_costs(rng, account), random_signals(rng, len(market))
        compiled, plain = (
            Setting(market, account, costs, Loops(advance, one)).outcome(signals)  # type: ignore[arg-type]
            for one in (quick, follow)
        )
        assert (compiled.equity.tobytes(), compiled.trades) == (plain.equity.tobytes(), plain.trades)
    assert len(quick.signatures) == 1, "compiled more than once"  # type: ignore[attr-defined]


def bits(result: Result) -> tuple[bytes, ...]:
    arrays = (result.equity, result.funding_paid, result.fill_rows, result.trade_rows, result.fates, result.held)
    return tuple(array.tobytes() for array in arrays)
