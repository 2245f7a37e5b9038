"""Every hourly series is foretold after a build: only from what was known, each moment once, and too little is said."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.domain.instrument import SeriesId
from assay.domain.points import Point, observed
from assay.features.sets import DIRECTION
from assay.lake import prediction_tables
from assay.lake.build_tests import read_build_tests
from assay.lake.prediction_tables import EVIDENCE, PREDICTIONS
from assay.lake.reads import read_klines
from assay.models.logistic import Logistic
from assay.pipelines import direction
from assay.pipelines.building import build
from assay.pipelines.predicting import PredictResult, predict
from assay.pipelines.workspace import Workspace
from assay.selectors.query import query
from tests.integration.command import clone
from tests.integration.conftest import NOW, at, bring_in, open_frozen
from tests.made_klines import hourly, write_csv

BARS = 2_300
LONG, SHORT = hourly(BARS), hourly(150, seed=5)
LATER = NOW + timedelta(days=1)
BROKEN = {
    "probability_up = 1.5, is_up = true": "a probability is from 0 to 1",
    "until = until + interval 1 hour": "it foretells its horizon",
    "fitted_until = as_of + interval 1 hour": "it was fitted on what was known by then",
    "known_at = as_of - interval 1 second": "it was made after its last bar",
    "is_up = not is_up": "it says what its numbers say",
    "kind = 'guessed'": "the kind has a name",
    "signal = 'UP'": "a signal is what it says, and only of a live one",
    "close = 0": "a price is above zero",
    "symbol = 'NONE-SUCH'": "",
    "as_of = as_of - interval 1 hour, until = until - interval 1 hour": "",
}
"""What may be wrong with a forecast, and the rule that it breaks; the last two have no bar, and are there twice."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a home with a series that can be judged and one that is too short."""
    folder = tmp_path_factory.mktemp("predicting")
    workspace = open_frozen(folder / "home", NOW)
    bring_in(workspace, write_csv(folder / "long.csv", LONG[:-30]), recorded_at=NOW)
    bring_in(workspace, write_csv(folder / "short.csv", SHORT), "ETH-USDT", recorded_at=NOW)
    build(workspace)
    return workspace.home.root


@pytest.fixture
def workspace(base: Path, tmp_path: Path) -> Workspace:
    return open_frozen(clone(base, tmp_path / "home"), NOW)


@pytest.fixture(scope="module")
def foretold(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, PredictResult]:
    """Predict once, for the tests that only look."""
    workspace = open_frozen(clone(base, tmp_path_factory.mktemp("foretold") / "home"), NOW)
    return workspace, predict(workspace)


def table(workspace: Workspace, name: str) -> pl.DataFrame:
    with workspace.lake() as lake:
        return lake.execute(f"select * from lake.{name} order by all").pl()


def test_one_live_prediction_a_series_and_the_forecasts_of_its_evaluation(
    foretold: tuple[Workspace, PredictResult],
) -> None:
    workspace, told = foretold
    assert (told.series, told.live, told.evidence) == (2, 1, 2)
    rows, judged = table(workspace, PREDICTIONS), table(workspace, EVIDENCE)
    assert rows.group_by("kind").len().sort("kind").rows() == [("live", 1), ("walk_forward", told.walk_forward)]
    long = judged.filter(pl.col("symbol") == "BTC-USDT").row(0, named=True)
    assert long["rows"] == told.walk_forward
    assert long["trials"] == 2
    past = rows.filter(pl.col("kind") == "walk_forward")
    assert (past["as_of"].min(), past["as_of"].max()) == (long["first_as_of"], long["last_as_of"])
    assert set(past["signal"]) == {"ABSTAIN"}
    live = rows.filter(pl.col("kind") == "live").row(0, named=True)
    assert live["as_of"] == LONG[-31].open_time + timedelta(hours=1)
    assert live["close"] == LONG[-31].close


def test_a_series_with_too_little_data_says_so_and_has_no_scores(foretold: tuple[Workspace, PredictResult]) -> None:
    short = table(foretold[0], EVIDENCE).filter(pl.col("symbol") == "ETH-USDT").row(0, named=True)
    assert short["verdict"] == "not_enough_data"
    assert short["sentence"].startswith("Not enough data: too few")
    assert short["accuracy"] is short["difference_low"] is short["first_as_of"] is short["rows"] is None


def test_no_forecast_has_seen_what_came_after_it(foretold: tuple[Workspace, PredictResult]) -> None:
    rows = table(foretold[0], PREDICTIONS)
    assert rows.filter(pl.col("fitted_until") > pl.col("as_of")).is_empty()
    assert rows.filter(pl.col("until") - pl.col("as_of") != timedelta(hours=24)).is_empty()
    # Of an hour in each block: what a model says that was given nothing but the bars until the block's beginning.
    workspace = foretold[0]
    with workspace.lake() as lake:
        bars = read_klines(lake, SeriesId.parse("binance:spot:BTC-USDT:1h"))
    for fitted_rows in rows.filter(pl.col("kind") == "walk_forward")["fitted_rows"].unique().sort():
        block = rows.filter((pl.col("fitted_rows") == fitted_rows) & (pl.col("kind") == "walk_forward"))
        probability, rows_known = said_knowing_only(bars, block["as_of"][0], workspace)
        assert probability == pytest.approx(block["probability_up"][0], abs=1e-12)
        assert rows_known == fitted_rows


def said_knowing_only(bars: pl.DataFrame, moment: datetime, workspace: Workspace) -> tuple[float, int]:
    """Return the probability of up that a model gives at `moment` which knows the bars that had closed by then."""
    known = bars.filter(pl.col("close_time") <= moment)
    dataset = direction.dataset_of(known, SeriesId.parse("binance:spot:BTC-USDT:1h"), workspace.settings)
    fitted = Logistic(DIRECTION.columns).fit(dataset.matrix, dataset.labels)
    return float(fitted.predict_proba(dataset.latest)[0]), dataset.labels.size


def test_accuracy_is_that_of_the_kept_forecasts_against_the_bars(foretold: tuple[Workspace, PredictResult]) -> None:
    workspace = foretold[0]
    close = {one.open_time + timedelta(hours=1): one.close for one in LONG}
    past = table(workspace, PREDICTIONS).filter(pl.col("kind") == "walk_forward")
    went_up = np.array([close[until] > now for until, now in past.select("until", "close").iter_rows()])
    judged = table(workspace, EVIDENCE).filter(pl.col("symbol") == "BTC-USDT").row(0, named=True)
    assert float((went_up == past["is_up"].to_numpy()).mean()) == pytest.approx(judged["accuracy"], abs=1e-12)
    said = past["base_rate_up"].to_numpy() > 0.5
    assert float((went_up == said).mean()) == pytest.approx(judged["base_rate_accuracy"], abs=1e-12)


def test_again_adds_nothing_and_a_new_bar_one_prediction(workspace: Workspace, tmp_path: Path) -> None:
    first = predict(workspace)
    again = predict(workspace)
    assert (again.live, again.walk_forward, again.evidence) == (0, 0, 0)
    assert again.verdicts == first.verdicts
    before = table(workspace, PREDICTIONS)

    soon = at(workspace, NOW + timedelta(hours=2))
    bring_in(soon, write_csv(tmp_path / "more.csv", LONG[-32:-28]), recorded_at=soon.clock.now())
    build(soon)
    told = predict(soon)
    assert (told.live, told.walk_forward, told.evidence) == (1, 0, 0)  # two bars closed; only the newest is now

    later = at(workspace, LATER + timedelta(hours=2))
    bring_in(later, write_csv(tmp_path / "most.csv", LONG[-29:]), recorded_at=later.clock.now())
    build(later)
    told = predict(later)
    assert (told.live, told.evidence) == (1, 1)  # of the short series nothing is new
    assert told.walk_forward == 30
    after = table(workspace, PREDICTIONS)
    assert after.join(before, on=after.columns, how="semi", nulls_equal=True).height == before.height
    assert after.unique(prediction_tables.GRAIN).height == after.height
    _check_tests(later, write_csv(tmp_path / "other.csv", hourly(160, seed=5)[140:]))


def _check_tests(workspace: Workspace, file: Path) -> None:
    """A build tests what was foretold since the last one, and warns of what it finds until it is gone."""
    tested = "select known_at from lake.refresh.tested where name = 'gold.price_predictions'"
    bad = f"lake.{PREDICTIONS} set {{}} where kind = 'walk_forward' and as_of = timestamptz '{{}}'"
    with workspace.writing(), workspace.lake(read_only=False) as lake:
        before = lake.execute(tested).fetchall()
        assert before == [(NOW + timedelta(hours=2),)]
        newest = lake.execute(f"select distinct as_of from lake.{PREDICTIONS} order by 1 desc limit 15").fetchall()
        for (moment,), change in zip(newest[-len(BROKEN) :], BROKEN, strict=True):
            lake.execute(f"update {bad.format(change, moment.isoformat())}")
        lake.execute(f"insert into lake.{EVIDENCE} select * from lake.{EVIDENCE} limit 1")
        lake.execute(f"update lake.{EVIDENCE} set verdict = 'sure', trials = 0 where symbol = 'BTC-USDT'")
    bring_in(workspace, file, "ETH-USDT", recorded_at=workspace.clock.now())
    build(workspace)
    told = read_build_tests(workspace.home)
    assert told is not None
    wrong = {one.name: one for one in told.warned if one.table in {PREDICTIONS, EVIDENCE}}
    assert set(wrong) == {
        "grain_of_price_predictions", "rules_of_price_predictions", "bar_of_price_predictions",
        "grain_of_direction_evidence", "rules_of_direction_evidence",
    }  # fmt: skip
    rules = {str(row["broken_rules"]) for row in wrong["rules_of_price_predictions"].sample}
    assert rules == set(filter(None, BROKEN.values()))
    with workspace.lake() as lake:
        assert lake.execute(tested).fetchall() == before, "they are looked at again"


@pytest.mark.parametrize("point", [Point.LAKE_WRITTEN, Point.LAKE_COMMITTED])
def test_stopped_at_the_commit_all_rows_are_there_or_none(workspace: Workspace, point: Point) -> None:
    with workspace.writing(), workspace.lake(read_only=False) as lake:
        prediction_tables.prepare(lake)

    def stop(there: Point) -> None:
        if there is point:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), observed(stop):
        predict(workspace)
    rows = table(workspace, PREDICTIONS).height
    told = predict(workspace)
    assert (rows == 0) == (point is Point.LAKE_WRITTEN)
    assert (told.live, told.evidence) == ((1, 2) if rows == 0 else (0, 0))


def test_as_of_a_moment_before_nothing_was_foretold(foretold: tuple[Workspace, PredictResult]) -> None:
    count = "select count(*) as n from gold.price_predictions"
    assert query(foretold[0], count, as_of=NOW - timedelta(seconds=1))["n"][0] == 0
    assert query(foretold[0], count, as_of=NOW)["n"][0] == query(foretold[0], count)["n"][0] > 0
