"""The parts of a tear sheet as HTML: everything in them that anybody wrote is escaped."""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from assay.evidence.html_page import escaped, html_facts, html_table
from assay.selectors.backtests import Figure, best_of, figures_of, mappings, number_of
from assay.selectors.tear_sheet import shown
from assay.selectors.tear_sheet.charts import number_in
from assay.selectors.tear_sheet.shown import Run, compounded, years_of
from assay.selectors.tear_sheet.words import NOTHING, lasted, moment, told

MOST_COMBINATIONS, MOST_EXTREMES = 25, 5
_KINDS = {"backtest": "Backtest", "sweep": "Best of a sweep", "walk_forward": "Walk-forward"}
_VERDICTS = {
    "holds_up": ("Holds up", "good"),
    "may_be_luck": ("May be luck", "warn"),
    "nothing_earned": ("Nothing earned", "bad"),
    "not_enough_data": ("Not enough data", "soft"),
    "ruined": ("Ruined", "bad"),
}
_PARTS = ("in_sample", "out_of_sample")


def title_of(run: Run) -> str:
    """Return what was traded, in one line."""
    names = [one.split(":") for one in run.summary.series]
    symbols = [one[2] if len(one) == 4 else ":".join(one) for one in names]
    some = ", ".join(symbols[:4]) + (f" and {len(symbols) - 4} more" if len(symbols) > 4 else "")
    interval = names[0][3] if names and len(names[0]) == 4 else ""
    return f"{some} · {interval}" if interval else some


def quote_of(run: Run) -> str:
    """Return the currency of the account."""
    parts = run.summary.series[0].split(":") if run.summary.series else []
    return parts[2].partition("-")[2] if len(parts) == 4 else ""


def head(run: Run) -> str:
    """Return the title, the verdict and the figures that are asked for first."""
    one = run.summary
    word, tone = _VERDICTS.get(one.verdict, (one.verdict, "soft"))
    said = one.sentence.partition(": ")[2] or one.sentence
    period = f"{moment(one.start)} to {moment(one.end)} UTC · {one.bars:,} bars"
    return (
        f'<p class="kind">{escaped(_KINDS.get(one.kind, one.kind))}</p><h1>{escaped(title_of(run))}</h1>'
        f'<p class="soft">{escaped(period)}</p>'
        f'<p class="verdict {tone}"><strong>{escaped(word)}</strong><span>{escaped(_sentence(said))}</span></p>'
        f'<div class="tiles">{"".join(_tiles(run))}</div>'
    )


def traded(run: Run) -> str:
    """Return what was done, on what, and what was assumed."""
    one, report = run.summary, best_of(run.report)
    rules = "".join(f"<li>{escaped(text)}</li>" for text in one.strategy)
    says = "".join(f"<li>{escaped(_sentence(str(text)))}</li>" for text in report.get("says") or ())
    stands_in = report.get("requested") if report.get("is_stand_in") is True else None
    facts = html_facts(
        [
            ("Series", ", ".join(one.series)),
            ("Stands in for", str(stands_in or "")),
            ("Cash at the start", told(shown.worth_before(run.table("equity")), "quote", quote_of(run))),
            ("As of", f"{moment(one.as_of)} UTC" if one.as_of else ""),
            ("Features", one.feature_set),
            ("Data", one.data_version),
            ("Run", one.run),
            ("By", f"{one.by}, {moment(one.made_at)} UTC"),
        ]
    )
    return (
        f'<div class="two"><div><h3>Strategy</h3><ul class="rules">{rules}</ul>{facts}</div>'
        f'<div><h3>Assumptions</h3><ul class="says">{says}</ul></div></div>'
    )


def figures(run: Run) -> str:
    """Return all figures beside buying and holding."""
    quote = quote_of(run)
    rows = []
    for one in figures_of(best_of(run.report)):
        best = () if run.summary.is_exact else (told(one.optimistic, one.unit, quote),)
        rows.append((one.title, told(one.value, one.unit, quote), _interval(one, quote), *best,
                     told(one.hold, one.unit, quote)))  # fmt: skip
    best_head = () if run.summary.is_exact else ("Optimistic",)
    top = ("", "Strategy", "95 % interval", *best_head, "Buy and hold")
    return html_table(top, rows, numbers=range(1, len(top)))


def evidence(run: Run) -> str:
    """Return what the figures are worth, in numbers."""
    report = best_of(run.report)
    alone, given = (_share(report.get(f"{name}_sharpe")) for name in ("probabilistic", "deflated"))
    trials = report.get("trials")
    tried = number_in(trials, "trials") if isinstance(trials, Mapping) else None
    low, high = (told(one, "fraction", is_signed=True) for one in run.summary.band)
    block = number_of(report.get("block_bars"))
    return html_facts(
        [
            ("Sharpe ratio above zero", f"{alone} probable, were it the only trial"),
            ("Given all trials", f"{given} probable"),
            ("Trials on this series", told(tried, "count")),
            ("Total return", "exact: no bar left a doubt" if run.summary.is_exact else f"{low} to {high}"),
            ("Band", "" if run.summary.is_exact else str(report.get("band_says") or "")),
            ("Intervals", f"bootstrap of blocks of {block:,.0f} bars" if block else ""),
        ]
    )


def months(run: Run) -> str:
    """Return the months as a table in which colour says how much."""
    report = best_of(run.report)
    own, hold = years_of(report), years_of(report, "hold_return")
    values = [abs(one) for year in own.values() for one in year.values() if one is not None]
    most = max([*values, 1e-9])
    top = "".join(f'<th scope="col">{name}</th>' for name in [*calendar.month_abbr[1:], "Year", "Hold"])
    body = "".join(
        f'<tr><th scope="row">{year}</th>'
        + "".join(_month(own[year], hold.get(year, {}), month, most) for month in range(1, 13))
        + f'<td class="sum">{_whole(compounded(own[year]))}</td>'
        + f'<td class="sum soft">{_whole(compounded(hold.get(year, {})))}</td></tr>'
        for year in sorted(own)
    )
    return (
        '<div class="scrolls" tabindex="0"><table class="months">'
        f"<thead><tr><td></td>{top}</tr></thead><tbody>{body}</tbody>"
        '</table></div><p class="caption">In percent; a bar belongs to the month of UTC in which it opens.</p>'
    )


def drawdowns(run: Run) -> str:
    """Return the deepest falls."""
    rows = [
        (told(one.depth, "fraction"), *_times(one), lasted(one.lasted)) for one in shown.spells(run.table("equity"))
    ]
    if not rows:
        return '<p class="soft">The account never stood below an earlier peak, or was ruined.</p>'
    return html_table(("Depth", "Peak", "Lowest", "Back at the peak", "Lasted"), rows, numbers={0, 4})


def trades(run: Run) -> str:
    """Return what closed trades are like, how they ended, and the best and worst of them."""
    table, quote = run.table("trades"), quote_of(run)
    if not table.height:
        return '<p class="soft">No position was closed.</p>'
    facts = shown.trade_facts(table)
    about = html_facts(
        [
            ("Mean winner", told(facts.average_win, "fraction", is_signed=True)),
            ("Mean loser", told(facts.average_loss, "fraction", is_signed=True)),
            ("Best", told(facts.best, "fraction", is_signed=True)),
            ("Worst", told(facts.worst, "fraction", is_signed=True)),
            ("Profit factor", told(facts.profit_factor, "ratio")),
            ("Mean trade", told(facts.expectancy, "quote", quote, is_signed=True)),
        ]
    )
    reasons = [
        (one.reason.replace("_", " "), f"{one.trades:,}", f"{100 * one.won / one.trades:.0f} %",
         told(one.average, "fraction", is_signed=True), told(one.pnl, "quote", is_signed=True))
        for one in shown.ended(table)
    ]  # fmt: skip
    how = html_table(("Ended by", "Trades", "Won", "Mean return", f"Earned, {quote}"), reasons, numbers=range(1, 5))
    return f'<div class="two"><div>{about}</div><div>{how}</div></div>{_extremes(table, quote)}'


def costs(run: Run) -> str:
    """Return what was earned before costs, and what each of them took."""
    paid, quote = shown.paid(run), quote_of(run)
    start = shown.worth_before(run.table("equity"))
    rows = [
        (name, told(value, "quote", is_signed=True), told(value / start, "fraction", is_signed=True))
        for name, value in (
            ("Earned before costs", paid.gross), ("Fees", -paid.fees), ("Spread, slippage, impact", -paid.spread),
            ("Funding of closed trades", -paid.funding), ("Net", paid.net),
        )
        if value or name in ("Earned before costs", "Fees", "Net")
    ]  # fmt: skip
    return html_table(("", quote, "Of the cash at the start"), rows, numbers={1, 2})


def positions(run: Run) -> str:
    """Return what was still held at the end; nothing if nothing was."""
    held = mappings(best_of(run.report).get("open_positions"))
    names = ("quantity", "entry_price", "value")
    rows = [(str(one.get("symbol")), *(f"{number_of(one.get(name)) or 0.0:,.8g}" for name in names)) for one in held]
    return html_table(("Held at the end", "Quantity", "Entered at", "Worth"), rows, numbers={1, 2, 3}) if rows else ""


def combinations(run: Run) -> str:
    """Return the best combinations of a sweep; nothing if it is none."""
    rows = mappings(run.report.get("combinations"))
    if not rows:
        return ""
    names = [str(name) for name in rows[0].get("values") or {}]
    body = [
        (*(str(one["values"].get(name, "")) for name in names), *_figures_of(one)) for one in rows[:MOST_COMBINATIONS]
    ]
    top = (*names, "Sharpe ratio", "Total return", "Worst drawdown", "Trades")
    more = f"The best {len(body):,} of {len(rows):,} combinations." if len(rows) > len(body) else ""
    return html_table(top, body, numbers=range(len(top))) + f'<p class="caption">{more}</p>'


def folds(run: Run) -> str:
    """Return the folds of a walk-forward run: what was chosen on which bars, and what it then earned; or nothing."""
    rows = mappings(run.report.get("folds"))
    if not rows:
        return ""
    names = list(dict.fromkeys(str(name) for one in rows for name in one.get("values") or {}))
    body = [
        (
            _period(one, "train"), _period(one, "test"),
            *(str((one.get("values") or {}).get(name, NOTHING)) for name in names),
            *(told(number_of(one.get(f"{part}_sharpe")), "ratio") for part in _PARTS),
            *(told(number_of(one.get(f"{part}_total_return")), "fraction", is_signed=True) for part in _PARTS),
            told(number_of(one.get("out_of_sample_max_drawdown")), "fraction"),
            told(number_of(one.get("out_of_sample_trades")), "count"),
        )
        for one in rows
    ]  # fmt: skip
    top = (
        "Chosen on", "Traded", *names, "Sharpe, chosen on", "traded", "Return, chosen on", "traded", "Worst drawdown",
        "Trades",
    )  # fmt: skip
    efficiency = number_of(run.report.get("efficiency"))
    grown = "no growth where it was chosen" if efficiency is None else told(efficiency, "fraction")
    about = html_facts(
        [
            ("Windows", _sentence(str(run.report.get("windows") or ""))),
            ("Efficiency", f"{grown} (growth a year where traded, over that where chosen)"),
        ]
    )
    return about + html_table(top, body, numbers=range(2, len(top)))


def _tiles(run: Run) -> Iterator[str]:
    known = {one.name: one for one in figures_of(best_of(run.report))}
    for name in ("total_return", "sharpe", "max_drawdown"):
        one, is_signed = known[name], name == "total_return"
        value, hold = (told(number, one.unit, is_signed=is_signed) for number in (one.value, one.hold))
        tone = _tone(one.value) if is_signed else ""
        yield _tile(one.title, value, f"hold {hold}", _interval(one, ""), tone=tone)
    won = known["win_rate"]
    count = told(known["trades"].value, "count")
    yield _tile("Closed trades", count, f"{told(won.value, 'fraction')} won", _interval(won, ""))


def _tile(name: str, value: str, beside: str, interval: str, *, tone: str = "") -> str:
    return (
        f'<div class="tile"><span class="name">{escaped(name)}</span><span class="value {tone}">{escaped(value)}</span>'
        f'<span class="beside">{escaped(beside)}</span>'
        f'<span class="beside" title="95 % interval">{escaped(interval)}</span></div>'
    )


def _month(own: Mapping[int, float | None], hold: Mapping[int, float | None], month: int, most: float) -> str:
    value, other = own.get(month), hold.get(month)
    if month not in own:
        return "<td></td>"
    if value is None:
        return f"<td>{NOTHING}</td>"
    share = math.sqrt(abs(value) / most)  # small months are many, and would all look the same
    beside = f"hold {100 * other:+.2f} %" if other is not None else ""
    return (
        f'<td class="{_tone(value)}" style="--share:{share:.3f}" title="{escaped(beside)}">{100 * value:+.1f}</td>'
    )  # fmt: skip


def _whole(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:+.1f}"


def _tone(value: float | None) -> str:
    return "" if not value else "up" if value > 0 else "down"


def _interval(one: Figure, quote: str) -> str:
    if one.low is None or one.high is None:
        return ""
    return f"{told(one.low, one.unit, quote)} to {told(one.high, one.unit, quote)}"


def _times(one: shown.Spell) -> tuple[str, str, str]:
    """Return its three moments; their days say enough of what lasted for days."""
    length = 10 if one.lasted > timedelta(days=4) else 16
    back = moment(one.recovered)[:length] if one.recovered else "not yet"
    return moment(one.peak)[:length], moment(one.trough)[:length], back


def _extremes(table: pl.DataFrame, quote: str) -> str:
    ordered = table.sort("return", descending=True, nulls_last=True)
    few = min(MOST_EXTREMES, table.height)
    some = ordered if table.height <= 2 * few else pl.concat([ordered.head(few), ordered.tail(few)])
    rows = [
        (one["symbol"], one["side"], moment(one["entry_open_time"]), moment(one["exit_open_time"]),
         f"{one['entry_price']:,.6g}", f"{one['exit_price']:,.6g}", told(one["return"], "fraction", is_signed=True),
         told(one["pnl"], "quote", is_signed=True), one["reason"].replace("_", " "))
        for one in some.iter_rows(named=True)
    ]  # fmt: skip
    top = ("Symbol", "Side", "Entered (UTC)", "Left (UTC)", "Entry", "Exit", "Return", f"Earned, {quote}", "Ended by")
    what = "All trades" if some.height == table.height else f"The {few} best and {few} worst trades"
    return f"<h3>{what}</h3>{html_table(top, rows, numbers={4, 5, 6, 7})}"


def _figures_of(row: Mapping[str, Any]) -> Sequence[str]:
    return (
        told(number_of(row.get("sharpe")), "ratio"),
        told(number_of(row.get("total_return")), "fraction", is_signed=True),
        told(number_of(row.get("max_drawdown")), "fraction"),
        told(number_of(row.get("trades")), "count"),
    )


def _period(fold: Mapping[str, Any], name: str) -> str:
    start, end = (str(fold.get(f"{name}_{one}") or "")[:10] for one in ("start", "end"))
    return f"{start} to {end}" if start and end else NOTHING


def _share(value: object) -> str:
    number = number_of(value)
    return NOTHING if number is None else f"{100 * number:.0f} %"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
