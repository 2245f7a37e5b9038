"""Filters and tags of the templates; they are there without ``{% load %}``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from assay.selectors.predictions import PredictionBrief
from assay.web import formats
from assay.web.assets import asset_url
from assay.web.backtest_figures import figure_text, reason_of, signed_share
from assay.web.context import with_as_of
from assay.web.figures import accuracy_scale, place_in_range, share_of, turnover
from assay.web.sparkline import sparkline

register = template.Library()
_TASKS = {
    "direction": "Up in the next {}?",
    "delta": "Price change over the next {}",
    "signal": "Buy, sell or hold, {} ahead",
}
_VERDICTS = {
    "edge": ("edge", "A trade earns something after its costs, beyond chance"),
    "no_edge": ("no edge", "Nothing is left when costs are paid, or it may be chance"),
    "adds": ("adds", "Forecasts are worse without it, beyond chance"),
    "harms": ("harms", "Forecasts are better without it, beyond chance"),
    "nothing_found": ("nothing found", "A contribution cannot be told from chance"),
    "skill": ("skill", "Better than the baseline, beyond chance"),
    "no_skill": ("no skill", "Not distinguishable from the baseline"),
    "worse": ("worse", "Worse than the baseline, beyond chance"),
    "not_enough_data": ("too little data", "Too few independent stretches of time to say anything"),
    "holds_up": ("holds up", "A Sharpe ratio above zero is at least 95 % probable, given all that was tried"),
    "may_be_luck": ("may be luck", "A Sharpe ratio like this may be chance, given all that was tried"),
    "nothing_earned": ("nothing earned", "The Sharpe ratio is not above zero"),
    "ruined": ("ruined", "The account was worth nothing"),
    "suspect": ("suspect", "Too good to be true: look for a leak before believing it"),
}


def go(context: dict[str, Any], name: str, *arguments: str, **query: str) -> str:
    """Return the address of a page, as of the same moment as this one."""
    return with_as_of(context["request"], reverse(name, args=arguments), **query)


def here(context: dict[str, Any], **changes: object) -> str:
    """Return this page's address with some of its query changed; an empty value takes the key out."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in ("", None):
            query[name] = str(value)
    return f"{context['request'].path}?{query.urlencode()}" if query else str(context["request"].path)


def spark(values: Sequence[float], width: int = 96, height: int = 28, title: str = "last 7 days") -> SafeString:
    """Return a sparkline as SVG, or an en dash where there is nothing to draw."""
    line = sparkline(values, width=width, height=height)
    if not line.points:
        return format_html('<span class="muted">{}</span>', formats.NOTHING)
    return format_html(
        '<svg class="spark {}" viewBox="0 0 {} {}" width="{}" height="{}" preserveAspectRatio="none" role="img" '
        'aria-label="{}: {}"><polygon points="{}"/><polyline points="{}"/></svg>',
        line.direction, width, height, width, height, title, line.direction, line.area, line.points,
    )  # fmt: skip


def change(value: float | None, decimals: int = 2) -> SafeString:
    """Return a change in percent, coloured and marked by where it goes."""
    return format_html(
        '<span class="change {}"><span class="mark" aria-hidden="true">{}</span>{}</span>',
        formats.direction(value), formats.sign_of(value), formats.pct(value, decimals),
    )  # fmt: skip


def cost(value: float | None, quote: str | None) -> SafeString:
    """Return a price with its unit; a unit without a sign of its own is small, and left out on a phone."""
    text = formats.money(value, quote)
    number, space, unit = text.partition("\u202f")
    return format_html('{}<span class="unit">{}{}</span>', number, space, unit) if unit else format_html("{}", text)


def bar(fraction: float | None, kind: str = "") -> SafeString:
    """Return a bar filled to `fraction`; decoration beside the number, which says it in full."""
    filled = 0.0 if fraction is None else min(max(fraction, 0.0), 1.0) * 100
    return format_html(
        '<svg class="bar {}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="6"/><rect class="fill" width="{}" height="6"/></svg>',
        kind, f"{filled:.2f}",
    )  # fmt: skip


def day_range(low: float | None, last: float | None, high: float | None) -> SafeString:
    """Return where the last price stands between the day's low and high, as a small scale."""
    place = place_in_range(low, last, high)
    if place is None:
        return format_html('<span class="muted">{}</span>', formats.NOTHING)
    # A line without length and with round ends is a dot that stays round however the drawing is stretched.
    return format_html(
        '<span class="range"><span class="range-end">{}</span><svg viewBox="0 0 100 10" width="72" height="10" '
        'preserveAspectRatio="none" role="img" aria-label="{} of the way from the low to the high of 24 h">'
        '<path class="track" d="M3 5h94"/><path class="dot" d="M{} 5h0"/></svg>'
        '<span class="range-end">{}</span></span>',
        formats.price(low), formats.share(place, 0), f"{4 + place * 92:.1f}", formats.price(high),
    )  # fmt: skip


def accuracy_ends(prediction: PredictionBrief) -> tuple[float, float]:
    """Return the fractions between which one prediction's accuracy can be drawn."""
    return accuracy_scale([prediction])


def interval(prediction: PredictionBrief, floor: float, ceiling: float) -> SafeString:
    """Return the accuracy with its interval, and the base rate as a mark, drawn between two fractions."""
    low, accuracy, high, base = (
        prediction.accuracy_low, prediction.accuracy, prediction.accuracy_high, prediction.base_rate_accuracy,
    )  # fmt: skip
    if low is None or accuracy is None or high is None or base is None:
        return format_html('<span class="muted">{}</span>', formats.NOTHING)
    x_low, x_dot, x_high, x_base = (
        f"{3 + 94 * share_of(one, floor, ceiling):.1f}" for one in (low, accuracy, high, base)
    )
    return format_html(
        '<svg class="interval" viewBox="0 0 100 16" preserveAspectRatio="none" role="img" aria-label="accuracy {}, '
        'from {} to {}; base rate {}"><path class="axis" d="M0 8h100"/><path class="reach" d="M{} 8H{}"/>'
        '<path class="base" d="M{} 1v14"/><path class="dot" d="M{} 8h0"/></svg>',
        formats.share(accuracy), formats.share(low), formats.share(high), formats.share(base),
        x_low, x_high, x_base, x_dot,
    )  # fmt: skip


def against_zero(value: float | None, low: float | None, high: float | None, reach: float) -> SafeString:
    """Return a difference with its interval, drawn from ``-reach`` to ``reach`` with a mark at zero."""
    if value is None or low is None or high is None:
        return format_html("")
    x_low, x_dot, x_high = (f"{3 + 94 * share_of(one, -reach, reach):.1f}" for one in (low, value, high))
    side = "above" if low > 0 else "below" if high < 0 else "across"
    return format_html(
        '<svg class="interval {}" viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="axis" d="M0 8h100"/><path class="base" d="M50 1v14"/><path class="reach" d="M{} 8H{}"/>'
        '<path class="dot" d="M{} 8h0"/></svg>',
        side, x_low, x_high, x_dot,
    )  # fmt: skip


def between(low: float, value: float, high: float, mark: float) -> SafeString:
    """Return a share with its interval, and a mark at what was foretold, drawn from none to all."""
    x_low, x_dot, x_high, x_mark = (f"{3 + 94 * share_of(one, 0.0, 1.0):.1f}" for one in (low, value, high, mark))
    return format_html(
        '<svg class="interval" viewBox="0 0 100 16" preserveAspectRatio="none" role="img" aria-label="{} to {}">'
        '<path class="axis" d="M0 8h100"/><path class="reach" d="M{} 8H{}"/><path class="base" d="M{} 1v14"/>'
        '<path class="dot" d="M{} 8h0"/></svg>',
        formats.share(low), formats.share(high), x_low, x_high, x_mark, x_dot,
    )  # fmt: skip


def share_of_all(part: int, whole: int) -> str:
    """Return a part of a whole in percent."""
    return formats.share(part / whole if whole else None)


def task_title(task: object) -> str:
    """Return what a task foretells, in words: ``direction_24h`` is "Up in the next 24 h?"."""
    kind, _, horizon = str(task).rpartition("_")
    return _TASKS[kind].format(f"{horizon[:-1]} {horizon[-1:]}") if kind in _TASKS else str(task)


def source_title(source: object) -> str:
    """Return a series as people read it: ``binance:spot:BTC-USDT:1h`` is "BTC-USDT · binance spot · 1h"."""
    parts = str(source).split(":")
    if len(parts) == 4:
        return f"{parts[2]} · {parts[0]} {parts[1]} · {parts[3]}"
    return f"all of {' · '.join(parts)}"


def words(name: object) -> str:
    """Return a name of the code as words: ``random_forest`` is "random forest"."""
    return str(name).replace("_", " ")


def verdict_word(verdict: object) -> str:
    """Return the verdict in the words of the page."""
    return _verdict(verdict)[0]


def verdict_meaning(verdict: object) -> str:
    """Return what the verdict means."""
    return _verdict(verdict)[1]


def verdict_class(verdict: object) -> str:
    """Return the verdict as the name of a CSS class."""
    return f"verdict-{_key(verdict).replace('_', '-')}"


def _key(verdict: object) -> str:
    return str(verdict).strip().lower().replace(" ", "_")


def _verdict(verdict: object) -> tuple[str, str]:
    return _VERDICTS.get(_key(verdict), (str(verdict), ""))


for name, function in {
    "price": formats.price,
    "money": formats.money,
    "amount": formats.amount,
    "pct": formats.pct,
    "share": formats.share,
    "bps": formats.bps,
    "count": formats.count,
    "moment": formats.moment,
    "span": formats.span,
    "age": formats.age,
    "direction": formats.direction,
    "points": formats.points,
    "earned": formats.earned,
    "in_bps": formats.in_bps,
    "score": formats.score,
    "figure": figure_text,
    "signed_share": signed_share,
    "reason": reason_of,
    "task_title": task_title,
    "source_title": source_title,
    "words": words,
    "verdict_word": verdict_word,
    "verdict_meaning": verdict_meaning,
    "verdict_class": verdict_class,
}.items():
    register.filter(name, function)
register.simple_tag(asset_url, name="asset")
register.simple_tag(spark)
register.simple_tag(change)
register.simple_tag(bar)
register.simple_tag(turnover)
register.simple_tag(cost)
register.simple_tag(day_range)
register.simple_tag(interval)
register.simple_tag(against_zero)
register.simple_tag(between)
register.simple_tag(share_of_all)
register.simple_tag(accuracy_ends)
register.simple_tag(go, takes_context=True)
register.simple_tag(here, takes_context=True)
