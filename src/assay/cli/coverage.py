"""``assay gaps`` and ``assay heal``: which bars are missing and why, and those of them that may still be had."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.ingest import counted
from assay.cli.options import AsJson, AsOf, moment_of, options_of
from assay.cli.progress import counting, working
from assay.cli.render import emit, printable, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.pipelines.ingesting import IngestResult
    from assay.selectors.coverage import SeriesHole
    from assay.selectors.coverage_gaps import Gaps, Healed

_LEFT, _TRY_AGAIN = 1, 3
_SHOWN, _SHOWN_LEFT = 100, 20
_COLUMNS = ("series", "from", "until", "bars", "cause", "told by", "remedy")
Symbols = Annotated[
    list[str] | None, typer.Argument(metavar="[SYMBOL]...", help="BTCUSDT, ETH-USDT, BTC, ...; else all.")
]
Venue = Annotated[str, typer.Option(help="Only of this venue.")]
IntervalOf = Annotated[str, typer.Option("--interval", help="Only bars of this length: 1m, 1h, ...")]
Since = Annotated[str, typer.Option(help="Only holes that end after this moment, or length before now such as 30d.")]


def gaps(
    context: typer.Context,
    symbols: Symbols = None,
    venue: Venue = "",
    interval: IntervalOf = "",
    cause: Annotated[
        str, typer.Option(help="Only no_trades, venue_outage, our_outage, not_listed, delisted or unknown.")
    ] = "",
    since: Since = "",
    as_of: AsOf = "",
    as_json: AsJson = False,
) -> None:
    """Show every hole of the bars with its cause, what the cause is told by, and whether it can be healed."""
    from assay.pipelines.ingesting.wanted import read_time  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.coverage_gaps import GapFilter, find_gaps  # noqa: PLC0415

    with working("looking for gaps"):
        workspace = open_workspace(options_of(context).settings(), create=False)
        after = read_time(since, workspace.clock.now()) if since else None
        wanted = GapFilter(tuple(symbols or ()), venue, interval, cause, after)
        found = find_gaps(workspace, wanted, as_of=moment_of(as_of))
    emit(found, as_json=as_json, text=lambda: _gaps_text(found))


def heal(
    context: typer.Context,
    symbols: Symbols = None,
    venue: Venue = "",
    interval: IntervalOf = "",
    since: Since = "",
    questions: Annotated[int, typer.Option(min=1, help="Ask no more than this; the rest is left for later.")] = 1_000,
    as_json: AsJson = False,
) -> None:
    """Ask the venues again for the missing bars that may still be had, and for nothing else."""
    from assay.pipelines.healing import heal as run_heal  # noqa: PLC0415
    from assay.pipelines.healing import plan_healing  # noqa: PLC0415
    from assay.pipelines.ingesting.wanted import read_time  # noqa: PLC0415
    from assay.pipelines.runs import noted  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.coverage_causes import ingest_rules  # noqa: PLC0415
    from assay.selectors.coverage_gaps import GapFilter, find_gaps, healable, healed  # noqa: PLC0415

    with counting("healing") as progress:
        workspace = open_workspace(options_of(context).settings(), create=False)
        now = workspace.clock.now()
        wanted = GapFilter(tuple(symbols or ()), venue, interval, since=read_time(since, now) if since else None)
        plan = plan_healing(workspace.settings, healable(find_gaps(workspace, wanted)), now, most_questions=questions)
        with noted(workspace, "heal") as summary:
            result = run_heal(workspace, plan, progress=progress)
            done = healed(plan.asked, find_gaps(workspace, wanted), later_bars=plan.left_bars)
            summary |= {"asked_bars": done.asked_bars, "healed_bars": done.healed_bars}
    document = {**_plain(done), "ingest": result.to_dict()}
    emit(document, as_json=as_json, text=lambda: _healed_text(done, result))
    if done.left.healable_bars:
        is_cut = any(one.failures for one in result.venues)
        print(f"assay: {_verdict(done, ingest_rules(workspace).every, is_cut=is_cut)}", file=sys.stderr)
        raise typer.Exit(_TRY_AGAIN if is_cut else _LEFT)


def _plain(done: Healed) -> dict[str, object]:
    left = {"healable_bars": done.left.healable_bars, "causes": done.left.causes, "gaps": done.left.gaps}
    series = [{"series": str(one.series), "asked_bars": one.asked, "healed_bars": one.healed} for one in done.series]
    counts = {"asked_bars": done.asked_bars, "healed_bars": done.healed_bars, "later_bars": done.later_bars}
    return {**counts, "series": series, **left}


def _gaps_text(found: Gaps) -> str:
    if not found.gaps:
        return "no gaps: every bar between the first and the last is there"
    shown = [_table(found.gaps[:_SHOWN]), _causes(found)]
    if len(found.gaps) > _SHOWN:
        shown.insert(1, f"the latest {_SHOWN} of {counted(len(found.gaps), 'gap')}; --json names them all")
    if found.healable_bars:
        shown.append(f"next: assay heal asks again for {counted(found.healable_bars, 'bar')}")
    return "\n".join(shown)


def _table(gaps: Iterable[SeriesHole]) -> str:
    rows = [
        (
            f"{one.venue}:{one.market}:{one.symbol}:{one.interval}",
            f"{one.start:%Y-%m-%d %H:%M}",
            f"{one.end:%Y-%m-%d %H:%M}",
            one.bars,
            one.cause.label,
            one.evidence,
            one.remedy.value,
        )
        for one in gaps
    ]
    return table(_COLUMNS, rows)


def _causes(found: Gaps) -> str:
    told = (f"{counted(one.bars, 'bar')} in {counted(one.holes, 'hole')}: {one.cause.label}" for one in found.causes)
    return "; ".join(told)


def _healed_text(done: Healed, result: IngestResult) -> str:
    parts = []
    if done.series:
        rows = [(str(one.series), one.asked, one.healed, one.asked - one.healed) for one in done.series]
        parts.append(table(("series", "asked again", "healed", "still missing"), rows))
    failures = [one for venue in result.venues for one in venue.failures]
    if failures:
        told = f"{counted(len(failures), 'question')} without an answer, the first: {failures[0].brief}"
        parts.append(printable(told))
    remaining = done.left.gaps
    if remaining:
        parts.append("what is left:\n" + _table(remaining[:_SHOWN_LEFT]))
        if len(remaining) > _SHOWN_LEFT:
            parts.append(f"and {len(remaining) - _SHOWN_LEFT} more gaps; --json names them all")
        parts.append(_causes(done.left))
    if done.healed_bars:
        parts.append("next: assay build")
    elif not done.series:
        parts.append("nothing to heal: whatever is missing is proven not to be there, or cannot be asked for")
    return "\n".join(parts)


def _verdict(done: Healed, every: str, *, is_cut: bool) -> str:
    todo = (
        "run the same command again; what arrived is kept"
        if is_cut or done.later_bars
        else f"run the same command again after {every}: what several answers lack is confirmed not to be there"
    )
    return f"{counted(done.left.healable_bars, 'bar')} may still be had; {todo}"


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(gaps)
    app.command()(heal)
