"""``assay features garch`` on a real lake: the numbers of :func:`garch_path`, from what was known at a moment."""

from __future__ import annotations

import importlib.util
from datetime import timedelta

import numpy as np
import pytest

from assay.domain.errors import BadInputError, NoDataError, SettingsError
from assay.domain.instrument import SeriesId
from assay.domain.interval import EPOCH
from assay.features.garch_path import garch_path
from assay.lake import reads
from assay.lake.home import open_home
from assay.lake.reads import Span
from assay.pipelines.steps import bars_of
from assay.pipelines.volatility import GarchReport, GarchRequest, garch_volatility
from assay.pipelines.workspace import Workspace
from assay.selectors.candles import CandleRequest, candles
from assay.settings import Settings
from tests.integration.command import Command
from tests.integration.homes import ONE_THREAD, made_once
from tests.integration.references_home import FITTED, RESTATED_AT, make
from tests.made_klines import HOUR, START
from tests.unit.features.made_bars import same_bits

EVERY, ON = 100, 400


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home = made_once(tmp_path_factory, "references", make)
    return Workspace(Settings(home=home, lake=ONE_THREAD), open_home(home, create=False))


def asked(symbol: str = "BTC-EUR", *, span: Span = reads.EVERYTHING, horizon: int = 12) -> GarchRequest:
    return GarchRequest(symbol, horizon=horizon, every=EVERY, on=ON, span=span)


@pytest.fixture(scope="module")
def report(workspace: Workspace) -> GarchReport:
    return garch_volatility(workspace, asked())


def test_it_is_the_path_of_the_lakes_bars(workspace: Workspace, report: GarchReport) -> None:
    with workspace.lake() as lake:
        bars = bars_of(reads.read_klines(lake, SeriesId.parse("binance:spot:BTC-EUR:1h")))
    expected = garch_path(bars, every=EVERY, on=ON, distribution="t")
    assert same_bits(report.path.volatility, expected.volatility)
    assert report.frame["volatility"].null_count() == np.isnan(expected.volatility).sum() > 0
    said = report.about()
    found = expected.forecast(12)
    assert said["volatility"] == found.volatility[0]
    assert said["volatility_annualised"] == pytest.approx(found.volatility[0] * np.sqrt(8760))
    ahead = report.ahead
    # Nothing shows yet that the newest bar is finished.
    last = START + (FITTED - 1) * HOUR
    assert report.frame["close_time"][-1] == last
    assert ahead["close_time"].to_list() == [last + (1 + one) * HOUR for one in range(12)]
    np.testing.assert_allclose(ahead["price_upper"], bars.close[-1] * np.exp(found.upper))
    np.testing.assert_allclose(ahead["price_lower"], bars.close[-1] * np.exp(found.lower))


def test_as_of_a_moment_it_is_what_was_known_then(workspace: Workspace, report: GarchReport) -> None:
    then = garch_volatility(workspace, asked(span=Span(as_of=RESTATED_AT - HOUR)))
    assert then.frame.height < report.frame.height
    assert then.frame.equals(report.frame.head(then.frame.height))
    again = garch_volatility(workspace, asked(span=Span(as_of=report.request.span.as_of)))
    assert again.about() == report.about()


def test_the_command_says_it_and_json_holds_all(
    workspace: Workspace, report: GarchReport, capsys: pytest.CaptureFixture[str]
) -> None:
    assay = Command(capsys, workspace.home.root)
    words = ("features", "garch", "BTC-EUR", "--horizon", "12", "--every", str(EVERY), "--on", str(ON))
    assert assay(*words, "--json").document == report.about()
    text = assay(*words).out
    for part in ("volatility", "a year", "long run", "refitted", f"{len(report.path.fits)} times", "price_upper", "±"):
        assert part in text
    said = assay("features", "garch", "ETH-EUR")
    assert (said.code, said.is_one_line()) == (1, True)
    assert "it has 99 closed bars, and needs 251" in said.err
    assert assay("features", "garch", "BTC-EUR", "--distribution", "cauchy").code == 2


def test_a_chart_has_the_same_numbers_for_the_bars_it_shows(workspace: Workspace, report: GarchReport) -> None:
    name = f"garch:{EVERY}:{ON}:t"
    found = candles(workspace, CandleRequest("binance:spot:BTC-EUR", limit=60, indicators=(name,)))
    line, count = found.indicators[name], int(found.frame["is_closed"].sum())
    # The newest bar is not closed: nothing is said of it.
    assert (count, found.frame.height) == (59, 60)
    for output, expected in zip(line.outputs, (report.path.volatility, report.path.annualised), strict=True):
        assert same_bits(line.values[output][:count], expected[-count:])
        assert np.isnan(line.values[output][count:]).all()
    assert line.fitted is not None
    assert line.fitted.about is not None
    assert line.fitted.is_newest
    assert line.fitted.about["forecast"][:12] == report.about()["forecast"]
    assert line.fitted.about["fit"] == report.about()["fit"]
    # A stretch of the past has its numbers as well, and forecasts nothing of now.
    past = candles(workspace, CandleRequest("BTC-EUR", end=START + 600 * HOUR, limit=60, indicators=(name,)))
    line = past.indicators[name]
    end = int(np.searchsorted(report.bars.open_time, (START + 600 * HOUR - EPOCH) // timedelta(microseconds=1)))
    assert same_bits(line.values["garch_volatility"], report.path.volatility[end - 60 : end])
    assert line.fitted is not None
    assert not line.fitted.is_newest
    # Where none can be fitted the chart says why and is drawn all the same.
    none = candles(workspace, CandleRequest("ETH-EUR", indicators=("garch",))).indicators["garch"]
    assert none.fitted is not None
    assert "needs 251" in none.fitted.why
    assert np.isnan(none.values["garch_volatility"]).all()


@pytest.mark.parametrize("text", ["garch:0", "garch:1:400", "garch:9:10", "garch:9:400:cauchy", "garch:x", "garch@4h"])
def test_a_chart_refuses_what_no_garch_takes(workspace: Workspace, text: str) -> None:
    with pytest.raises(BadInputError):
        candles(workspace, CandleRequest("BTC-EUR", indicators=(text,)))


def test_what_cannot_be_answered_is_refused_in_words(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoDataError, match="needs 251 in a row"):
        garch_volatility(workspace, asked("ETH-EUR"))
    for wrong, message in (
        ({"horizon": 0}, "horizon"),
        ({"on": 100}, "on of garch out of range"),
        ({"level": 1.0}, "level"),
    ):
        with pytest.raises(BadInputError, match=message):
            garch_volatility(workspace, GarchRequest("BTC-EUR", **wrong))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "arch" else find(name))
    with pytest.raises(SettingsError, match=r"pip install 'assay\[ml\]'"):
        garch_volatility(workspace, asked())
