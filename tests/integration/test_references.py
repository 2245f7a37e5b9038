"""References joined to bars: never what came later, by hand and against the same question put to a shorter past."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId
from assay.domain.interval import EPOCH, Interval
from assay.features.against import Against
from assay.features.bars import Bars, FloatArray
from assay.features.compile import use_cache_dir
from assay.features.drivers import Stream, run_batch
from assay.features.indicators.beta import Beta
from assay.features.indicators.reference import Reference
from assay.features.indicators.relative_strength import RelativeStrength
from assay.features.indicators.rsi import Rsi
from assay.features.referenced import ReferencedStream, held_against, run_referenced, set_references
from assay.features.step import Step
from assay.lake import reads
from assay.lake.home import open_home
from assay.lake.reads import Span
from assay.pipelines.coin_references import OLDEST
from assay.pipelines.computing import ComputeRequest, compute_features
from assay.pipelines.feature_sets import known_sets
from assay.pipelines.reference_series import ReferenceColumn
from assay.pipelines.references import available_with, reference_column
from assay.pipelines.steps import bars_of
from assay.pipelines.training_table import TableRequest, make_training_table
from assay.pipelines.workspace import Workspace
from assay.settings import Settings
from assay.settings.features import FeatureSettings
from tests.integration.homes import ONE_THREAD, made_once
from tests.integration.references_home import COUNT, HOLE, LISTED, LISTS, POLLED, RESTATED_AT, make
from tests.made_klines import HOUR, START
from tests.unit.features.made_bars import same_bits


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home = made_once(tmp_path_factory, "references", make)
    use_cache_dir(home / "cache" / "numba")
    return Workspace(Settings(home=home, lake=ONE_THREAD), open_home(home, create=False))


def bars_named(workspace: Workspace, symbol: str, span: Span = reads.EVERYTHING) -> Bars:
    with workspace.lake() as lake:
        series = symbol if ":" in symbol else f"binance:spot:{symbol}"
        return bars_of(reads.read_klines(lake, SeriesId.parse(f"{series}:1h"), span))


def joined(workspace: Workspace, name: str, bars: Bars, span: Span = reads.EVERYTHING) -> FloatArray:
    with workspace.lake() as lake:
        return reference_column(lake, name, bars, interval=Interval.parse("1h"), span=span).values


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


def test_breadth_counts_those_that_are_traded_then(workspace: Workspace) -> None:
    """By plain loops: the share of the coins above the close of three bars before, by who was traded at the moment.

    SOL is listed late, DOT delisted though its bars go on, and SOL counts at the preferred place once it has a value
    there, and at the other one before.
    """
    eth = bars_named(workspace, "ETH-USDT")
    closes = {
        name: dict(zip(part.close_time.tolist(), part.close.tolist(), strict=True))
        for name, part in (
            (name, bars_named(workspace, name)) for name in ("BTC-USDT", "ETH-USDT", "SOL-USDT", "DOT-USDT")
        )
    }
    there = bars_named(workspace, "coinbase:spot:SOL-USDT")
    elsewhere = dict(zip(there.close_time.tolist(), there.close.tolist(), strict=True))
    delisted = (LISTS[1] - EPOCH) // timedelta(microseconds=1)
    expected, counts = [], []
    for moment in eth.close_time.tolist():
        ups = []
        for name, of in closes.items():
            if name == "DOT-USDT" and moment >= delisted:
                continue
            for places in [elsewhere, of] if name == "SOL-USDT" else [of]:
                run = [places.get(moment - back * 3_600_000_000, np.nan) for back in range(4)]
                if not np.isnan(run).any():
                    ups.append(run[0] > run[3])
                    break
        expected.append(sum(ups) / len(ups) if ups else np.nan)
        counts.append(len(ups))
    np.testing.assert_array_equal(joined(workspace, "breadth:up_3:*-USDT", eth), expected)
    # Before there are three bars, with SOL, without DOT.
    assert [counts[at] for at in (0, 50, LISTED + 10, 225, COUNT - 2)] == [0, 3, 4, 3, 3]
    # As of a moment before the second list, nobody knew of the delisting.
    before = joined(workspace, "breadth:up_3:DOT-USDT", eth, Span(as_of=LISTS[1] - HOUR))
    assert np.isnan(before).all()  # nor of its bars: they came later
    assert np.flatnonzero(np.isfinite(joined(workspace, "breadth:up_3:DOT-USDT", eth)))[-1] == 218


def test_several_references_in_one_set_are_each_their_own(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "held.yaml"
    file.write_text(
        "{name: held, version: 1, steps: [{step: beta, n: 5, reference: BTC-USDT}, 'rsi:5', "
        "{step: relative_strength, n: 4, reference: SOL-USDT}, {step: reference, reference: 'breadth:up_3:*-USDT'}, "
        "{step: reference, reference: 'dominance:BTC'}, {step: beta, n: 7}]}"
    )
    own = workspace.settings.model_copy(update={"features": FeatureSettings(sets=(str(file),))})
    workspace = dataclasses.replace(workspace, settings=own)
    found = compute_features(workspace, ComputeRequest("ETH-USDT", "held", reference="BTC-USDT"))
    eth = bars_named(workspace, "ETH-USDT")
    parts: list[tuple[Step, str]] = [
        (Beta(5), "BTC-USDT"), (Rsi(5), ""), (RelativeStrength(4), "SOL-USDT"), (Reference(), "breadth:up_3:*-USDT"),
        (Reference(), "dominance:BTC"), (Beta(7), "BTC-USDT"),
    ]  # fmt: skip
    each = [run_batch(step, with_reference(eth, joined(workspace, to, eth)) if to else eth)[0] for step, to in parts]
    expected = np.concatenate(each, axis=1)
    columns = found.frame.columns[6:-1]
    assert columns[2:5] == ["rsi_5", "relative_strength_4_to_sol_usdt", "reference_to_breadth_up_3_all_usdt"]
    assert same_bits(found.frame.select(columns).fill_null(np.nan).to_numpy(), expected)
    assert np.isfinite(expected).any(axis=0).all()


def test_a_set_of_several_references_is_learned_from_and_streamed(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "learned.yaml"
    file.write_text(
        "{name: learned, version: 1, steps: [{step: beta, n: 5, reference: BTC-USDT}, "
        "{step: beta, n: 5, reference: 'binance:spot:SOL-USDT'}, {step: beta, n: 7}]}"
    )
    own = workspace.settings.model_copy(update={"features": FeatureSettings(sets=(str(file),))})
    workspace = dataclasses.replace(workspace, settings=own)
    request = TableRequest(("binance:spot:ETH-USDT",), "learned", "direction_24h", reference="BTC-USDT")
    table = make_training_table(workspace, request).frame
    rows = compute_features(workspace, ComputeRequest("ETH-USDT", "learned", reference="BTC-USDT")).frame
    columns = rows.columns[6:-1]
    assert columns[2:4] == ["beta_5_to_binance_spot_sol_usdt", "correlation_5_to_binance_spot_sol_usdt"]
    learned = rows.drop_nulls(columns).join(table, on="open_time", how="semi")
    assert learned.height == table.height > 50
    assert table.select(columns).equals(learned.select(columns))
    with pytest.raises(BadInputError, match="something to be held against"):
        make_training_table(workspace, dataclasses.replace(request, reference=""))

    chosen = held_against(known_sets(workspace)["learned"].feature_set, "BTC-USDT")
    eth = bars_named(workspace, "ETH-USDT")
    values = {name: joined(workspace, name, eth) for name in set_references(chosen)}
    expected = rows.select(columns).fill_null(np.nan).to_numpy()
    stream = ReferencedStream(chosen)
    streamed = [stream.update(eth.bar(at), {name: of[at] for name, of in values.items()}) for at in range(len(eth))]
    assert same_bits(np.array(streamed), expected)
    # One column of the bars cannot be all of them.
    for refuse in (lambda: chosen.run(eth), chosen.stream):
        with pytest.raises(BadInputError, match="several references"):
            refuse()
    with pytest.raises(BadInputError, match="a reference is lacking"):
        run_referenced(chosen, eth, {})


def test_a_row_is_there_when_its_references_are(workspace: Workspace) -> None:
    eth, btc = bars_named(workspace, "ETH-USDT"), bars_named(workspace, "BTC-USDT")
    with workspace.lake() as lake:
        column = reference_column(lake, "BTC-USDT", eth, interval=Interval.parse("1h"))
        share = reference_column(lake, "breadth:up_3:BTC-USDT", eth, interval=Interval.parse("1h"))
        known = reads.read_klines(lake, SeriesId.parse("binance:spot:BTC-USDT:1h"))["available_at"].dt.epoch("us")
    latest = dict(zip(btc.close_time.tolist(), np.maximum.accumulate(known.to_numpy()).tolist(), strict=True))
    expected = [latest.get(moment, 0) for moment in eth.close_time.tolist()]
    assert column.available.tolist() == share.available.tolist() == expected
    # A row that used one that came late stays late, and so do those after it, which may depend on it.
    own = np.array([10, 20, 30, 40])
    late = {"one": ReferenceColumn(np.ones(4), np.array([5, 35, 0, 0]))}
    assert available_with(own, late).tolist() == [10, 35, 35, 40]
    assert available_with(own, {}).tolist() == own.tolist()


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
