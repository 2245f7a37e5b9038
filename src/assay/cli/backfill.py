"""``assay backfill``: years of a series, and the proof that they are all there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.ingest import counted, ingested_text
from assay.cli.options import AsJson, options_of
from assay.cli.progress import counting
from assay.cli.render import emit, printable, table

if TYPE_CHECKING:
    from assay.lake.coverage_proof import CoverageProof, Hole
    from assay.pipelines.backfilling import BackfillResult

_UNPROVEN, _TRY_AGAIN = 1, 3
_SHOWN_HOLES = 12


def backfill(
    context: typer.Context,
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="BTC, BTCUSDT, ETH-USDT, ...")],
    interval: Annotated[str, typer.Option(help="Length of the bars: 1m, 1h, ...")] = "1h",
    since: Annotated[str, typer.Option(help="Where it begins: 2020, 2020-01, 2020-01-31, or a length before now.")] = (
        "365d"
    ),
    until: Annotated[str, typer.Option(help="Bars that open before this only; else up to now.")] = "",
    market: Annotated[str, typer.Option(help="spot or usdm.")] = "spot",
    venue: Annotated[str, typer.Option(help="Which exchange.")] = "binance",
    archive: Annotated[
        bool, typer.Option("--archive/--no-archive", help="Whether files of the venue's archive are used.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Load years of klines, from the venue's archive where that is faster, and prove that none lacks."""
    from assay.pipelines.backfilling import Backfill, plan_backfill  # noqa: PLC0415
    from assay.pipelines.backfilling import backfill as run_backfill  # noqa: PLC0415
    from assay.pipelines.runs import noted  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with counting("loading") as advance:
        settings = options_of(context).settings()
        from assay.domain.clock import SystemClock  # noqa: PLC0415

        wanted = Backfill(tuple(symbols), interval, since, until, venue, market, archive)
        plan_backfill(settings, wanted, SystemClock().now())  # what is wrong with the words is said before all else
        workspace = open_workspace(settings)
        plan = plan_backfill(settings, wanted, workspace.clock.now())
        with noted(workspace, "backfill") as summary:
            result = run_backfill(workspace, plan, progress=advance)
            summary |= {"is_proven": result.is_proven, "new_batches": result.ingested.new_batches}
    confirmations = workspace.settings.ingest.confirmations
    emit(result.to_dict(), as_json=as_json, text=lambda: backfilled_text(result, confirmations))
    if not result.is_proven:
        failed = any(venue.failures for venue in result.ingested.venues)
        print(f"assay: {_verdict(result, settings.ingest.every, is_cut=failed)}", file=sys.stderr)
        raise typer.Exit(_TRY_AGAIN if failed else _UNPROVEN)


def _verdict(result: BackfillResult, every: str, *, is_cut: bool) -> str:
    holes = [hole for proof in result.proofs for hole in proof.missing if not hole.is_held]
    bars = sum(hole.bars for hole in holes)
    todo = (
        "run the same command again; what arrived is kept"
        if is_cut
        else f"run the same command again after {every}: what several answers lack is confirmed not to be there"
    )
    return f"{counted(bars, 'bar')} neither there nor proven not to be; {todo}"


def backfilled_text(result: BackfillResult, confirmations: int) -> str:
    """Return what was loaded, and what is proven, as text."""
    parts = [ingested_text(result.ingested).replace("next: assay build", "").rstrip()]
    parts += [_proof_text(proof, confirmations) for proof in result.proofs]
    if result.ingested.new_batches:
        parts.append("next: assay build")
    return "\n\n".join(part for part in parts if part)


def _proof_text(proof: CoverageProof, confirmations: int) -> str:
    """Return what is proven of a series: how many bars, and each hole with what is known of it."""
    there = f"{proof.held:,} of {proof.expected:,} bars are there"
    span = f"{proof.start:%Y-%m-%d %H:%M} to {proof.end:%Y-%m-%d %H:%M} UTC"
    holes = sorted([*proof.confirmed_empty, *(hole for hole in proof.missing if not hole.is_held)])
    if not holes:
        return printable(f"{proof.series}, {span}: {there}; no hole")
    rows = [
        (f"{hole.start:%Y-%m-%d %H:%M}", f"{hole.end:%Y-%m-%d %H:%M}", hole.bars, _cause(hole, confirmations))
        for hole in holes[:_SHOWN_HOLES]
    ]
    more = [f"and {len(holes) - _SHOWN_HOLES} more holes; --json names them all"] if len(holes) > _SHOWN_HOLES else []
    shown = table(("hole from", "until", "bars", "what is known"), rows)
    return "\n".join([printable(f"{proof.series}, {span}: {there}; {counted(len(holes), 'hole')}"), shown, *more])


def _cause(hole: Hole, confirmations: int) -> str:
    if hole.is_confirmed:
        return f"not at the venue: {confirmations} answers lack it"
    if hole.times:
        return f"{hole.times} of {confirmations} answers lack it"
    return "no answer yet"


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(backfill)
