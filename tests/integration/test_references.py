"""References joined to bars: never what came later, by hand and against the same question put to a shorter past."""

from __future__ import annotations

import numpy as np
import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId
from assay.domain.interval import Interval
from assay.features.against import Against
from assay.features.bars import Bars, FloatArray
from assay.features.compile import use_cache_dir
from assay.features.drivers import Stream, run_batch
from assay.features.indicators.beta import Beta
from assay.lake import reads
from assay.lake.home import open_home
from assay.lake.reads import Span
from assay.pipelines.coin_references import OLDEST
from assay.pipelines.references import reference_values
from assay.pipelines.steps import bars_of
from assay.pipelines.workspace import Workspace
from assay.settings import Settings
from tests.integration.homes import ONE_THREAD, made_once
from tests.integration.references_home import COUNT, HOLE, LISTED, POLLED, RESTATED_AT, make
from tests.made_klines import HOUR, START
from tests.unit.features.made_bars import same_bits


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home = made_once(tmp_path_factory, "references", make)
    use_cache_dir(home / "cache" / "numba")
    return Workspace(Settings(home=home, lake=ONE_THREAD), open_home(home, create=False))


def bars_named(workspace: Workspace, symbol: str, span: Span = reads.EVERYTHING) -> Bars:
    with workspace.lake() as lake:
        return bars_of(reads.read_klines(lake, SeriesId.parse(f"binance:spot:{symbol}:1h"), span))


def joined(workspace: Workspace, name: str, bars: Bars, span: Span = reads.EVERYTHING) -> FloatArray:
    with workspace.lake() as lake:
        return reference_values(lake, name, bars, interval=Interval.parse("1h"), span=span)


def with_reference(bars: Bars, values: FloatArray) -> Bars:
    return Bars(
        bars.open_time, bars.close_time, bars.open, bars.high, bars.low, bars.close, bars.volume, reference=values
    )


def test_a_series_gives_the_close_of_the_same_moment_and_nothing_in_its_hole(workspace: Workspace) -> None:
    eth, btc = bars_named(workspace, "ETH-USDT"), bars_named(workspace, "BTC-USDT")
    values = joined(workspace, "BTC-USDT", eth)
    by_close = dict(zip(btc.close_time.tolist(), btc.close.tolist(), strict=True))
    expected = [by_close.get(moment, np.nan) for moment in eth.close_time.tolist()]
    np.testing.assert_array_equal(values, expected)
    assert np.flatnonzero(np.isnan(values)).tolist() == list(range(*HOLE))
    assert same_bits(values, joined(workspace, "binance:spot:btcusdt", eth))


@pytest.mark.parametrize(
    "name",
    ["BTC-USDT", "breadth:above_ema_5:*-USDT", "breadth:up_3:SOL-USDT,BTC-USDT", "dominance:BTC", "turnover:BTC"],
)
def test_no_value_knows_of_what_came_later(workspace: Workspace, name: str) -> None:
    eth = bars_named(workspace, "ETH-USDT")
    whole = joined(workspace, name, eth)
    assert np.isfinite(whole).any()
    for cut in (1, 20, 21, 61, 102, LISTED + 4, COUNT - 1):
        assert same_bits(joined(workspace, name, eth.rows(0, cut)), whole[:cut])
        # Bar by bar, as a stream asks.
        assert same_bits(joined(workspace, name, eth.rows(cut - 1, cut)), whole[cut - 1 : cut])


def test_beta_to_a_reference_is_in_a_stream_what_it_is_in_a_batch(workspace: Workspace) -> None:
    eth = bars_named(workspace, "ETH-USDT")
    step = Against(Beta(5), "BTC-USDT")
    bars = with_reference(eth, joined(workspace, step.to, eth))
    values, _ = run_batch(step, bars)
    stream = Stream(step)
    assert same_bits(np.array([stream.update(bars.bar(row)) for row in range(len(bars))]), values)
    # None in the hole, nor at the bar after it, whose return would be one over another time span.
    gone = np.isnan(values[:, 0])
    assert np.flatnonzero(gone).tolist() == [*range(5), *range(HOLE[0], HOLE[1] + 1)]


def test_breadth_counts_those_that_have_a_bar_then(workspace: Workspace) -> None:
    """By plain loops: of ETH, BTC and, once it is traded, SOL, the share above the close of three bars before."""
    eth = bars_named(workspace, "ETH-USDT")
    closes = {
        name: dict(zip(part.close_time.tolist(), part.close.tolist(), strict=True))
        for name, part in ((one, bars_named(workspace, one)) for one in ("BTC-USDT", "ETH-USDT", "SOL-USDT"))
    }
    hour = 3_600_000_000
    expected = []
    for moment in eth.close_time.tolist():
        runs = [[of.get(moment - back * hour, np.nan) for back in range(4)] for of in closes.values()]
        ups = [run[0] > run[3] for run in runs if not np.isnan(run).any()]
        expected.append(sum(ups) / len(ups) if ups else np.nan)
    np.testing.assert_array_equal(joined(workspace, "breadth:up_3:*-USDT", eth), expected)
    assert {1 / 3, 2 / 3} <= set(expected)


def test_coins_are_joined_by_when_their_answer_came(workspace: Workspace) -> None:
    eth = bars_named(workspace, "ETH-USDT")
    # The newest bar is not closed: nothing shows that it is finished.
    closes = [START + (row + 1) * HOUR for row in range(COUNT - 1)]
    first, second = POLLED

    def expected(before: float, after: float) -> list[float]:
        return [
            after if second <= at <= second + OLDEST else before if first <= at <= first + OLDEST else np.nan
            for at in closes
        ]

    # After the second answer tether is remembered for as long as its own answer may stand, which is over by then.
    for name, before, after in (
        ("dominance:BTC", 0.6, 0.5),
        ("dominance:ethereum", 0.3, 0.5),
        ("turnover:BTC", 0.05, 0.1),
    ):
        np.testing.assert_allclose(joined(workspace, name, eth), expected(before, after), rtol=1e-12, err_msg=name)
    at = 25
    for name, value in (("circulating_share:ETH", 0.75), ("below_high:BTC", -0.5), ("above_low:BTC", 4.0)):
        assert joined(workspace, name, eth)[at] == pytest.approx(value), name
    # The bar that closed 20 seconds before the first answer does not have it; the one that closed with the second has.
    known = np.isfinite(joined(workspace, "turnover:BTC", eth))
    assert (known[19], known[20], known[58], known[59]) == (False, True, False, True)


def test_as_of_a_moment_it_is_what_was_known_then(workspace: Workspace) -> None:
    btc = bars_named(workspace, "BTC-USDT")
    then, now = (joined(workspace, "ETH-USDT", btc, Span(as_of=moment)) for moment in (RESTATED_AT - HOUR, RESTATED_AT))
    assert np.flatnonzero(then != now).tolist() == list(range(40, 49))
    np.testing.assert_allclose(now[40:49], 1.5 * then[40:49], atol=0.01)
    assert same_bits(now, joined(workspace, "ETH-USDT", btc))
    before_second = Span(available_at=POLLED[1] - HOUR)
    assert np.isnan(joined(workspace, "turnover:BTC", btc, before_second)[59:]).all()


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("XRP-USDT", NoDataError, "the lake holds"),
        ("BTC-USD", NoDataError, "write BTC-USDT, if that is meant"),
        ("breadth:up_3:*-GBP", NoDataError, "nobody is in this universe"),
        ("breadth:sideways:*-USDT", BadInputError, "above_ema_50"),
        ("dominance:cardano", NoDataError, "nothing is known of the coin"),
        ("dominance:", BadInputError, "no name of a coin"),
        ("nonsense", BadInputError, "unknown reference"),
    ],
)
def test_what_is_not_there_is_said(workspace: Workspace, name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        joined(workspace, name, bars_named(workspace, "ETH-USDT"))
