"""The charts of a tear sheet as Plotly takes them; colours are names of the page's own, so that both themes have them.

>>> chart = Chart("equity", "Equity", "drawn", [{"line": {"color": "var(--accent)"}}], {})
>>> painted(chart.data, {"accent": "#00f"})
[{'line': {'color': '#00f'}}]
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from assay.measures.thinning import thinned
from assay.selectors.tear_sheet.shown import Run, rolling_sharpe

MOST_POINTS, MOST_TRADES, MOST_SYMBOLS = 2_400, 1_500, 12
_BINS = 50
_BAND = ("equity_lowest", "equity_highest")
_COLOUR = re.compile(r"var\(--([a-z-]+)\)")


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure: what it is called, what stands below it, and what Plotly draws."""

    name: str
    title: str
    caption: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]
    height: int = 320


def painted(value: Any, colours: Mapping[str, str]) -> Any:  # noqa: ANN401  # JSON is anything
    """Return a part of a chart with colours in the place of their names."""
    if isinstance(value, str):
        return _COLOUR.sub(lambda found: colours[found[1]], value)
    if isinstance(value, Mapping):
        return {name: painted(one, colours) for name, one in value.items()}
    return [painted(one, colours) for one in value] if isinstance(value, list) else value


def equity_chart(run: Run) -> Chart:
    """Return what the account was worth with its band, buying and holding, drawdown and exposure below."""
    table = run.table("equity")
    ends = [name for name in _BAND if name in table.columns]
    names = ("equity", "equity_hold", "drawdown", *ends)
    table = table[thinned(table.select(names).to_numpy(), most=MOST_POINTS)]
    x = _times(table["close_time"])
    band = _band(x, *(table[name] for name in ends)) if len(ends) == len(_BAND) else []
    data = [
        *band,
        _line(x, table["equity_hold"], "Buy and hold", "var(--faint)", width=1.4, dash="dot"),
        _line(x, table["equity"], "Strategy", "var(--accent)", width=1.9),
        _area(x, table["drawdown"], "Drawdown", "down") | {"yaxis": "y2", "hovertemplate": "%{y:.2%}"},
        _area(x, table["exposure"], "Exposure", "faint", is_stepped=True)
        | {"yaxis": "y3", "hovertemplate": "%{y:.0%}"},
    ]
    layout = {
        "hovermode": "x unified",
        "legend": {"orientation": "h", "x": 0, "y": 1.06, "traceorder": "reversed"},
        "xaxis": {"anchor": "y3", "domain": [0, 1]},
        "yaxis": {"domain": [0.42, 1], "title": {"text": _quote(run)}, "tickformat": "~s"},
        "yaxis2": {"domain": [0.2, 0.38], "title": {"text": "drawdown"}, "tickformat": ".0%", "nticks": 4},
        "yaxis3": {
            "domain": [0, 0.15], "title": {"text": "exposure"}, "tickformat": ".0%", "rangemode": "tozero", "nticks": 3,
        },
    }  # fmt: skip
    told = " The band is all that can have come of it where bars do not tell what came first." if band else ""
    what = f"Worth of the account at each close on the pessimistic path, costs included.{told}"
    return Chart("equity", "Equity", what, data, layout, 620)


def price_charts(run: Run) -> dict[str, Chart]:
    """Return, by symbol, the price with every trade on it."""
    trades = run.table("trades")
    prices = _prices(run)
    return {symbol: _price_chart(symbol, price, trades) for symbol, price in prices.items()}


def returns_chart(run: Run) -> Chart | None:
    """Return how the returns of trades are distributed; None where there are too few."""
    returns = run.table("trades")["return"].drop_nulls().drop_nans().to_numpy()
    if returns.size < 5:
        return None
    width = max(float(np.ptp(returns)) / _BINS, 1e-4)
    # A bin begins at zero, so that none holds winners and losers.
    edges = np.arange(math.floor(returns.min() / width), math.ceil(returns.max() / width) + 2) * width
    counts, _ = np.histogram(returns, edges)
    middles = (edges[:-1] + edges[1:]) / 2
    colours = ["var(--up)" if one > 0 else "var(--down)" for one in middles.tolist()]
    data = [
        {
            "type": "bar", "x": _rounded(middles), "y": counts.tolist(), "width": width * 0.92,
            "marker": {"color": colours, "line": {"width": 0}}, "hovertemplate": "%{x:.2%}: %{y} trades<extra></extra>",
        }
    ]  # fmt: skip
    mean, median = float(returns.mean()), float(np.median(returns))
    marks = [_mark(mean, f"mean {mean:+.2%}", 1.0), _mark(median, f"median {median:+.2%}", 0.9)]
    layout = {
        "xaxis": {"tickformat": ".1~%", "type": "linear"},
        "yaxis": {"title": {"text": "trades"}},
        "bargap": 0,
        "shapes": [one for one, _ in marks],
        "annotations": [one for _, one in marks],
    }
    return Chart("returns", "Returns of trades", "Of what was entered, costs included.", data, layout)


def rolling_chart(run: Run) -> Chart | None:
    """Return the Sharpe ratio of the stretch before each close, beside that of holding; None of a short period."""
    table = run.table("equity")
    own, stretch = rolling_sharpe(table, "equity")
    hold, _ = rolling_sharpe(table, "equity_hold")
    if np.isnan(own).all():
        return None
    both = np.column_stack([own, hold])
    rows = thinned(both, most=MOST_POINTS)
    x = _times(table["close_time"][rows])
    data = [
        _line(x, hold[rows], "Buy and hold", "var(--faint)", width=1.2, dash="dot") | {"hovertemplate": "%{y:.2f}"},
        _line(x, own[rows], "Strategy", "var(--accent)", width=1.7) | {"hovertemplate": "%{y:.2f}"},
    ]
    layout = {"hovermode": "x unified", "yaxis": {"zeroline": True}, "legend": {"orientation": "h", "x": 0, "y": 1.12}}
    days = f"{stretch / timedelta(days=1):.0f} days" if stretch >= timedelta(days=2) else f"{stretch}"
    return Chart("rolling", "Rolling Sharpe ratio", f"Annualised, of the {days} before each close.", data, layout)


def folds_chart(folds: Sequence[Mapping[str, Any]]) -> Chart | None:
    """Return each fold's Sharpe ratio where it was chosen beside where it was tried; None where folds have none."""
    pairs = [(number_in(one, "in_sample_sharpe"), number_in(one, "out_of_sample_sharpe")) for one in folds]
    if not pairs or all(inside is None or outside is None for inside, outside in pairs):
        return None
    x = [f"{place + 1}" for place in range(len(pairs))]
    data = [
        {"type": "bar", "x": x, "y": [one[place] for one in pairs], "name": name, "marker": {"color": colour}}
        for place, (name, colour) in enumerate((("chosen on", "var(--faint)"), ("traded", "var(--accent)")))
    ]
    layout = {
        "barmode": "group", "xaxis": {"type": "category", "title": {"text": "fold"}},
        "yaxis": {"title": {"text": "Sharpe ratio"}}, "legend": {"orientation": "h", "x": 0, "y": 1.12},
    }  # fmt: skip
    return Chart(
        "folds", "Walk-forward", "Sharpe ratio where a choice was made, and where it was traded.", data, layout
    )


def number_in(row: Mapping[str, Any], name: str) -> float | None:
    """Return a number of a mapping, or None."""
    found = row.get(name)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _price_chart(symbol: str, price: pl.DataFrame, trades: pl.DataFrame) -> Chart:
    own = trades.filter(pl.col("symbol") == symbol)
    left = own.height - MOST_TRADES
    if left > 0:
        own = own.sort(pl.col("pnl").abs(), descending=True).head(MOST_TRADES).sort("entry_open_time")
    rows = thinned(price["close"].to_numpy()[:, np.newaxis], most=MOST_POINTS)
    price = price[rows]
    x = _times(price["open_time"])
    data = [_line(x, price["close"], "Close", "var(--faint)", width=1.2) | {"hovertemplate": "%{y:.6~g}"}]
    for name, colour, which in (("Won", "var(--up)", pl.col("pnl") > 0), ("Lost", "var(--down)", pl.col("pnl") <= 0)):
        some = own.filter(which)
        if some.height:
            data += _drawn(some, f"{name} ({some.height:,})", colour)
    layout = {
        "hovermode": "closest",
        "yaxis": {"title": {"text": symbol.partition("-")[2]}, "tickformat": ",.6~g"},
        "legend": {"orientation": "h", "x": 0, "y": 1.08},
    }
    told = (
        f" The {MOST_TRADES:,} trades that moved the account most; {left:,} others are not drawn." if left > 0 else ""
    )
    caption = (
        f"A line from entry to exit; triangles point up where a long position was entered, down for a short.{told}"
    )
    return Chart(f"trades-{symbol}", f"Trades of {symbol}", caption, data, layout, 460)


def _drawn(trades: pl.DataFrame, name: str, colour: str) -> list[dict[str, Any]]:
    """Return trades as lines, and their entries and exits as marks."""
    opened, closed = _times(trades["entry_open_time"]), _times(trades["exit_open_time"])
    entry, left = _rounded(trades["entry_price"]), _rounded(trades["exit_price"])
    x = [one for pair in zip(opened, closed, strict=True) for one in (*pair, None)]
    y = [one for pair in zip(entry, left, strict=True) for one in (*pair, None)]
    words = [
        f"{row['side']} {row['return']:+.2%}, {row['pnl']:+,.2f}<br>{row['entry_price']:.6g} to {row['exit_price']:.6g}"
        f"<br>ended by {row['reason'].replace('_', ' ')}"
        for row in trades.iter_rows(named=True)
    ]
    shared: dict[str, Any] = {"type": "scatter", "legendgroup": name}
    told = {"text": words, "hovertemplate": "%{text}<extra></extra>"}
    shapes = ["triangle-up" if side == "long" else "triangle-down" for side in trades["side"]]
    edge = {"width": 1, "color": "var(--surface)"}
    return [
        shared | {
            "x": x, "y": y, "mode": "lines", "name": name, "line": {"color": colour, "width": 1.8}, "hoverinfo": "skip",
        },
        shared | told | {
            "x": opened, "y": entry, "mode": "markers", "showlegend": False,
            "marker": {"symbol": shapes, "size": 8, "color": colour, "line": edge},
        },
        shared | told | {
            "x": closed, "y": left, "mode": "markers", "showlegend": False,
            "marker": {"symbol": "circle", "size": 5, "color": colour, "line": edge},
        },
    ]  # fmt: skip


def _prices(run: Run) -> dict[str, pl.DataFrame]:
    """Return the closes of each symbol that was traded."""
    if "positions" not in run.tables:
        parts = run.summary.series[0].split(":") if run.summary.series else []
        table = run.table("equity")
        return {parts[2]: table.select("open_time", "close")} if len(parts) == 4 and "close" in table.columns else {}
    table = run.table("positions")
    names = table["symbol"].unique(maintain_order=True).to_list()[:MOST_SYMBOLS]
    return {name: table.filter(pl.col("symbol") == name).select("open_time", "close") for name in names}


def _band(x: list[str], low: pl.Series, high: pl.Series) -> list[dict[str, Any]]:
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "type": "scatter", "x": x}
    return [
        edge | {"y": _rounded(low), "showlegend": False},
        edge | {"y": _rounded(high), "name": "Band", "fill": "tonexty", "fillcolor": "var(--accent-band)"},
    ]


def _line(x: list[str], y: Any, name: str, colour: str, *, width: float, dash: str = "solid") -> dict[str, Any]:  # noqa: ANN401
    line = {"color": colour, "width": width, "dash": dash}
    return {
        "type": "scatter", "mode": "lines", "x": x, "y": _rounded(y), "name": name, "line": line,
        "hovertemplate": "%{y:,.2f}",
    }  # fmt: skip


def _area(x: list[str], y: Any, name: str, colour: str, *, is_stepped: bool = False) -> dict[str, Any]:  # noqa: ANN401
    line = {"color": f"var(--{colour})", "width": 1, "shape": "hv" if is_stepped else "linear"}
    return {
        "type": "scatter", "mode": "lines", "x": x, "y": _rounded(y), "name": name, "line": line, "fill": "tozeroy",
        "fillcolor": f"var(--{colour}-soft)", "showlegend": False,
    }  # fmt: skip


def _mark(x: float, text: str, height: float) -> tuple[dict[str, Any], dict[str, Any]]:
    line = {"color": "var(--text)", "width": 1, "dash": "dot"}
    shape = {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line}
    note = {
        "x": x, "y": height, "yref": "paper", "text": text, "showarrow": False, "xanchor": "left", "xshift": 5,
        "font": {"color": "var(--text)", "size": 11}, "bgcolor": "var(--surface)",
    }  # fmt: skip
    return shape, note


def label(text: str) -> str:
    """Return text as Plotly shows it, which takes some of HTML for markup."""
    return html.escape(text)


def _times(moments: pl.Series) -> list[str]:
    return moments.dt.strftime("%Y-%m-%d %H:%M:%S").str.strip_suffix(":00").to_list()


def _rounded(values: Any) -> list[float | None]:  # noqa: ANN401  # a series or an array
    """Return numbers with six digits, which no screen shows more of; None where there is none."""
    array = values.to_numpy() if isinstance(values, pl.Series) else values
    return [float(f"{one:.6g}") if math.isfinite(one) else None for one in array.astype(np.float64).tolist()]


def _quote(run: Run) -> str:
    parts = run.summary.series[0].split(":") if run.summary.series else []
    return parts[2].partition("-")[2] if len(parts) == 4 else ""
