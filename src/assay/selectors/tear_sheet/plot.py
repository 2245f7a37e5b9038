"""The charts of a run as figures of Plotly, for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.selectors.tear_sheet.charts import equity_chart, painted, price_charts
from assay.selectors.tear_sheet.shown import Run

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_COLOURS = {
    "text": "#121820", "muted": "#566072", "surface": "#ffffff",
    "faint": "#8a94a4", "faint-soft": "rgba(138,148,164,0.2)",
    "accent": "#1d55cc", "accent-band": "rgba(29,85,204,0.2)",
    "up": "#00736a", "down": "#b73a0d", "down-soft": "rgba(183,58,13,0.14)",
}  # fmt: skip
_PRICES = 0.38
"""Part of the height that the price with the trades has, at the bottom."""


def plot(run: Run) -> Figure:
    """Return one figure: equity with its band and holding, drawdown, exposure, and the trades of the first symbol.

    Raises
    ------
    DamagedError
        If a file of a kept run is damaged.
    """
    from plotly.graph_objects import Figure  # noqa: PLC0415  # half a second

    own, prices = equity_chart(run), list(price_charts(run).values())
    layout: dict[str, Any] = dict(own.layout)
    data = list(own.data)
    if prices:
        for name in ("yaxis", "yaxis2", "yaxis3"):
            low, high = layout[name]["domain"]
            layout[name] = layout[name] | {"domain": [_PRICES + low * (1 - _PRICES), _PRICES + high * (1 - _PRICES)]}
        data += [one | {"yaxis": "y4", "showlegend": False} for one in prices[0].data]
        layout |= {
            "yaxis4": prices[0].layout["yaxis"] | {"domain": [0, _PRICES - 0.05]},
            "xaxis": layout["xaxis"] | {"anchor": "y4"},
            "hovermode": "closest",
        }
    layout |= {
        "template": "plotly_white",
        "height": 900 if prices else own.height,
        "margin": {"t": 60, "r": 20, "b": 40},
    }
    layout["title"] = {"text": f"{', '.join(run.summary.series)}<br><sub>{run.summary.sentence}</sub>"}
    return Figure(data=painted(data, _COLOURS), layout=painted(layout, _COLOURS))
