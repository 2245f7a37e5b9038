"""A training table made with last week's moment is what it was last week, whatever has happened to the lake since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import assay
from assay.domain.clock import FrozenClock
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.interval import EPOCH
from assay.features.sets import DIRECTION
from assay.lake.home import open_home
from assay.lake.reads import EVERYTHING, Span
from assay.measures.overlap import average_uniqueness
from assay.pipelines.building import build
from assay.pipelines.healing import heal, plan_healing
from assay.pipelines.maintaining import maintain
from assay.pipelines.training_table import TableRequest, TrainingTable, make_training_table, save_training_table
from assay.pipelines.workspace import Workspace
from assay.selectors.candles import CandleRequest, candles
from assay.selectors.coverage_gaps import find_gaps, healable
from assay.selectors.klines import klines
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from tests.integration.command import Command
from tests.integration.conftest import bring_in
from tests.integration.homes import made_once
from tests.integration.simulated import Simulation, klines_of
from tests.made_klines import HOUR, Row, hourly, write_csv

WEEK = timedelta(days=7)
FAULTS = FaultPlan(
    5,
    (
        Fault(Kind.RESTATED, endpoint="klines", probability=0.5, seconds=7_200),
        Fault(Kind.MISSING, endpoint="klines", calls=(1,)),
    ),
)


@dataclass(frozen=True, slots=True)
class Story:
    """A home a week after its first table, and what that table was."""

    home: Path
    first_at: datetime
    first_hash: str
    first_rows: pl.DataFrame
    bars_then: pl.DataFrame
    hash_before_refresh: str


def _tell(folder: Path) -> Story:
    """Poll a market that restates and leaves bars out; a week later poll again, and load what nobody had before."""
    simulation = Simulation(folder, faults=FAULTS)
    workspace = simulation.workspace()
    simulation.poll(workspace, klines_of(since="12d"))
    build(workspace)
    first = table_of(workspace)
    first_at = simulation.time.now()
    then = klines(workspace, "BTC-USD", span=Span(only_closed=False)).frame
    simulation.time.passes(WEEK)
    # What was left out is asked for by itself; what the venue restated comes with the week that has passed.
    plan = plan_healing(workspace.settings, healable(find_gaps(workspace)), simulation.time.now())
    assert plan.asked
    assert heal(workspace, plan, access=simulation.access(workspace)).new_batches
    for _ in range(3):  # what was left out is asked for again, and the week that has passed
        simulation.poll(workspace, klines_of(since="20d"))
        simulation.time.passes(HOUR)
    _bring_in_later(workspace, simulation.time.now(), then, folder)
    build(workspace)
    before = table_of(workspace, Span(as_of=first_at)).content_hash
    simulation.time.passes(HOUR)
    build(workspace, full_refresh=True)
    # Every state but the newest is let go, and what they named is deleted.
    done = maintain(workspace, machine=FrozenClock(datetime.now(UTC) + timedelta(days=30)))
    assert done.expired_snapshots > 0
    return Story(workspace.home.root, first_at, first.content_hash, first.frame, then, before)


def _bring_in_later(workspace: Workspace, now: datetime, then: pl.DataFrame, folder: Path) -> None:
    """Import restatements of bars that were there, older history, and a series that the name would mean rather."""
    values = then.select("open_time", "open", "high", "low", "close", "volume", "num_trades")
    restated = [Row(*row).restated(1.03) for row in values.rows()[40:60]]
    older = hourly(200, start=then["open_time"][0] - 200 * HOUR)
    bring_in(workspace, write_csv(folder / "restated.csv", restated), recorded_at=now)
    bring_in(workspace, write_csv(folder / "older.csv", older), recorded_at=now)
    elsewhere = hourly(300, start=then["open_time"][0])
    bring_in(workspace, write_csv(folder / "other.csv", elsewhere), "BTC-USD", recorded_at=now, venue="coinbase")


def table_of(workspace: Workspace, span: Span = EVERYTHING) -> TrainingTable:
    return make_training_table(workspace, TableRequest(("BTC-USD",), span=span))


def times(frame: pl.DataFrame, column: str) -> list[datetime]:
    found: list[datetime] = frame[column].to_list()
    return found


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return made_once(tmp_path_factory, "training", _tell)


@pytest.fixture
def workspace(story: Story, tmp_path: Path) -> Workspace:
    simulation = Simulation(tmp_path, moment=story.first_at + 2 * WEEK)
    settings = simulation.workspace().settings.model_copy(update={"home": story.home})
    return Workspace(settings, open_home(story.home, create=False), simulation.time)


def test_the_hash_of_last_week_comes_again_after_all_that_has_happened(story: Story, workspace: Workspace) -> None:
    again = table_of(workspace, Span(as_of=story.first_at))
    assert story.hash_before_refresh == story.first_hash
    assert again.content_hash == story.first_hash
    assert again.frame.equals(story.first_rows)
    assert [str(one.series) for one in again.resolutions] == ["binance:spot:BTC-USDT:1h"]
    # All of it did happen: the name means another series now, and the old one has other and more bars.
    assert [str(one.series) for one in table_of(workspace).resolutions] == ["coinbase:spot:BTC-USD:1h"]
    request = TableRequest(("binance:spot:BTC-USDT",))
    now = make_training_table(workspace, request)
    both = story.first_rows.join(now.frame, on="open_time", suffix="_now")
    bars_now = set(klines(workspace, "binance:spot:BTC-USDT").frame["open_time"])
    within = {one for one in bars_now if story.bars_then["open_time"][0] < one < story.bars_then["open_time"][-1]}
    assert within - set(story.bars_then["open_time"])  # what came late
    assert now.frame.height > story.first_rows.height + 200
    assert now.frame["open_time"][0] < story.first_rows["open_time"][0]
    assert both.filter(pl.col("log_return_1") != pl.col("log_return_1_now")).height >= 20
    assert make_training_table(workspace, TableRequest(request.symbols, span=now.span)).content_hash == now.content_hash


def test_name_means_on_a_page_what_it_meant_then(story: Story, workspace: Workspace) -> None:
    then = candles(workspace, CandleRequest("BTC-USD", as_of=story.first_at))
    now = candles(workspace, CandleRequest("BTC-USD"))
    assert (then.series, then.resolution.is_stand_in) == ("binance:spot:BTC-USDT", True)
    assert (now.series, now.resolution.is_stand_in) == ("coinbase:spot:BTC-USD", False)
    with pytest.raises(NoDataError, match="nothing was known of this series then: 'coinbase:spot:BTC-USD'"):
        candles(workspace, CandleRequest("coinbase:spot:BTC-USD", as_of=story.first_at))


def test_rows_are_what_the_bars_say(story: Story) -> None:
    bars = story.bars_then.filter(pl.col("is_closed"))
    close = dict(zip(bars["open_time"], bars["close"], strict=True))
    rows = story.first_rows
    assert rows.columns[6:-4] == list(DIRECTION.columns)
    assert rows.null_count().sum_horizontal().item() == 0
    for row in rows.iter_rows(named=True):
        opened = row["open_time"]
        assert row["until"] == row["close_time"] + 24 * HOUR
        assert row["is_up"] == (close[opened + 24 * HOUR] > close[opened])
        assert row["log_return_24"] == pytest.approx(np.log(close[opened] / close[opened - 24 * HOUR]))
        assert row["until"] <= row["available_at"] <= story.first_at
    # Every bar that could have a row has one.
    possible = [one for one in close if one + 24 * HOUR in close]
    assert set(rows["open_time"]) <= set(possible)
    assert len(possible) - len(rows) < 80


def test_by_availability_no_row_is_there_before_its_label_could_be_known(story: Story, workspace: Workspace) -> None:
    moment = story.first_at - timedelta(days=3)
    request = TableRequest(("binance:spot:BTC-USDT",), span=Span(available_at=moment))
    found = make_training_table(workspace, request)
    assert max(times(found.frame, "available_at")) <= moment
    assert max(times(found.frame, "until")) <= moment
    last = klines(workspace, "binance:spot:BTC-USDT", span=request.span).frame
    # Two seconds is what Binance declares: the bar that closed on the hour was there twenty seconds later.
    assert max(times(last, "close_time")) == moment.replace(minute=0, second=0)
    just_closed = moment.replace(minute=0, second=1)
    early = klines(workspace, "binance:spot:BTC-USDT", span=Span(available_at=just_closed)).frame
    assert max(times(early, "close_time")) == just_closed.replace(second=0) - HOUR
    # Both at once: nothing had been received of the older history by then.
    pinned = Span(as_of=story.first_at, available_at=moment)
    both = make_training_table(workspace, TableRequest(request.symbols, span=pinned)).frame
    assert min(times(both, "open_time")) == min(times(story.first_rows, "open_time"))
    assert min(times(found.frame, "open_time")) < min(times(both, "open_time"))


def test_a_range_cuts_rows_and_looks_at_nothing_behind_it(story: Story, workspace: Workspace) -> None:
    start, end = story.first_rows["open_time"][50], story.first_rows["open_time"][150]
    cut = table_of(workspace, Span(start, end, story.first_at)).frame
    expected = story.first_rows.filter((pl.col("open_time") >= start) & (pl.col("until") <= end))
    assert cut.height > 50
    # What a row weighs hangs on the rows it is with, and on nothing behind them.
    assert cut.drop("weight").equals(expected.drop("weight"))
    spans = (cut["close_time"].dt.epoch("us").to_numpy(), cut["until"].dt.epoch("us").to_numpy())
    assert cut["weight"].to_list() == average_uniqueness(*spans).tolist()


@pytest.mark.parametrize(
    ("label", "column"),
    [("return_24h", "return"), ("delta_90m", "delta"), ("triple_barrier_24h_1_1_50", "triple_barrier")],
)
def test_every_label_has_its_column_the_end_of_its_span_and_a_weight(
    story: Story, workspace: Workspace, label: str, column: str
) -> None:
    request = TableRequest(("BTC-USD",), label=label, span=Span(as_of=story.first_at))
    if label == "delta_90m":
        with pytest.raises(BadInputError, match="not a whole number of bars"):
            make_training_table(workspace, request)
        return
    made = make_training_table(workspace, request)
    assert (made.label, made.frame.columns[-4:]) == (label, ["until", column, "weight", "available_at"])
    bars = story.bars_then.filter(pl.col("is_closed"))
    close = dict(zip(bars["close_time"], bars["close"], strict=True))
    for row in made.frame.iter_rows(named=True):
        now, until, value = close[row["close_time"]], row["until"], row[column]
        assert row["close_time"] < until <= row["close_time"] + 24 * HOUR
        assert until <= row["available_at"] <= story.first_at
        assert 0 < row["weight"] <= 1
        if column == "return":
            assert value == pytest.approx(close[until] / now - 1)
        else:
            assert value in (-1.0, 0.0, 1.0)
            assert (until == row["close_time"] + 24 * HOUR) or value != 0.0


def test_python_and_the_command_make_the_same_table_and_save_it(
    story: Story, assay_: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(story.home))
    made = assay.make_training_table("BTC-USD", as_of=story.first_at)
    assert made.content_hash == story.first_hash
    words = ("features", "table", "BTC-USD", "--as-of", story.first_at.isoformat())
    for name in ("rows.parquet", "rows.csv"):
        said = assay_(*words, "--save-to", tmp_path / name, "--json")
        assert said.document["content_hash"] == story.first_hash
        assert said.document["rows"] == story.first_rows.height
    assert pl.read_parquet(tmp_path / "rows.parquet").equals(story.first_rows)
    assert pl.read_parquet_metadata(tmp_path / "rows.parquet")["assay.content_hash"] == story.first_hash
    text = pl.read_csv(tmp_path / "rows.csv", try_parse_dates=True)
    assert text["open_time"].to_list() == story.first_rows["open_time"].to_list()
    assert text["rsi_14"].to_list() == story.first_rows["rsi_14"].to_list()
    assert story.first_hash in assay_(*words).out
    wrong = assay_(*words, "--save-to", tmp_path / "rows.xlsx")
    assert (wrong.code, wrong.is_one_line()) == (2, True)


@pytest.fixture
def assay_(story: Story, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys, story.home)


@pytest.mark.parametrize(
    ("request_", "error", "what"),
    [
        (TableRequest(()), BadInputError, "no series"),
        (TableRequest(("BTC-USD",), feature_set="magic"), BadInputError, "unknown feature set"),
        (TableRequest(("BTC-USD",), label="profit"), BadInputError, "unknown label"),
        (TableRequest(("DOGE-EUR",)), NoDataError, "no series for the symbol"),
        (TableRequest(("BTC-USD",), span=Span(as_of=EPOCH)), NoDataError, "no bars"),
        (TableRequest(("BTC-USD",), label="direction_9999h"), NoDataError, "no row to learn from"),
    ],
)
def test_what_cannot_be_made_is_refused_with_one_reason(
    workspace: Workspace, request_: TableRequest, error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what):
        make_training_table(workspace, request_)


def test_saving_somewhere_that_cannot_be_written_is_told(story: Story, workspace: Workspace, tmp_path: Path) -> None:
    made = table_of(workspace, Span(as_of=story.first_at))
    with pytest.raises(BadInputError, match="unknown kind of file"):
        save_training_table(made, tmp_path / "rows")
