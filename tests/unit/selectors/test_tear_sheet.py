"""The tear sheet: every number on it is reckoned from the tables, and nothing that anybody wrote is markup in it."""

from __future__ import annotations

import json
import math
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.selectors.tear_sheet import charts, shown, tear_sheet
from assay.selectors.tear_sheet.plot import plot
from tests.unit.selectors.made_runs import CASH, HOSTILE, HOUR, START, changed, combinations, made_run


class Parts(HTMLParser):
    """What a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.text: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = (dict(attrs).get("id") or "code") if tag == "script" else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == "script" else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[self._inside] = self.scripts.get(self._inside, "") + data
        else:
            self.text.append(data)


def parts(**more: Any) -> Parts:  # noqa: ANN401
    return Parts(tear_sheet(made_run(**more)))


def test_nothing_that_a_strategy_says_is_markup() -> None:
    values = {HOSTILE: ["1", HOSTILE], "slow": ["5", "6"]}
    page = tear_sheet(made_run(combinations=combinations(values), folds=[{"values": {HOSTILE: HOSTILE}, "x": HOSTILE}]))
    found = Parts(page)
    assert sorted(found.scripts) == ["charts", "code", "plotly", "sweep"]
    assert not [attributes for _, attributes in found.tags if any(name.startswith("on") for name in attributes)]
    assert {tag for tag, _ in found.tags} & {"img", "iframe", "link", "object", "base"} == set()
    assert page.count("<script>window.hacked") == 0
    text = "".join(found.text)
    assert text.count("<script>window.hacked = 1</script>") >= 8  # it is there, as text
    assert "\x1b" not in page
    told = json.dumps(json.loads(found.scripts["sweep"]))
    assert "&lt;script&gt;" in told  # Plotly takes some of HTML for markup
    assert "<script" not in told
    assert "<" not in found.scripts["charts"] + found.scripts["sweep"]


def test_page_needs_nothing_else_and_is_small() -> None:
    page = tear_sheet(made_run(bars=50_000, trades=2_000))
    assert len(page) < 3_000_000
    assert "default-src 'none'" in page
    outside = [
        value
        for _, attributes in Parts(page).tags
        for name, value in attributes.items()
        if name in ("src", "href") or "://" in (value or "")
    ]
    assert outside == []


def test_curves_keep_every_extreme_of_the_account() -> None:
    run = made_run(bars=50_000)
    equity = run.table("equity")
    drawn = json.loads(Parts(tear_sheet(run)).scripts["charts"])["equity"]["data"]
    by_name = {one["name"]: one for one in drawn if "name" in one}
    for name, column in (("Strategy", "equity"), ("Buy and hold", "equity_hold"), ("Drawdown", "drawdown")):
        y = by_name[name]["y"]
        assert len(y) <= charts.MOST_POINTS
        assert min(y) == pytest.approx(equity[column].min(), rel=1e-5)
        assert max(y) == pytest.approx(equity[column].max(), rel=1e-5, abs=1e-9)
    low, high = drawn[0]["y"], drawn[1]["y"]
    assert all(one <= at <= other for one, at, other in zip(low, by_name["Strategy"]["y"], high, strict=True))
    assert (min(low), max(high)) == pytest.approx(
        (equity["equity_lowest"].min(), equity["equity_highest"].max()), rel=1e-5
    )
    assert by_name["Strategy"]["x"][-1] == "2029-09-14 08:00"


def test_band_is_drawn_where_there_is_one() -> None:
    run = made_run()
    assert "Optimistic" in tear_sheet(run)
    exact = changed(run, is_exact=True)
    exact.frames["equity"] = run.table("equity").drop("equity_lowest", "equity_highest")  # type: ignore[index]
    assert "Optimistic" not in tear_sheet(exact)
    assert "Band" not in {one.get("name") for one in charts.equity_chart(exact).data}


def test_costs_are_what_lies_between_gross_and_net() -> None:
    run = made_run(trades=40)
    paid = shown.paid(run)
    assert (paid.fees, paid.spread, paid.funding) == (40 * 0.5, 40 * 2 * 2.0 * 0.5, 40 * 0.25)
    assert paid.net == pytest.approx(run.table("equity")["equity"][-1] - CASH)
    assert paid.gross - paid.fees - paid.spread - paid.funding == pytest.approx(paid.net)


def test_falls_are_those_of_a_loop_by_hand() -> None:
    equity = made_run(bars=2_000).table("equity")
    worth, moments = shown.worth_at(equity).tolist(), [START, *equity["close_time"].to_list()]
    falls, peak = [], 0
    for at in range(1, len(worth) + 1):
        if at == len(worth) or worth[at] >= worth[peak]:
            if at - peak > 1:
                low = min(range(peak, at), key=worth.__getitem__)
                falls.append((worth[low] / worth[peak] - 1, moments[peak], moments[low]))
            peak = at
    found = [(one.depth, one.peak, one.trough) for one in shown.spells(equity)]
    assert found == sorted(falls)[: shown.MOST_DRAWDOWNS]
    assert sum(one.recovered is None for one in shown.spells(equity)) <= 1


def test_rolling_ratio_is_that_of_each_stretch() -> None:
    equity = made_run(bars=3_000).table("equity")
    found, stretch = shown.rolling_sharpe(equity, "equity")
    assert stretch == timedelta(hours=1_000)  # a third of the period
    worth = shown.worth_at(equity)
    returns = worth[1:] / worth[:-1] - 1
    for at in (999, 1_500, 2_999):
        part = returns[at - 999 : at + 1]
        assert found[at] == pytest.approx(part.mean() / part.std(ddof=1) * math.sqrt(365 * 24), rel=1e-9)
    assert np.isnan(found[:999]).all()
    _, usual = shown.rolling_sharpe(made_run(bars=7_000).table("equity"), "equity")
    assert usual == timedelta(days=90)


def test_months_of_a_year_compound_to_it() -> None:
    run = made_run(bars=11_000)
    years = shown.years_of(run.report)
    assert sorted(years) == [2024, 2025]
    whole = math.prod(1 + (shown.compounded(one) or 0.0) for one in years.values()) - 1
    assert whole == pytest.approx(run.summary.total_return)
    text = "".join(Parts(tear_sheet(run)).text)
    assert f"{100 * (shown.compounded(years[2024]) or 0):+.1f}" in text
    assert shown.compounded(shown.years_of(run.report, "hold_return")[2024]) is None


def test_trades_are_counted_by_why_they_ended() -> None:
    trades = made_run(trades=41).table("trades")
    found = {one.reason: one for one in shown.ended(trades)}
    assert {name: one.trades for name, one in found.items()} == {"order": 21, "stop_loss": 20}
    assert sum(one.pnl for one in found.values()) == pytest.approx(trades["pnl"].sum())
    facts = shown.trade_facts(trades)
    pnl = trades["pnl"].to_numpy()
    assert facts.profit_factor == pytest.approx(pnl[pnl > 0].sum() / -pnl[pnl <= 0].sum())
    assert facts.best == trades["return"].max()


def test_of_very_many_trades_those_that_moved_the_account_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts, "MOST_TRADES", 10)
    run = made_run(trades=40)
    (chart,) = charts.price_charts(run).values()
    marked = sum(len(one["x"]) for one in chart.data if one["mode"] == "markers")
    assert marked == 2 * 10
    assert "30 others are not drawn" in chart.caption
    least = run.table("trades")["pnl"].abs().sort(descending=True)[9]
    drawn = [text for one in chart.data for text in one.get("text", ())]
    assert all(abs(float(re.findall(r"([+-][\d,.]+)<br>", text)[0])) >= least - 0.01 for text in drawn)


def test_of_several_symbols_each_has_its_chart() -> None:
    found = parts(symbols=("BTC-USDT", "ETH-USDT", "SOL-USDT"))
    drawn = json.loads(found.scripts["charts"])
    assert {name for name in drawn if name.startswith("trades-")} == {
        "trades-BTC-USDT", "trades-ETH-USDT", "trades-SOL-USDT",
    }  # fmt: skip
    assert [attributes["value"] for tag, attributes in found.tags if tag == "option"] == sorted(
        name for name in drawn if name.startswith("trades-")
    )


def test_sweep_and_folds_are_there_if_the_run_has_them() -> None:
    folds = [
        {
            "train_start": "2024-01-01T00:00:00+00:00", "train_end": "2024-02-01T00:00:00+00:00",
            "test_start": "2024-02-01T00:00:00+00:00", "test_end": "2024-03-01T00:00:00+00:00", "values": {"fast": "5"},
            "in_sample_sharpe": 2.0, "out_of_sample_sharpe": -0.25, "out_of_sample_trades": 3,
        }
    ]  # fmt: skip
    some = combinations({"fast": ["5", "10", "20"], "slow": ["50", "100"]})
    found = parts(combinations=some, folds=folds, windows="4 parts", efficiency=None)
    text = "".join(found.text)
    for told in ("6 combinations, all of them counted", "2024-02-01 to 2024-03-01", "no growth where it was chosen"):
        assert told in text, told
    assert json.loads(found.scripts["charts"])["folds"]["data"][1]["y"] == [-0.25]
    swept = json.loads(found.scripts["sweep"])
    assert [one["name"] for one in swept["parameters"]] == ["fast", "slow"]
    sharpe = next(one for one in swept["figures"] if one["name"] == "sharpe")
    assert sharpe["values"] == [None, 1.0, 2.0, 3.0, 4.0, 5.0]
    without = parts()
    assert json.loads(without.scripts["sweep"]) is None
    assert "folds" not in json.loads(without.scripts["charts"])
    three = tear_sheet(made_run(combinations=combinations({"a": ["1", "2"], "b": ["1", "2"], "c": ["1", "2"]})))
    assert "the median over the others" in three


def test_run_without_a_trade_or_that_was_ruined_has_a_sheet() -> None:
    idle = made_run(bars=30, trades=0)
    page = tear_sheet(idle)
    assert "No position was closed" in page
    assert {"returns", "rolling"} & json.loads(Parts(page).scripts["charts"]).keys() == set()
    ruined = made_run()
    table = ruined.table("equity").with_columns(
        pl.when(pl.col("open_time") > START + 3_000 * HOUR).then(0.0).otherwise("equity").alias("equity")
    )
    ruined.frames["equity"] = table  # type: ignore[index]
    page = tear_sheet(changed(ruined, verdict="ruined", sentence="Ruined: the account was worth nothing"))
    assert "or was ruined" in page
    assert json.loads(Parts(page).scripts["charts"])["equity"]["data"]


def test_figure_of_a_notebook_has_equity_band_holding_and_trades() -> None:
    figure = plot(made_run())
    names = [one.name for one in figure.data if one.name]
    assert {"Strategy", "Buy and hold", "Band", "Drawdown", "Exposure", "Close"} <= set(names)
    assert sum("markers" in (one.mode or "") for one in figure.data) == 4
    assert "var(--" not in figure.to_json()
    assert plot(made_run(bars=30, trades=0)).data
