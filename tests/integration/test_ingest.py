"""Ingesting from the exchange in this process, over simulated hours: complete, once, and whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from assay.cli.render import to_json
from assay.domain.clock import FrozenClock
from assay.domain.errors import StorageError
from assay.domain.interval import Interval
from assay.lake import bronze, bronze_store, storage
from assay.lake.coverage_cache import read_coverage
from assay.pipelines.ingesting import Outcome, Wanted, venue_run
from assay.pipelines.workspace import Workspace
from assay.venues import scan
from assay.venues.datasets import COIN_MARKETS, KLINES, ORDER_BOOKS, SCHEMAS, TICKERS
from assay.venues.registry import find_venue
from assay.venues.retry import RetryPolicy
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from assay.venues.spec import Request
from tests.integration.simulated import START, Simulation, batch_paths, headers, klines_of

QUARTER = timedelta(minutes=15)
HOUR = Interval.parse("1h")
MakeSimulation = Callable[..., Simulation]


@pytest.fixture
def simulate(tmp_path: Path) -> MakeSimulation:
    """Return a function that makes an exchange with faults."""
    numbers = iter(range(100))

    def make(*faults: Fault, moment: datetime = START) -> Simulation:
        return Simulation(tmp_path / str(next(numbers)), faults=FaultPlan(5, faults), moment=moment)

    return make


def closed_bars(workspace: Workspace) -> pl.DataFrame:
    """Return the last word on every closed bar in bronze, without how it came."""
    columns = [name for name in SCHEMAS[KLINES] if name not in ("is_provisional", "defect")]
    frames = [pl.read_parquet(path, hive_partitioning=False) for path in batch_paths(workspace, KLINES)]
    rows = pl.concat(frames).filter(~pl.col("is_provisional"), pl.col("defect").is_null())
    last = rows.sort("known_at").unique(["venue", "symbol", "interval", "open_time"], keep="last", maintain_order=True)
    return last.select("venue", "symbol", "interval", *columns).sort("venue", "symbol", "interval", "open_time")


def quarantined(workspace: Workspace) -> pl.DataFrame:
    """Return all quarantined rows."""
    paths = sorted((workspace.home.bronze / "quarantine").glob("*/*/*.parquet"))
    return pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in paths])


def test_first_run_brings_every_bar_and_its_rows_carry_their_lineage(simulate: MakeSimulation) -> None:
    sim = simulate()
    home = sim.workspace()
    result = sim.poll(home, klines_of("binance:klines", "BTCUSDT", "ETHUSDT", since="60d"))
    assert result.outcome is Outcome.COMPLETE
    bars = closed_bars(home)
    assert bars["symbol"].value_counts().sort("symbol")["count"].to_list() == [60 * 24 + 12] * 2
    for path in batch_paths(home, KLINES):
        rows, header = pl.read_parquet(path, hive_partitioning=False), bronze.read_header(path)
        assert list(SCHEMAS[KLINES]) == rows.columns[: len(SCHEMAS[KLINES])]
        assert rows["row_number"].to_list() == list(range(1, rows.height + 1))
        assert rows["known_at"].unique().to_list() == rows["recorded_at"].unique().to_list() == [header.known_at]
        live = rows["known_at"] <= rows["close_time"] + timedelta(seconds=2) + timedelta(hours=1)
        expected = rows.select(pl.when(live).then("known_at").otherwise(pl.col("close_time") + timedelta(seconds=2)))
        assert rows["available_at"].to_list() == expected.to_series().to_list()
        body = json.loads(bronze.read_body(home.home.bronze, header))
        assert len(body) == header.counts["rows_read"] == rows.height
        assert header.ranges[0].rows == rows.height
    proofs = [proof for venue in result.venues for proof in venue.proofs]
    assert [(one.held, one.absent, one.unsettled) for one in proofs] == [(60 * 24 + 12, 0, 2)] * 2


def test_bars_are_those_that_the_venue_says_in_one_question(simulate: MakeSimulation) -> None:
    sim = simulate()
    home = sim.workspace()
    sim.poll(home, klines_of(since="2d"))
    params = {"symbol": "BTCUSDT", "interval": "1h", "limit": "1000", "startTime": "1717027200000"}
    body = sim.exchange.answer(sim.exchange.prefixes["binance"] + "/api/v3/klines", params).body
    request = Request("binance", "klines", "", tuple(params.items()), 2)
    told = find_venue("binance").handlers["klines"](body, request, asked_at=sim.time.now()).rows
    bars = closed_bars(home)
    told = told.filter(~pl.col("is_provisional")).select(bars.columns[3:])
    assert told.equals(bars.filter(pl.col("open_time") >= told["open_time"].min()).select(told.columns))
    assert told.height > 24


def test_second_run_in_the_same_slot_asks_nothing_and_changes_nothing(simulate: MakeSimulation) -> None:
    sim = simulate()
    home = sim.workspace()
    wanted = Wanted(symbols=("BTC", "ETH"), since="10d")
    first = sim.poll(home, wanted)
    before = sorted(home.home.bronze.rglob("*.*"))
    again = sim.poll(home, wanted)
    assert first.new_batches > 10
    assert (again.outcome, again.new_batches) == (Outcome.COMPLETE, 0)
    assert sum(one.traffic.requests for one in again.venues) == 0
    assert sorted(home.home.bronze.rglob("*.*")) == before


def test_next_slot_brings_snapshots_again_and_instruments_once_a_day(simulate: MakeSimulation) -> None:
    sim = simulate()
    home = sim.workspace()
    for _ in range(3):
        sim.poll(home, Wanted(symbols=("BTC",), since="1d"))
        sim.time.passes(QUARTER)
    found = Counter((one.venue, one.dataset) for one in headers(home))
    assert found["binance", TICKERS] == found["wazirx", TICKERS] == found["binance", ORDER_BOOKS] == 3
    assert found["coingecko", COIN_MARKETS] == 6
    assert found["binance", "instruments"] == 1
    slots = {one.slot for one in headers(home, TICKERS)}
    assert slots == {(datetime(2024, 6, 1, 12, tzinfo=UTC) + QUARTER * number).isoformat() for number in range(3)}


def test_snapshots_have_the_columns_that_were_agreed(simulate: MakeSimulation) -> None:
    sim = simulate()
    home = sim.workspace()
    sim.poll(home, Wanted(symbols=("BTC",), since="1d"))
    extra = {
        TICKERS: {"market"},
        ORDER_BOOKS: {"market", "symbol", "venue_symbol", "depth_limit"},
        COIN_MARKETS: set(),
        "instruments": {"market"},
    }
    for dataset, more in extra.items():
        for path in batch_paths(home, dataset):
            rows = pl.read_parquet(path, hive_partitioning=False)
            lineage = {"row_number", "venue", "batch_id", "known_at", "available_at"}
            assert set(rows.columns) == {*SCHEMAS[dataset], *lineage, *more}
            assert rows["available_at"].equals(rows["known_at"])
    book = pl.read_parquet(batch_paths(home, ORDER_BOOKS)[0], hive_partitioning=False)
    assert book.select("symbol", "venue_symbol", "depth_limit").rows() == [("BTC-USDT", "BTCUSDT", 100)]
    assert len(book["bid_prices"][0]) == 100


def test_open_bar_is_provisional_and_comes_again_until_it_is_final(simulate: MakeSimulation) -> None:
    sim = simulate()
    home = sim.workspace()
    for _ in range(16):
        sim.poll(home, klines_of(since="1d"))
        sim.time.passes(QUARTER)
    rows = pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in batch_paths(home, KLINES)])
    noon = rows.filter(pl.col("open_time") == datetime(2024, 6, 1, 12, tzinfo=UTC)).sort("known_at")
    assert noon["is_provisional"].to_list() == [True] * 4 + [False] * (noon.height - 4)
    assert noon.filter("is_provisional")["volume"].n_unique() == 4
    assert (noon["known_at"] <= datetime(2024, 6, 1, 15, 1, tzinfo=UTC)).all(), (
        "a bar that has settled is asked for no more"
    )
    assert read_coverage(
        home.home, "binance", settle=timedelta(hours=2), confirmations=3
    ).all_series()[0].settled.edges[-1] == datetime(2024, 6, 1, 13, tzinfo=UTC)  # fmt: skip


ROW_FAULTS = (
    Fault(Kind.MISSING, endpoint="klines", probability=0.3),
    Fault(Kind.DUPLICATE, endpoint="klines", probability=0.3),
    Fault(Kind.OUT_OF_ORDER, endpoint="klines", probability=0.3),
    Fault(Kind.WRONG_TYPES, endpoint="klines", probability=0.3),
)
PAGE_FAULTS = (
    Fault(Kind.MALFORMED, endpoint="klines", probability=0.3),
    Fault(Kind.TRUNCATED, probability=0.1),
    Fault(Kind.SERVER_ERROR, probability=0.1),
    Fault(Kind.TOO_MANY, probability=0.05, seconds=5.0),
    Fault(Kind.SILENCE, probability=0.03, seconds=45.0),
)
TIME_FAULTS = (
    Fault(Kind.EARLY, endpoint="klines", probability=0.3),
    Fault(Kind.RESTATED, endpoint="klines", probability=0.5, seconds=1_200.0),
    Fault(Kind.SKEW, probability=0.3, seconds=-600.0),
    Fault(Kind.SKEW, probability=0.3, seconds=400.0),
)


@pytest.mark.parametrize("faults", [ROW_FAULTS, PAGE_FAULTS, TIME_FAULTS], ids=["rows", "pages", "time"])
def test_faulty_venue_gives_the_same_bars_in_the_end_as_a_faultless_one(
    simulate: MakeSimulation, faults: tuple[Fault, ...]
) -> None:
    wanted = klines_of("binance:klines", "BTCUSDT", "DOGEUSDT", since="50d")
    found = []
    for plan in ((), faults):
        sim = simulate(*plan)
        home = sim.workspace()
        for number in range(24):
            # Both ask in the same slots, however long the answers took.
            sim.time.moment = max(sim.time.moment, START + QUARTER * number)
            sim.poll(home, wanted)
        end = datetime(2024, 6, 1, 15, tzinfo=UTC)
        found.append(closed_bars(home).filter(pl.col("open_time") < end))
        ledger = read_coverage(home.home, "binance", settle=timedelta(hours=2), confirmations=3)
        for coverage in ledger.all_series():
            assert coverage.proof(START - timedelta(days=50), end).is_complete
            assert not coverage.confirmed_empty
    assert found[0].equals(found[1])
    assert found[0].height > 2 * 50 * 24


def test_rows_that_cannot_be_used_are_quarantined_with_their_place_and_asked_for_again(
    simulate: MakeSimulation,
) -> None:
    sim = simulate(Fault(Kind.WRONG_TYPES, endpoint="klines", calls=(2,)))
    home = sim.workspace()
    result = sim.poll(home, klines_of(since="60d"))
    assert result.outcome is Outcome.COMPLETE
    rows = quarantined(home)
    assert rows.height == result.venues[0].datasets[KLINES].quarantined == 1
    (row,) = rows.rows(named=True)
    header = next(one for one in headers(home, KLINES) if one.batch_id == row["batch_id"])
    body = json.loads(bronze.read_body(home.home.bronze, header))
    assert json.loads(row["raw"]) == body[row["row_number"] - 1]
    assert "not as documented" in row["cause"] or "not a number" in row["cause"]
    assert (header.counts["quarantined"], header.counts["accepted"]) == (1, len(body) - 1)
    assert result.venues[0].proofs[0].absent == 1
    sim.time.passes(QUARTER)
    assert sim.poll(home, klines_of(since="60d")).venues[0].proofs[0].absent == 0


def test_page_that_stays_unreadable_is_kept_and_the_rest_goes_on(simulate: MakeSimulation) -> None:
    sim = simulate(Fault(Kind.MALFORMED, endpoint="klines", calls=(2, 3, 4)))
    home = sim.workspace(concurrency=1)
    result = sim.poll(home, Wanted(("binance",), ("BTC",), since="100d"))
    assert result.outcome is Outcome.RETRY
    assert result.venues[0].poison == 1
    (poison,) = headers(home, bronze.POISON)
    row = quarantined(home).row(0, named=True)
    assert (row["row_number"], row["batch_id"], row["cause"][:8]) == (0, poison.batch_id, "not JSON")
    assert bronze.read_body(home.home.bronze, poison).decode().startswith(row["raw"])
    rows = pl.read_parquet(batch_paths(home, bronze.POISON)[0], hive_partitioning=False)
    assert rows.columns == ["batch_id", "venue", "known_at", "endpoint", "parameters", "cause"]
    assert json.loads(rows["parameters"][0])["symbol"] == "BTCUSDT"
    assert result.venues[0].proofs[0].absent > 0
    assert {one.dataset for one in headers(home)} >= {KLINES, TICKERS, ORDER_BOOKS}
    again = sim.poll(home, Wanted(("binance",), ("BTC",), since="100d"))
    assert (again.outcome, again.venues[0].proofs[0].absent) == (Outcome.COMPLETE, 0)


def test_page_that_was_cut_once_is_asked_for_again_at_once(simulate: MakeSimulation) -> None:
    sim = simulate(Fault(Kind.MALFORMED, endpoint="klines", calls=(1, 2, 5)))
    result = sim.poll(sim.workspace(), klines_of(since="100d"))
    assert (result.outcome, result.venues[0].poison, result.venues[0].proofs[0].absent) == (Outcome.COMPLETE, 0, 0)


def test_venue_that_is_down_is_noted_once_and_keeps_nobody_else_from_being_asked(simulate: MakeSimulation) -> None:
    hour = timedelta(hours=1)
    sim = simulate(Fault(Kind.DOWN, venue="binance", start=START - hour, end=START + hour))
    home = sim.workspace()
    wanted = Wanted(symbols=("BTC", "ETH", "SOL"), since="100d")
    result = sim.poll(home, wanted)
    down, fine = result.venues[0], result.venues[1:]
    assert (result.outcome, down.outcome) == (Outcome.RETRY, Outcome.RETRY)
    assert {one.outcome for one in fine} == {Outcome.COMPLETE}
    (noted,) = headers(home, bronze.FAILURES)
    rows = pl.read_parquet(batch_paths(home, bronze.FAILURES)[0], hive_partitioning=False)
    assert noted.venue == "binance"
    assert rows.height == len(down.failures) == 3 + 1 + 1 + 3  # series, tickers, instruments, books
    assert rows["kind"].unique().to_list() == ["outage"]
    assert rows.columns == [
        "venue", "endpoint", "parameters", "kind", "cause", "asked_at", "known_at", "slot", "batch_id",
    ]  # fmt: skip
    assert rows.filter(pl.col("asked_at") > pl.col("known_at")).is_empty()
    assert sim.time.elapsed() < 600, "a venue that is down is given up soon"
    sim.time.passes(2 * hour)
    again = sim.poll(home, wanted)
    assert (again.outcome, [proof.absent for proof in again.venues[0].proofs]) == (Outcome.COMPLETE, [0, 0, 0])
    assert len(headers(home, bronze.FAILURES)) == 1


def test_ban_ends_the_run_for_that_venue_and_says_until_when(simulate: MakeSimulation) -> None:
    sim = simulate(Fault(Kind.BANNED, venue="binance", calls=(1,), seconds=900.0))
    home = sim.workspace()
    result = sim.poll(home, Wanted(("binance", "wazirx:tickers"), ("BTC",), since="1d"))
    kinds = {one.kind for one in result.venues[0].failures}
    assert "budget" in kinds
    assert kinds <= {"budget", "outage"}
    assert "try again after 2024-06-01" in "".join(one.cause for one in result.venues[0].failures)
    assert result.venues[1].outcome is Outcome.COMPLETE
    assert len(headers(home, bronze.FAILURES)) == 1


def test_symbol_that_the_venue_does_not_know_is_refused_and_the_others_go_on(simulate: MakeSimulation) -> None:
    sim = simulate()
    home = sim.workspace()
    result = sim.poll(home, klines_of("binance:klines", "NOPE-USDT", "BTC-USDT", since="1d"))
    assert result.outcome is Outcome.REFUSED
    assert {one.request.param("symbol") for one in result.venues[0].failures} == {"NOPEUSDT"}
    assert {(one.kind, "Invalid symbol" in one.cause) for one in result.venues[0].failures} == {("refused", True)}
    assert [one.absent == 0 for one in result.venues[0].proofs] == [False, True]
    unnamed = sim.poll(sim.workspace("other"), Wanted(("binance:klines", "wazirx:klines"), ("NOPE", "BTC"), since="1d"))
    assert unnamed.outcome is Outcome.COMPLETE
    assert [one.not_traded for one in unnamed.venues] == [["NOPE-USDT"], ["NOPE-INR"]]
    assert unnamed.unknown == ["NOPE"]


@pytest.mark.parametrize("behind", [timedelta(seconds=90), timedelta(hours=30)])
def test_bar_is_not_closed_before_the_venues_own_clock_says_so(simulate: MakeSimulation, behind: timedelta) -> None:
    sim = simulate()
    home = sim.workspace()
    # The venue lives in the past: what it sends of the bar that is open there is half a bar.
    sim.exchange.clock = FrozenClock(sim.time.now() - behind)
    result = sim.poll(home, klines_of(since="3d"))
    assert (closed_bars(home)["close_time"] <= START - behind).all()
    (proof,) = result.venues[0].proofs
    assert proof.absent == proof.expected - proof.held
    assert not proof.confirmed_empty
    assert all(hole.times == 0 for hole in proof.missing), "nothing is proven about bars that the venue cannot have yet"
    assert result.venues[0].traffic.skew_s == pytest.approx(-behind.total_seconds(), abs=1.0)


def test_limits_are_those_of_the_address_for_all_homes(simulate: MakeSimulation) -> None:
    sim = simulate()
    wanted = Wanted(("wazirx:klines",), ("BTC", "ETH", "XRP"), since="1d")
    sim.poll(sim.workspace("one"), wanted)
    took = sim.time.elapsed()
    sim.poll(sim.workspace("two"), wanted)
    assert sim.time.elapsed() >= 2 * took >= 4.0, "one request a second, whoever asks"
    assert sorted(path.name for path in (sim.folder / "limits").glob("*.json")) == ["wazirx.json"]


def test_full_disk_is_told_at_once(simulate: MakeSimulation, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = simulate()
    home = sim.workspace()
    written: list[Path] = []
    write = storage.write_if_absent

    def until_full(path: Path, body: bytes) -> bool:
        if len(written) >= 5:
            raise StorageError("the disk is full", value=path)
        written.append(path)
        return write(path, body)

    monkeypatch.setattr(bronze_store, "write_if_absent", until_full)
    with pytest.raises(StorageError, match="the disk is full"):
        sim.poll(home, Wanted(symbols=("BTC", "ETH"), since="100d"))
    monkeypatch.undo()
    sim.time.passes(timedelta(minutes=2))
    assert sim.poll(home, Wanted(symbols=("BTC", "ETH"), since="100d")).outcome is Outcome.COMPLETE


def test_retries_are_as_many_as_the_settings_say(simulate: MakeSimulation) -> None:
    sim = simulate(Fault(Kind.SERVER_ERROR, endpoint="klines"))
    result = sim.poll(sim.workspace(), klines_of(since="3h"), policy=RetryPolicy(attempts=2))
    assert result.venues[0].traffic.requests == 2 * len(result.venues[0].failures) > 0
    assert result.venues[0].failures[0].kind == "outage"


def test_many_pages_are_read_by_the_fast_reader_with_the_same_result(
    simulate: MakeSimulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = klines_of("binance:klines", since="200d")
    sim = simulate()
    slowly, fast = sim.workspace("slowly"), sim.workspace("fast")
    sim.poll(slowly, wanted)
    prepared: list[None] = []
    prepare = scan.prepare
    monkeypatch.setattr(scan, "prepare", lambda: prepared.append(prepare()))
    monkeypatch.setattr(venue_run, "_MANY_PAGES", 3)
    sim.poll(fast, wanted)
    assert len(prepared) == 1
    assert closed_bars(fast).equals(closed_bars(slowly))


def test_run_that_does_not_reach_the_venue_tells_why_and_how_often_it_asked(simulate: MakeSimulation) -> None:
    sim = simulate(Fault(Kind.SILENCE, seconds=100.0))
    home = sim.workspace(attempts=3)
    result = sim.poll(home, klines_of(since="3h"))
    document = json.loads(to_json(result.to_dict()))
    (venue,) = document["venues"]
    assert (document["outcome"], venue["requests"], venue["batches_new"]) == ("retry", 3 * len(venue["failures"]), 0)
    assert "no whole answer within 30 s" in venue["failures"][0]["cause"]
    assert venue["failures"][0]["parameters"]["symbol"] == "BTCUSDT"
    assert venue["waited_s"] > 0


def test_it_can_be_called_where_an_event_loop_runs_as_in_a_notebook(simulate: MakeSimulation) -> None:
    sim = simulate()
    home = sim.workspace()

    async def cell() -> Outcome:
        return sim.poll(home, klines_of(since="3h")).outcome

    assert asyncio.run(cell()) is Outcome.COMPLETE
    assert closed_bars(home).height > 0
