"""One file with all of a tear sheet in it: it opens without a network, and its policy forbids it to ask for one.

The package of Plotly has its whole bundle and no smaller one. It is in the page once, compressed as the browser can
undo it by itself: 2 MB in place of 5.
"""

from __future__ import annotations

import base64
import functools
import gzip
import json
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assay import __version__
from assay.domain.errors import SettingsError
from assay.evidence.html_page import escaped
from assay.selectors.backtest_sweep import Sweep, sweep_of
from assay.selectors.backtests import mappings
from assay.selectors.tear_sheet import charts, sections
from assay.selectors.tear_sheet.charts import Chart, label
from assay.selectors.tear_sheet.shown import Run

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"


def tear_sheet(run: Run) -> str:
    """Return all that there is to say of a run as one page of HTML, which needs nothing else.

    Parameters
    ----------
    run : Run
        A kept run, see :func:`assay.lake.backtest_runs.read_run`, or one that was just made.

    Raises
    ------
    DamagedError
        If a file of a kept run is damaged.
    SettingsError
        If Plotly's package has no bundle.
    """
    title = f"{sections.title_of(run)} · {run.summary.run}"
    prices, others = charts.price_charts(run), _charts(run)
    swept = sweep_of(run.summary.run, run.report)
    drawn = {one.name: one for one in (*others, *prices.values())}
    body = "".join(_body(run, drawn, prices, swept))
    own = {one.name: {"data": one.data, "layout": one.layout, "height": one.height} for one in drawn.values()}
    made = f"Made by Assay {__version__} at {run.summary.made_at:%Y-%m-%d %H:%M} UTC. Times are UTC."
    return (
        '<!doctype html>\n<html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped(title)}</title><style>{_text('page.css')}</style></head>"
        f"<body><main>{body}<footer>{escaped(made)} A backtest says what would have been, not what will be.</footer>"
        f"</main>{_json('charts', own)}{_json('sweep', _swept(swept))}"
        f'<script type="text/plain" id="plotly">{_plotly()}</script><script>{_text("page.js")}</script></body></html>\n'
    )


def _charts(run: Run) -> list[Chart]:
    found = [charts.equity_chart(run), charts.returns_chart(run), charts.rolling_chart(run)]
    found.append(charts.folds_chart(mappings(run.report.get("folds"))))
    return [one for one in found if one]


def _body(run: Run, drawn: Mapping[str, Chart], prices: Mapping[str, Chart], swept: Sweep | None) -> list[str]:
    theme = '<button id="theme" type="button">Theme</button>'
    # The script takes it away, and puts it back if it cannot draw.
    trouble = (
        '<p class="trouble" id="trouble">The charts need JavaScript, in a browser of 2023 or later; all figures are '
        "below.</p>"
    )
    folds = sections.folds(run)
    parts = [
        f"<header>{theme}{sections.head(run)}</header>{trouble}",
        _section("What was traded, and what is assumed", sections.traded(run)),
        _drawn(drawn["equity"], has_log=True),
        _section("Figures", f'<div class="pair wide"><div>{sections.figures(run)}</div>'
                 f"<div><h3>What they are worth</h3>{sections.evidence(run)}</div></div>"),
        _section("Months", sections.months(run)),
        _prices(prices),
        _pair(drawn.get("returns"), drawn.get("rolling")),
        _section("Trades", sections.trades(run), kind="long"),
        f'<div class="pair">{_section("Deepest drawdowns", sections.drawdowns(run))}'
        f"{_section('Costs', sections.costs(run) + sections.positions(run))}</div>",
    ]  # fmt: skip
    if folds:
        chart = _drawn_in(drawn["folds"]) if "folds" in drawn else ""
        parts.append(_section("Walk-forward folds", chart + folds, kind="long"))
    if swept:
        title = "What could be chosen, where it was chosen" if folds else "Sweep"
        parts.append(_section(title, _choices(swept) + _node("sweep") + sections.combinations(run), kind="long"))
    return parts


def _section(title: str, body: str, kind: str = "") -> str:
    return f'<section class="{kind}"><h2>{escaped(title)}</h2>{body}</section>' if body else ""


def _drawn(chart: Chart | None, *, has_log: bool = False) -> str:
    if chart is None:
        return ""
    button = f'<button type="button" data-log="chart-{chart.name}" aria-pressed="false">Log scale</button>'
    log = f'<span class="bar">{button}</span>'
    return f"<section>{log if has_log else ''}<h2>{escaped(chart.title)}</h2>{_drawn_in(chart)}</section>"


def _drawn_in(chart: Chart) -> str:
    return f'<p class="caption">{escaped(chart.caption)}</p>{_node(chart.name, chart.title)}'


def _node(name: str, title: str = "") -> str:
    place, said = escaped(name), escaped(title or name)
    return f'<div class="chart waits" id="chart-{place}" data-chart="{place}" role="group" aria-label="{said}"></div>'


def _pair(*found: Chart | None) -> str:
    there = [one for one in found if one]
    return f'<div class="pair">{"".join(map(_drawn, there))}</div>' if len(there) > 1 else "".join(map(_drawn, there))


def _prices(prices: Mapping[str, Chart]) -> str:
    """Return the chart of trades, with a choice of symbols where there are several."""
    if not prices:
        return ""
    first = next(iter(prices.values()))
    node = _node(first.name, first.title)
    if len(prices) == 1:
        return _drawn(first)
    some = "".join(f'<option value="{escaped(one.name)}">{escaped(name)}</option>' for name, one in prices.items())
    redraws = f'data-redraws="chart-{escaped(first.name)}" data-shows="1"'
    choice = f'<p class="choices"><label>Symbol <select {redraws}>{some}</select></label></p>'
    return (
        f'<section><h2>Trades on the price</h2><p class="caption">{escaped(first.caption)}</p>{choice}{node}</section>'
    )


def _choices(swept: Sweep) -> str:
    """Return what of a sweep is drawn: a figure, and two of its parameters."""

    def options(names: list[tuple[str, str]], chosen: str) -> str:
        return "".join(
            f'<option value="{escaped(value)}"{" selected" if value == chosen else ""}>{escaped(name)}</option>'
            for value, name in names
        )

    names = [(str(place), one.name) for place, one in enumerate(swept.parameters)]
    usual = "sharpe" if any(one.name == "sharpe" for one in swept.figures) else swept.figures[0].name
    parts = [("figure", "Figure", options([(one.name, one.title) for one in swept.figures], usual))]
    parts += [("x", "Across", options(names, "0")), ("y", "Up", options(names, "1"))] if len(names) > 2 else []
    more = " Of more than two parameters: the median over the others." if len(names) > 2 else ""
    selects = "".join(
        f'<label>{title} <select id="sweep-{name}" data-redraws="chart-sweep">{some}</select></label>'
        for name, title, some in parts
    )
    told = f"{swept.combinations:,} combinations, all of them counted as trials.{more}"
    return f'<p class="caption">{escaped(told)}</p><p class="choices">{selects}</p>'


def _swept(swept: Sweep | None) -> dict[str, Any] | None:
    if swept is None:
        return None
    return {
        "parameters": [
            {"name": label(one.name), "values": [label(value) for value in one.values], "places": list(one.places)}
            for one in swept.parameters
        ],
        "figures": [
            {"name": one.name, "title": one.title, "unit": one.unit, "values": [*one.values]} for one in swept.figures
        ],
    }  # fmt: skip


def _json(name: str, value: object) -> str:
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)  # ASCII, so that only this ends a script:
    return f'<script type="application/json" id="{name}">{text.replace("<", chr(92) + "u003c")}</script>'


def _text(name: str) -> str:
    return (files("assay.selectors.tear_sheet") / name).read_text(encoding="utf-8")


@functools.cache
def _plotly() -> str:
    """Return Plotly's bundle, compressed, as text."""
    found = find_spec("plotly")
    places = list(found.submodule_search_locations or ()) if found else []
    bundles = [Path(place) / "package_data" / "plotly.min.js" for place in places]
    bundle = next((one for one in bundles if one.is_file()), None)
    if bundle is None:
        raise SettingsError(
            "the package plotly has no bundle for a browser", todo="run `pip install --force-reinstall plotly`"
        )
    return base64.b64encode(gzip.compress(bundle.read_bytes(), 9, mtime=0)).decode()
