"""The answers behind the pages, against the tables and the answers of the venues themselves, now and as of a moment."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from assay.domain.errors import BadInputError, BuildError, NoDataError, NotBuiltError
from assay.lake import prediction_tables as foretold
from assay.lake.build_tests import BuildTests, TestResult, read_build_tests, write_build_tests
from assay.lake.coverage_causes import HoleCause, Remedy
from assay.pipelines.building import build
from assay.pipelines.runs import noted
from assay.pipelines.workspace import Workspace
from assay.selectors.dashboard import dashboard
from assay.selectors.data_page import data_health
from assay.selectors.market import market_overview
from assay.selectors.pairs import pairs
from assay.selectors.predictions import predict, prediction_history, predictions
from assay.selectors.query import query
from assay.selectors.stamp import stamp
from assay.selectors.tickers import ticker_board
from tests.integration.conftest import MakeWorkspace, at, bring_in, open_frozen
from tests.integration.polling import DOLLARS, Poller
from tests.made_klines import hourly, write_csv

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
SLOTS = [NOON + number * QUARTER for number in range(3)]
EARLIER = NOON - 6 * HOUR
"""When only the coins were asked for."""
THEN = SLOTS[1] + timedelta(minutes=5)
NOW = SLOTS[2] + timedelta(minutes=5)
SINCE = NOON - timedelta(days=9)
HOLE = (50, 53)
BARS = hourly(9 * 24, start=SINCE, holes=(HOLE,))
PAIR = ("binance", "spot", "BTC-USDT")
TOLD = {"task": "direction_24h", "model_version": "", "reason": "", "data_version": "00"}
VENUE_BARS = 12


@dataclass(frozen=True, slots=True)
class Lake:
    """Two slots and a file of bars in one build, forecasts, a third slot in another build."""

    workspace: Workspace
    poller: Poller

    def sql(self, text: str, as_of: datetime | None = None) -> list[dict[str, object]]:
        return query(self.workspace, text, as_of=as_of).to_dicts()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("reads")
    workspace = open_frozen(folder / "home", NOON - timedelta(minutes=1))
    poller = Poller(workspace.home.bronze)
    bring_in(workspace, write_csv(folder / "bars.csv", BARS[:-VENUE_BARS]), recorded_at=NOON - timedelta(minutes=1))
    poller.keep(DOLLARS, at=EARLIER + timedelta(seconds=2), slot=EARLIER)
    for slot in SLOTS[:2]:
        poller.poll(slot)
    poller.klines(BARS[-VENUE_BARS].open_time, NOON, at=SLOTS[0] + timedelta(seconds=30))
    build(at(workspace, SLOTS[1] + timedelta(minutes=1)))
    foretell(workspace, known_at=SLOTS[1] + timedelta(minutes=2))
    later = at(workspace, NOW)
    poller.poll(SLOTS[2])
    with noted(later, "build"):
        build(later)
    foretell(workspace, known_at=NOW, shift=1, verdict="skill")
    with later.kept_open() as opened:
        yield Lake(opened, poller)


def foretell(workspace: Workspace, *, known_at: datetime, shift: int = 0, verdict: str = "no_skill") -> None:
    """Write forecasts of the last days of bitcoin, up and down in turn, and one verdict; another series has no data."""
    series = dict(zip(("venue", "market", "symbol", "interval"), (*PAIR, "1h"), strict=True))
    configuration = {"model": "logistic", "feature_set": "direction/1#abc", "horizon_hours": 24}
    last = NOON - HOUR + shift * HOUR
    rows = []
    for number, as_of in enumerate([last - step * HOUR for step in range(60)]):
        close = next((row.close for row in BARS if row.open_time == as_of - HOUR), 1.0)
        rows.append(
            {
                **series, **configuration, "as_of": as_of, "until": as_of + 24 * HOUR, "close": close,
                "probability_up": 0.4 + 0.2 * (number % 2), "base_rate_up": 0.5, "is_up": number % 2 == 1,
                "signal": "ABSTAIN", "kind": foretold.WALK_FORWARD if number else foretold.LIVE,
                "fitted_until": as_of, "fitted_rows": 100, "known_at": known_at, **TOLD,
            }
        )  # fmt: skip
    scores = dict.fromkeys(("accuracy", "base_rate_accuracy", "difference"), 0.5)
    limits = {
        f"{name}_{side}": value
        for name in ("accuracy", "base_rate", "difference")
        for side, value in (("low", 0.4), ("high", 0.6))
    }
    evidence = {
        **series, **configuration, "first_as_of": SINCE, "last_as_of": last, "rows": 60, "folds": 6, **scores, **limits,
        "verdict": verdict, "sentence": f"it is {verdict}", "trials": 1 + shift, "known_at": known_at,
    }  # fmt: skip
    poor = dict.fromkeys(evidence) | series | configuration
    poor |= {"symbol": "ETH-USDT", "verdict": "not_enough_data", "sentence": "too little", "trials": 1}
    poor |= {"known_at": known_at}
    parts = foretold.Foretold(
        pl.DataFrame(rows, schema=foretold.PREDICTION_SCHEMA),
        pl.DataFrame([evidence, poor], schema=foretold.EVIDENCE_SCHEMA),
    )
    with workspace.writing(), workspace.lake(read_only=False) as connection:
        foretold.prepare(connection)
        foretold.append(connection, [parts])


def test_the_overview_is_the_gold_table_by_rank(lake: Lake) -> None:
    found = market_overview(lake.workspace)
    rows = lake.sql("select * from gold.crypto_market order by market_cap_rank nulls last, coin_id")
    assert [one.coin_id for one in found.coins] == [row["coin_id"] for row in rows]
    assert len(found.coins) == 100
    names = {
        "rank": "market_cap_rank",
        "price": "price",
        "change_24h_pct": "price_change_24h_pct",
        "volume_24h": "total_volume",
    }
    for name, column in names.items():
        assert [getattr(one, name) for one in found.coins] == [row[column] for row in rows]
    assert found.slot_at == SLOTS[2]
    assert found.quote == "USD"
    by_change = sorted(found.coins, key=lambda one: one.change_24h_pct or 0.0)
    assert [one.coin_id for one in found.worst] == [one.coin_id for one in by_change[:10]]
    assert [one.coin_id for one in found.best] == [one.coin_id for one in by_change[:-11:-1]]


def test_only_the_largest_coin_of_a_ticker_gets_the_bars_and_the_forecast(lake: Lake) -> None:
    coins = market_overview(lake.workspace).coins
    with_bars = [one for one in coins if one.series]
    assert [(one.coin_id, one.series) for one in with_bars] == [("bitcoin", "binance:spot:BTC-USDT")]
    assert all(one.prediction is None for one in coins if not one.series)
    assert with_bars[0].prediction is not None
    assert len({one.asset for one in coins}) < len(coins)  # there are such tickers


def test_a_sparkline_is_every_second_close_of_the_last_seven_days(lake: Lake) -> None:
    sql = "select open_time, close from silver.crypto_prices_cleaned order by open_time"
    bars = {row["open_time"]: row["close"] for row in lake.sql(sql)}
    newest = max(bars)  # type: ignore[type-var]
    moments = [newest - step * 2 * HOUR for step in range(83, -1, -1)]  # type: ignore[operator]
    line = market_overview(lake.workspace).coins[0].sparkline
    assert line == tuple(bars[moment] for moment in moments if moment in bars)
    assert 80 < len(line) <= 84
    then = market_overview(lake.workspace, as_of=THEN).coins[0].sparkline
    assert then == line  # nothing of it has changed since


def test_a_coin_without_bars_has_the_line_of_its_answers(lake: Lake) -> None:
    coins = market_overview(lake.workspace).coins
    without = [coin for coin in coins if coin.series is None and coin.sparkline]
    assert len(without) > 50
    answers = lake.sql(
        "select coin_id, slot_at, price from silver.processed_crypto_market where defect is null order by slot_at"
    )
    for coin in without:
        told = [row for row in answers if row["coin_id"] == coin.coin_id]
        # Of the three answers around noon, which are within two hours, the last one counts.
        assert coin.sparkline == (told[0]["price"], told[-1]["price"])
        assert told[0]["slot_at"] == EARLIER


@pytest.mark.parametrize("venue", ["binance", "wazirx"])
def test_the_board_holds_every_pair_of_the_newest_answer(lake: Lake, venue: str) -> None:
    found = ticker_board(lake.workspace, venue)
    rows = lake.sql(
        f"select * from silver.processed_{venue}_tickers where slot_at = timestamptz '{SLOTS[2].isoformat()}' "
        "order by symbol nulls last, venue_symbol"
    )
    assert [one.venue_symbol for one in found.rows] == [row["venue_symbol"] for row in rows]
    assert len(rows) > 20
    for one, row in zip(found.rows, rows, strict=True):
        assert (one.last_price, one.bid_price, one.volume) == (row["last_price"], row["bid_price"], row["volume"])
        bid, ask = row["bid_price"], row["ask_price"]
        assert one.spread_bps == pytest.approx(20_000 * (ask - bid) / (ask + bid))  # type: ignore[operator]
        change = 100 * (row["last_price"] / row["open_price"] - 1)  # type: ignore[operator]
        assert one.change_24h_pct == pytest.approx(change, abs=1e-3)
        assert f"{one.base}-{one.quote}" == one.symbol
        if venue == "wazirx" and one.quote == "INR":
            assert one.last_price_usd == pytest.approx(one.last_price / one.inr_usd_rate)  # type: ignore[operator]
            assert one.quote_volume is None
    with_bars = {one.symbol: one.series for one in found.rows if one.series}
    assert with_bars == ({"BTC-USDT": "binance:spot:BTC-USDT"} if venue == "binance" else {})


def test_as_of_a_moment_boards_and_coins_are_those_of_then(lake: Lake) -> None:
    for venue in ("binance", "wazirx"):
        then = ticker_board(lake.workspace, venue, as_of=THEN)
        assert then.slot_at == SLOTS[1]
        slot = f"slot_at = timestamptz '{SLOTS[1].isoformat()}'"
        sql = f"select venue_symbol, last_price from silver.processed_{venue}_tickers where {slot}"
        assert {one.venue_symbol: one.last_price for one in then.rows} == {
            row["venue_symbol"]: row["last_price"] for row in lake.sql(sql)
        }
    then_coins, now_coins = (market_overview(lake.workspace, as_of=one) for one in (THEN, None))
    assert then_coins.slot_at == SLOTS[1]
    assert {one.coin_id: one.price for one in then_coins.coins} == {
        row["coin_id"]: row["price"] for row in lake.sql("select coin_id, price from gold.crypto_market", as_of=THEN)
    }
    assert then_coins.coins[0].price != now_coins.coins[0].price


@pytest.mark.parametrize(
    "ask",
    [
        market_overview,
        lambda workspace, as_of: ticker_board(workspace, "binance", as_of=as_of),
        lambda workspace, as_of: ticker_board(workspace, "wazirx", as_of=as_of),
    ],
)
def test_before_anything_was_known_there_is_nothing_to_show(lake: Lake, ask: Callable[..., object]) -> None:
    with pytest.raises(NoDataError, match="as of then") as refused:
        ask(lake.workspace, as_of=datetime(1, 1, 1, tzinfo=UTC))
    assert not isinstance(refused.value, NotBuiltError)
    with pytest.raises(BadInputError, match="without a zone"):
        ask(lake.workspace, as_of=datetime(2024, 5, 1))


@pytest.mark.parametrize("venue", ["coingecko", "", "binance'", "<b>", "BINANCE"])
def test_a_venue_without_a_board_is_named_with_those_that_have_one(lake: Lake, venue: str) -> None:
    with pytest.raises(BadInputError, match="use one of binance, wazirx"):
        ticker_board(lake.workspace, venue)


def test_pairs_are_counted_as_of_now_and_of_then(lake: Lake) -> None:
    (pair,) = pairs(lake.workspace)
    assert (pair.series, pair.base, pair.quote) == ("binance:spot:BTC-USDT", "BTC", "USDT")
    (interval,) = pair.intervals
    (row,) = lake.sql(
        "select count(*) as n, min(open_time) as first, max(open_time) as last from silver.crypto_prices_cleaned"
    )
    assert (interval.bars, interval.first_open_time, interval.last_open_time) == (row["n"], row["first"], row["last"])
    assert pairs(lake.workspace, venue="wazirx") == ()
    before = SLOTS[0] + timedelta(seconds=10)  # the file was there, the venue's bars were not
    (then,) = pairs(lake.workspace, as_of=before)
    sql = "select count(*) as n, max(open_time) as last from silver.crypto_prices_cleaned"
    (row,) = lake.sql(sql, as_of=before)
    assert (then.intervals[0].bars, then.intervals[0].last_open_time) == (row["n"], row["last"])
    assert then.intervals[0].bars == interval.bars - VENUE_BARS
    assert pairs(lake.workspace, as_of=SINCE) == ()
    with pytest.raises(BadInputError):
        pairs(lake.workspace, venue="No Such")


def test_the_latest_forecast_comes_with_its_newest_evidence(lake: Lake) -> None:
    one, poor = predictions(lake.workspace)
    assert (one.series, one.brief.as_of, one.brief.until) == ("binance:spot:BTC-USDT", NOON, NOON + 24 * HOUR)
    assert (one.brief.verdict, one.brief.trials, one.brief.sentence) == ("skill", 2, "it is skill")
    assert (poor.symbol, poor.brief.verdict, poor.brief.probability_up) == ("ETH-USDT", "not_enough_data", None)
    assert poor.brief.signal == "ABSTAIN"
    then = predictions(lake.workspace, as_of=THEN)[0]
    assert (then.brief.verdict, then.brief.as_of) == ("no_skill", NOON - HOUR)
    assert predictions(lake.workspace, as_of=NOON) == ()
    assert predictions(lake.workspace, venue="wazirx") == ()
    board = ticker_board(lake.workspace, "binance")
    assert next(row for row in board.rows if row.symbol == "BTC-USDT").prediction == one.brief


def test_past_forecasts_are_held_against_the_bar_that_ended_then(lake: Lake) -> None:
    found = prediction_history(lake.workspace, "BTC")
    closes = {
        row["close_time"]: row["close"]
        for row in lake.sql("select close_time, close from silver.crypto_prices_cleaned where is_closed")
    }
    assert [one.as_of for one in found.rows] == sorted((one.as_of for one in found.rows), reverse=True)
    assert len(found.rows) == 61  # sixty, and one an hour later; what both runs foretold counts once
    for one in found.rows:
        assert one.close_then == closes.get(one.until)
        if one.close_then is not None:
            assert one.went_up == (one.close_then > (one.close or 0.0))
            assert one.was_right == (one.went_up == one.is_up)
    assert found.known == sum(one.until in closes for one in found.rows) > 30
    assert found.right == sum(bool(one.was_right) for one in found.rows)
    assert found.rows[0].was_right is None
    assert len(prediction_history(lake.workspace, "BTC", limit=5).rows) == 5
    then = prediction_history(lake.workspace, "BTC", as_of=THEN)
    assert [one.as_of for one in then.rows] == [NOON - step * HOUR for step in range(1, 61)]
    for limit in (0, -1, 10**9):
        with pytest.raises(BadInputError, match="limit"):
            prediction_history(lake.workspace, "BTC", limit=limit)


def test_the_forecast_of_an_hour_is_found_by_any_moment_of_it(lake: Lake) -> None:
    made = predict(lake.workspace, NOON - 5 * HOUR + timedelta(minutes=59))
    assert made.prediction.as_of == NOON - 5 * HOUR
    assert made.prediction.kind == "walk_forward"
    assert made.brief.verdict == "skill"
    assert predict(lake.workspace, NOON).prediction.kind == "live"
    # It was made live an hour before, and again by the later evaluation: what was said live counts.
    assert predict(lake.workspace, NOON - HOUR).prediction.kind == "live"
    for moment in (NOON + HOUR, datetime(9999, 12, 31, 23, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)):
        with pytest.raises(NoDataError, match="there are forecasts of .* from 2024-04-29 .* to 2024-05-01 12:00 UTC"):
            predict(lake.workspace, moment)
    with pytest.raises(NoDataError, match="no series of this asset"):
        predict(lake.workspace, NOON, symbol="NOSUCH")
    with pytest.raises(BadInputError, match="without a zone"):
        predict(lake.workspace, datetime(2024, 5, 1))
    with pytest.raises(NoDataError, match="nothing was foretold of this"):
        predict(lake.workspace, NOON, as_of=NOON)


def test_the_data_page_counts_what_is_missing_and_says_why(lake: Lake) -> None:
    found = data_health(lake.workspace)
    (series,) = found.series
    length = HOLE[1] - HOLE[0]
    assert found.is_built
    assert (found.missing_bars, found.hole_count, series.holes) == (length, 1, 1)
    assert series.coverage == series.bars / (series.bars + length)
    (hole,) = found.holes
    assert (hole.start, hole.end, hole.bars) == (SINCE + HOLE[0] * HOUR, SINCE + HOLE[1] * HOUR, length)
    assert hole.cause in set(HoleCause)
    then = data_health(lake.workspace, as_of=THEN)
    (untold,) = then.holes
    # What could have been done then, with what was known then.
    assert untold == replace(hole, cause=HoleCause.UNKNOWN, evidence=untold.evidence, remedy=Remedy.ASK)
    assert (then.missing_bars, then.hole_count, then.tests) == (length, None, None)
    assert found.defects == {}


def test_freshness_is_counted_from_the_last_answer_of_each_source(lake: Lake) -> None:
    sources = {(one.venue, one.dataset): one for one in data_health(lake.workspace).freshness}
    for (venue, dataset), one in sources.items():
        where = f"venue = '{venue}' and dataset = '{dataset}' and endpoint <> 'import'"
        (row,) = lake.sql(f"select max(known_at) as at from bronze.batches where {where}")
        assert (one.answered_at, one.age) == (row["at"], NOW - row["at"])  # type: ignore[operator]
    assert sources["binance", "tickers"].is_late is False
    assert sources["binance", "tickers"].expected_every == QUARTER
    assert sources["binance", "klines"].age > 2 * QUARTER
    assert sources["binance", "klines"].is_late
    assert {one.dataset for one in dashboard(lake.workspace).late} == {"klines"}
    next_day = at(lake.workspace, NOW + timedelta(days=1))
    assert all(one.is_late for one in data_health(next_day).freshness)
    then = {(one.venue, one.dataset): one for one in data_health(lake.workspace, as_of=THEN).freshness}
    assert then["binance", "tickers"].answered_at < SLOTS[2]
    assert then["binance", "tickers"].age == THEN - then["binance", "tickers"].answered_at


def test_the_dashboard_adds_up(lake: Lake) -> None:
    found = dashboard(lake.workspace)
    (bars,) = lake.sql("select count(*) as n from silver.crypto_prices_cleaned")
    assert (found.symbols, found.series, found.bars, found.missing_bars) == (1, 1, bars["n"], HOLE[1] - HOLE[0])
    assert [one.rank for one in found.headlines] == [1, 2, 3, 4, 5, 6]
    assert found.best == market_overview(lake.workspace).best[:3]
    assert found.worst == market_overview(lake.workspace).worst[:3]
    assert {one.verdict: one.series for one in found.verdicts} == {"skill": 1, "not_enough_data": 1}
    assert found.predicted == 2
    assert found.last_run is not None
    assert (found.last_run.command, found.last_run.status) == ("build", "ok")
    then = dashboard(lake.workspace, as_of=THEN)
    assert then.slot_at == SLOTS[1]
    assert then.last_run is None
    assert {one.verdict for one in then.verdicts} == {"no_skill", "not_enough_data"}


def test_the_stamp_names_the_version_and_changes_with_it(lake: Lake) -> None:
    found = stamp(lake.workspace, THEN)
    assert (found.version, found.tag) == (lake.workspace.data_version().number, lake.workspace.data_version().tag)
    assert (found.as_of, found.now) == (THEN, NOW)
    assert (found.origin, found.is_simulated) == ("", False)
    lake.workspace.home.origin.write_text("a simulated market (seed 7)\n", encoding="utf-8")
    assert stamp(lake.workspace).is_simulated
    lake.workspace.home.origin.write_text("the real market\n", encoding="utf-8")
    assert not stamp(lake.workspace).is_simulated
    lake.workspace.home.origin.unlink()


def test_everything_is_in_memory_the_second_time(lake: Lake) -> None:
    asked: list[Callable[[], object]] = [
        lambda: market_overview(lake.workspace), lambda: dashboard(lake.workspace), lambda: pairs(lake.workspace),
        lambda: ticker_board(lake.workspace, "binance"), lambda: predictions(lake.workspace),
        lambda: data_health(lake.workspace),
    ]  # fmt: skip
    first = [ask() for ask in asked]
    assert lake.workspace.pool is not None
    time.sleep(0.1)  # until the file's time is certain
    lake.workspace.data_version()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake.workspace.pool, "cursor", lambda: pytest.fail("it was read again"))
        assert [ask() for ask in asked] == first


def test_a_home_where_nothing_was_built_has_a_data_page_and_no_market(make_workspace: MakeWorkspace) -> None:
    with make_workspace().kept_open() as workspace:
        found = data_health(workspace)
        assert (found.is_built, found.series, found.freshness, found.tests, found.runs) == (False, (), (), None, ())
        for ask in (market_overview, dashboard, pairs, predictions):
            with pytest.raises(NotBuiltError) as refused:
                ask(workspace)
            assert "assay" in refused.value.todo


def test_a_lake_of_files_has_no_market_yet_and_says_so(built: Path) -> None:
    with open_frozen(built, NOW).kept_open() as workspace:
        with pytest.raises(NotBuiltError, match="the lake holds no coins yet"):
            market_overview(workspace)
        with pytest.raises(NotBuiltError, match="the lake holds no tickers yet"):
            ticker_board(workspace, "binance")
        assert predictions(workspace) == ()
        with pytest.raises(NoDataError, match="nothing was foretold"):
            prediction_history(workspace, "BTC")
        found = dashboard(workspace)
        assert (found.series, found.headlines, found.slot_at, found.verdicts) == (1, (), None, ())


def test_a_test_that_fails_is_on_the_data_page_until_it_passes(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    workspace = make_workspace()
    bring_in(workspace, write_csv(tmp_path / "good.csv", hourly(100)))
    build(workspace)
    tests = data_health(workspace).tests
    assert tests is not None
    assert (tests.is_whole, tests.failed) == (True, ())
    assert len(tests.results) > 10
    bad = bring_in(workspace, write_csv(tmp_path / "bad.csv", hourly(130)[90:]))
    (batch,) = workspace.home.bronze.glob(f"klines/*/*/{bad.batch_id}.parquet")
    _make_high_lower_than_low(batch)
    with pytest.raises(BuildError):
        build(workspace)
    broken = data_health(workspace).tests
    assert broken is not None
    assert not broken.is_whole
    assert broken.results[0] in broken.failed
    assert broken.failed[0].name == "rules_of_kline_revisions"
    assert broken.failed[0].failures == 1
    assert broken.failed[0].message


def _make_high_lower_than_low(batch: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(batch)  # the header in its metadata stays
    for name, value in (("high", 1.0), ("low", 2.0)):
        column = table[name].to_pylist()
        column[30] = value
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(column, pa.float64()))
    pq.write_table(table, batch)


def test_what_is_kept_of_the_tests_is_read_back_or_not_at_all(make_workspace: MakeWorkspace) -> None:
    home = make_workspace().home
    assert read_build_tests(home) is None
    home.catalog.parent.mkdir(exist_ok=True)
    tests = BuildTests(NOW, False, (TestResult("a", "test", "fail", 3, "why"),))
    write_build_tests(home, tests)
    assert read_build_tests(home) == tests
    path = home.catalog.with_name("tests.json")
    for damage in ("", "[]", "{}", json.dumps({"format": 99}), path.read_text(encoding="utf-8")[:50]):
        path.write_text(damage, encoding="utf-8")
        assert read_build_tests(home) is None
