"""``assay backfill``: years of a series, and the proof that they are all there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.ingest import counted, ingested_text
from assay.cli.options import AsJson, options_of
from assay.cli.progress import counting
from assay.cli.render import emit, printable, table

if TYPE_CHECKING:
    from assay.lake.coverage_proof import CoverageProof
    from assay.pipelines.backfilling import BackfillResult
    from assay.selectors.coverage import SeriesHole

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
    from assay.selectors.backfilled import backfilled_holes  # noqa: PLC0415  # what tells causes costs start-up time

    holes = backfilled_holes(workspace, result.proofs)
    emit({**result.to_dict(), "gaps": holes}, as_json=as_json, text=lambda: backfilled_text(result, holes))
    if not result.is_proven:
        failed = any(venue.failures for venue in result.ingested.venues)
        print(f"assay: {_verdict(result, settings.ingest.every, is_cut=failed)}", file=sys.stderr)
        raise typer.Exit(_TRY_AGAIN if failed else _UNPROVEN)


def _verdict(result: BackfillResult, every: str, *, is_cut: bool) -> str:
    todo = (
        "run the same command again; what arrived is kept"
        if is_cut
        else f"run the same command again after {every}: what several answers lack is confirmed not to be there"
    )
    return f"{counted(result.unproven_bars, 'bar')} neither there nor proven not to be; {todo}"


def backfilled_text(result: BackfillResult, holes: Sequence[SeriesHole]) -> str:
    """Return what was loaded, what is proven, and why the rest is missing, as text."""
    parts = [ingested_text(result.ingested).replace("next: assay build", "").rstrip()]
    parts += [
        _proof_text(proof, [one for one in holes if _series_of(one) == proof.series.key]) for proof in result.proofs
    ]
    if result.ingested.new_batches:
        parts.append("next: assay build")
    return "\n\n".join(part for part in parts if part)


def _series_of(hole: SeriesHole) -> tuple[str, str, str, str]:
    return hole.venue, hole.market, hole.symbol, hole.interval


def _proof_text(proof: CoverageProof, holes: Sequence[SeriesHole]) -> str:
    """Return what is proven of a series: how many bars, and each hole with its cause."""
    there = f"{proof.held:,} of {proof.expected:,} bars are there"
    span = f"{proof.start:%Y-%m-%d %H:%M} to {proof.end:%Y-%m-%d %H:%M} UTC"
    if not holes:
        return printable(f"{proof.series}, {span}: {there}; no hole")
    rows = [
        (f"{one.start:%Y-%m-%d %H:%M}", f"{one.end:%Y-%m-%d %H:%M}", one.bars, one.cause.label, one.evidence)
        for one in holes[:_SHOWN_HOLES]
    ]
    more = [f"and {len(holes) - _SHOWN_HOLES} more holes; --json names them all"] if len(holes) > _SHOWN_HOLES else []
    shown = table(("hole from", "until", "bars", "cause", "told by"), rows)
    return "\n".join([printable(f"{proof.series}, {span}: {there}; {counted(len(holes), 'hole')}"), shown, *more])


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(backfill)
