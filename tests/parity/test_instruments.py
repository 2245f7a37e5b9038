"""What could be traded when: the sandbox's lists over some months, in which coins come, go and are renamed."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from assay.domain.errors import NoDataError
from assay.pipelines.building import build
from assay.pipelines.ingesting import Wanted
from assay.pipelines.workspace import Workspace
from assay.selectors.instruments import asset_segments, instruments
from tests.integration.simulated import Simulation

DAY = timedelta(days=1)
DAYS = [datetime(2024, *day, 12, 0, 20, tzinfo=UTC) for day in ((2, 19), (2, 21), (4, 3), (9, 14))]
LISTS = Wanted(("binance:instruments",))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A home that asked for the list on four days, and was built once."""
    simulation = Simulation(tmp_path_factory.mktemp("lists"), moment=DAYS[0])
    workspace = simulation.workspace()
    for day in DAYS:
        simulation.time.moment = max(simulation.time.moment, day)
        simulation.poll(workspace, LISTS)
    build(workspace)
    return workspace


def test_P06_coin_that_came_later_is_listed_when_it_was_first_seen(workspace: Workspace) -> None:
    (state,) = instruments(workspace, "ENAUSDT").states
    assert (state.change, state.listed_by, state.valid_to) == ("listed", "first_seen", None)
    assert state.listed_at == state.valid_from
    assert DAYS[2] <= state.valid_from < DAYS[2] + DAY


def test_P06_coin_whose_trading_ended_is_delisted_and_keeps_its_past(workspace: Workspace) -> None:
    trading, ended = instruments(workspace, "XMR").states
    assert (trading.is_trading, ended.is_trading, ended.status) == (True, False, "BREAK")
    assert trading.valid_to == ended.valid_from == ended.delisted_at
    assert ended.delisted_by == "status"


def test_P06_renamed_coin_is_one_asset_before_and_another_name_after(workspace: Workspace) -> None:
    before, after = instruments(workspace, "MATIC"), instruments(workspace, "POL")
    assert [state.is_trading for state in before.states] == [True, False]
    assert [segment.formerly for segment in after.segments] == ["MATIC"]
    assert after.states[0].asset_id == "polygon-ecosystem-token"


def test_P06_universe_as_of_a_date_is_that_of_then(workspace: Workspace) -> None:
    then = {state.symbol for state in instruments(workspace, as_of=DAYS[0] + DAY).states if state.is_trading}
    now = {state.symbol for state in instruments(workspace).states if state.is_trading}
    assert then - now == {"XMR-USDT", "MATIC-USDT"}
    assert now - then == {"ENA-USDT", "POL-USDT"}
    with pytest.raises(NoDataError, match="as of then"):
        instruments(workspace, "KITEUSDT", as_of=DAYS[0] + DAY)


def test_P06_instrument_at_a_date_is_what_stood_then(workspace: Workspace) -> None:
    (trading,) = instruments(workspace, "XMR", on=DAYS[0] + DAY / 2).states
    (ended,) = instruments(workspace, "XMR", on=DAYS[3]).states
    assert (trading.is_trading, ended.is_trading) == (True, False)
    then = {state.symbol for state in instruments(workspace, on=DAYS[1]).states if state.is_trading}
    assert "MATIC-USDT" in then
    assert "POL-USDT" not in then
    # Before the first list only the ticker's meaning is stated; of one that is not stated, nothing is.
    old = instruments(workspace, "LUNA", on=datetime(2022, 5, 1, tzinfo=UTC))
    assert (old.states, [one.asset_id for one in old.segments]) == ((), ["terra-luna"])
    with pytest.raises(NoDataError, match="no list of instruments is that old.*the first list"):
        instruments(workspace, "BTCUSDT", on=datetime(2022, 5, 1, tzinfo=UTC))
    # Known later than it stood: the list with XMR's end had not come yet.
    (unaware,) = instruments(workspace, "XMR", on=DAYS[3], as_of=DAYS[0] + DAY).states
    assert unaware.is_trading


def test_P06_asset_is_named_where_something_states_it_and_else_not(workspace: Workspace) -> None:
    by = {one.symbol: (one.asset_id, one.asset_id_by) for one in instruments(workspace).states}
    assert by["BTC-USDT"] == ("bitcoin", "coingecko")
    assert by["POL-USDT"] == ("polygon-ecosystem-token", "asset_identities")
    assert by["ENA-USDT"] == (None, None)


def test_P06_ticker_that_was_reused_is_two_assets_on_its_two_sides(workspace: Workspace) -> None:
    first, second = asset_segments(workspace, "LUNA", DAYS[0] - 900 * DAY, DAYS[0])
    assert (first.asset_id, second.asset_id) == ("terra-luna", "terra-luna-2")
    assert first.valid_to == second.valid_from == datetime(2022, 5, 28, 6, tzinfo=UTC)
    assert asset_segments(workspace, "LUNA", DAYS[0], DAYS[1]) == ()
    assert asset_segments(workspace, "BTC", DAYS[0] - 900 * DAY, DAYS[0]) == ()


def test_P06_terms_and_fees_are_those_of_the_venue(workspace: Workspace) -> None:
    (state,) = instruments(workspace, "BTCUSDT", venue="binance").states
    assert (state.tick_size, state.lot_size, state.min_notional) == (0.01, 1e-5, 5.0)
    assert (state.maker_bps, state.taker_bps) == (10.0, 10.0)
