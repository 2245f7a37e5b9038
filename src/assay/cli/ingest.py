"""``assay ingest``: what the venues have and bronze lacks."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import counting
from assay.cli.render import emit, printable, table

if TYPE_CHECKING:
    from assay.lake.coverage_proof import CoverageProof
    from assay.pipelines.ingesting import IngestResult, VenueReport

_TRY_AGAIN, _REFUSED = 3, 1
_SHOWN_FAILURES = 8
_NOTABLE_SKEW_S = 2.0
_MIB = 2**20


def ingest(
    context: typer.Context,
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="binance, binance:klines, ...; else all enabled.")
    ] = None,
    symbols: Annotated[str, typer.Option(help="BTC,ETH-USDT,btcinr,...; else the setting ingest.symbols.")] = "",
    intervals: Annotated[str, typer.Option(help="1m,1h,...; else the setting ingest.intervals.")] = "",
    since: Annotated[str, typer.Option(help="First open time, or a length before now such as 30d.")] = "",
    until: Annotated[str, typer.Option(help="Bars that open before this only.")] = "",
    as_json: AsJson = False,
) -> None:
    """Fetch from the venues what is not there yet: klines, tickers, order books, market values."""
    from assay.pipelines.ingesting import Outcome, Wanted, plan_ingest  # noqa: PLC0415
    from assay.pipelines.ingesting import ingest as run_ingest  # noqa: PLC0415
    from assay.pipelines.runs import noted  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with counting("ingesting") as counted:
        settings = options_of(context).settings()
        from assay.domain.clock import SystemClock  # noqa: PLC0415

        wanted = Wanted(tuple(sources or ()), _words(symbols), _words(intervals), since, until)
        plan_ingest(settings, wanted, SystemClock().now())  # what is wrong with the words is said before a home is made
        workspace = open_workspace(settings)
        plan = plan_ingest(settings, wanted, workspace.clock.now())
        with noted(workspace, "ingest") as summary:
            result = run_ingest(workspace, plan, progress=counted)
            summary |= {"outcome": result.outcome.value, "new_batches": result.new_batches}
    emit(result.to_dict(), as_json=as_json, text=lambda: ingested_text(result))
    if result.outcome is not Outcome.COMPLETE:
        print(f"assay: {_verdict(result)}", file=sys.stderr)
        raise typer.Exit(_TRY_AGAIN if result.outcome is Outcome.RETRY else _REFUSED)
    if wanted.symbols and result.unknown:
        print(f"assay: no venue that was asked knows {', '.join(result.unknown)}; see its spelling", file=sys.stderr)
        raise typer.Exit(_REFUSED)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _verdict(result: IngestResult) -> str:
    lacking = sum(len(one.failures) + one.poison for one in result.venues)
    venues = ", ".join(one.venue for one in result.venues if one.failures or one.poison)
    can_help = any(failure.kind != "refused" for one in result.venues for failure in one.failures)
    can_help |= any(one.poison for one in result.venues)
    todo = "run the same command again later; what arrived is kept" if can_help else "what arrived is kept"
    return f"{counted(lacking, 'question')} without a usable answer ({venues}); {todo}"


def counted(count: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def ingested_text(result: IngestResult) -> str:
    """Return what ingesting did, as text."""
    rows = [
        (venue.venue, name, tally.new, tally.known, tally.skipped, tally.rows, tally.quarantined)
        for venue in result.venues
        for name, tally in sorted(venue.datasets.items())
    ]
    parts = (
        [table(("venue", "dataset", "new batches", "known", "skipped", "rows", "quarantined"), rows)] if rows else []
    )
    series = [_series_row(proof) for venue in result.venues for proof in venue.proofs if _is_telling(venue, proof)]
    columns = ("series", "bars", "held", "final", "not there", "in doubt", "missing", "complete until")
    parts += [table(columns, series)] if series else []
    lines = [printable(line) for venue in result.venues for line in _venue_lines(venue)]
    parts.append("\n".join([*lines, "next: assay build"] if result.new_batches else lines))
    return "\n\n".join(parts)


def _is_telling(venue: VenueReport, proof: CoverageProof) -> bool:
    """Whether there is more to say of a series than the reason why its venue answered nothing at all."""
    return bool(proof.held or venue.datasets or not venue.failures)


def _series_row(proof: CoverageProof) -> tuple[object, ...]:
    # Bars that are held and may still be restated are no hole, for a person.
    holes = [hole for hole in proof.missing if not hole.is_held]
    unasked = [hole for hole in holes if not hole.times]
    until = unasked[0].start if unasked else proof.end
    empty, missing = proof.empty + proof.withdrawn, sum(hole.bars for hole in unasked)
    counts = proof.expected, proof.held, proof.settled, empty, proof.absent - missing, missing
    return str(proof.series), *counts, f"{until:%Y-%m-%d %H:%M}"


def _venue_lines(venue: VenueReport) -> list[str]:
    traffic = venue.traffic
    lines = [
        f"{venue.venue}: {counted(traffic.requests, 'request')}, {traffic.bytes / _MIB:.1f} MiB, "
        f"{traffic.waited_s:.0f} s waited for its limits and between tries"
    ]
    if abs(traffic.skew_s) > _NOTABLE_SKEW_S:
        way = "ahead of" if traffic.skew_s > 0 else "behind"
        length = timedelta(seconds=round(abs(traffic.skew_s)))
        lines.append(f"  its clock is {length} {way} ours; a bar counts as closed once both say so")
    if venue.not_traded:
        lines.append(f"  it does not know {', '.join(venue.not_traded)}")
    if venue.poison:
        lines.append(
            f"  {counted(venue.poison, 'page')} that cannot be read: kept in quarantine, asked for again next time"
        )
    causes = Counter((failure.kind, failure.brief) for failure in venue.failures)
    lines += [f"  {count} × {kind}: {brief}" for (kind, brief), count in causes.most_common(_SHOWN_FAILURES)]
    more = len(causes) - _SHOWN_FAILURES
    return [*lines, f"  and {more} other causes; --json names them all"] if more > 0 else lines


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(ingest)
