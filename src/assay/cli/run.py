"""``assay run``: the main job, from market data to a proven answer, once or on a schedule."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, table

if TYPE_CHECKING:
    from assay.evidence.direction import ScoreSet
    from assay.pipelines.running import Asked, RunResult
    from assay.pipelines.workspace import Workspace
    from assay.settings import Settings

    Job = tuple[Workspace, Callable[[], RunResult]]

TRY_AGAIN = 3
"""Exit code of a run that has an answer and could not fetch everything."""


def run(
    context: typer.Context,
    recorded: Annotated[bool, typer.Option("--recorded", help="From recordings in place of venues.")] = False,
    plan: Annotated[Path | None, typer.Option(help="Recordings plan; else the setting `recordings`.")] = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="From the exchange in a box.")] = False,
    seed: Annotated[int, typer.Option(help="Which simulated market, with --sandbox.", min=0)] = 0,
    symbol: Annotated[str, typer.Option(help="What to predict, in any spelling.")] = "BTC-USDT",
    interval: Annotated[str, typer.Option(help="Bars the model looks at.")] = "1h",
    since: Annotated[str, typer.Option(help="Let the model use bars from here on only.")] = "",
    until: Annotated[str, typer.Option(help="Let the model use bars before this only.")] = "",
    as_of: Annotated[str, typer.Option(help="Let the model use only what was known at this moment.")] = "",
    every: Annotated[str, typer.Option(help="Again in every slot of this length, such as 15m, until Ctrl-C.")] = "",
    runs: Annotated[int, typer.Option(help="With --every: stop after so many; 0 never stops.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Ingest, build, hold a model against its baseline, and predict."""
    from assay.cli.scheduled import keep_running  # noqa: PLC0415
    from assay.domain.duration import parse_duration  # noqa: PLC0415
    from assay.domain.interval import Interval, parse_moment  # noqa: PLC0415
    from assay.lake.reads import Span  # noqa: PLC0415
    from assay.pipelines.running import Asked  # noqa: PLC0415
    from assay.pipelines.schedule import check_every  # noqa: PLC0415

    _check(recorded=recorded, plan=plan, sandbox=sandbox, seed=seed, every=every, runs=runs)
    moments = [parse_moment(text) if text else None for text in (since, until, as_of)]
    Interval.parse(interval)
    asked = Asked(symbol, interval, Span(start=moments[0], end=moments[1], as_of=moments[2]))
    length = check_every(parse_duration(every)) if every else None
    settings = _settings(context, sandbox=sandbox)
    with working("running") as say:
        if recorded:
            workspace, job = _recorded_job(settings, plan, asked, say)
        else:
            workspace, job = _venues_job(settings, asked, say, seed=seed if sandbox else None)
        result = _alone(workspace, job) if length is None else None
    if length is not None:
        keep_running(workspace, job, every=length, runs=runs, as_json=as_json)
    elif result is not None:
        _show(result, as_json=as_json)


def _alone(workspace: Workspace, job: Callable[[], RunResult]) -> RunResult:
    """Do the job, after another main job on the same home if there is one."""
    from assay.pipelines.runs import exclusive  # noqa: PLC0415

    with exclusive(workspace, timeout_s=workspace.settings.lake.lock_timeout_s):
        return job()


def _show(result: RunResult, *, as_json: bool) -> None:
    emit(result.to_dict(), as_json=as_json, text=lambda: _run_text(result))
    lacking = result.lacking
    if lacking:
        print(f"assay: {lacking}", file=sys.stderr)
        raise typer.Exit(TRY_AGAIN)


def _check(*, recorded: bool, plan: Path | None, sandbox: bool, seed: int, every: str, runs: int) -> None:
    """Refuse options that contradict each other."""
    from assay.domain.errors import BadInputError  # noqa: PLC0415

    if recorded and (sandbox or every):
        other = "--sandbox" if sandbox else "--every"
        raise BadInputError(
            "options that do not go together", value=f"--recorded {other}", todo="leave one of them out"
        )
    if plan is not None and not recorded:
        raise BadInputError("--plan says what --recorded takes", value=plan, todo="add --recorded")
    if seed and not sandbox:
        raise BadInputError("--seed says which market --sandbox simulates", value=seed, todo="add --sandbox")
    if runs and not every:
        raise BadInputError(
            "--runs says how often --every does it", value=runs, todo="add --every, such as --every 15m"
        )


def _settings(context: typer.Context, *, sandbox: bool) -> Settings:
    """Return the settings; a simulated market has a home of its own, unless one is named."""
    settings = options_of(context).settings()
    if sandbox and settings.is_default("home"):
        return settings.model_copy(update={"home": settings.home.with_name(".assay-sandbox")})
    return settings


def _recorded_job(settings: Settings, plan: Path | None, asked: Asked, say: Callable[[str], None]) -> Job:
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.pipelines.running import run_recorded  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    plan_file = plan or settings.recordings
    if plan_file is None:
        todo = "pass --plan, or set `recordings` to a recordings plan"
        raise BadInputError("there is no recordings plan", todo=todo)
    workspace = open_workspace(settings, say=say)
    return workspace, lambda: _noted(workspace, lambda: run_recorded(workspace, plan_file, asked))


def _venues_job(settings: Settings, asked: Asked, say: Callable[[str], None], *, seed: int | None) -> Job:
    from assay.domain.clock import SystemClock  # noqa: PLC0415
    from assay.lake.origin import check_origin, simulated_origin  # noqa: PLC0415
    from assay.pipelines.ingesting import Wanted, plan_ingest  # noqa: PLC0415
    from assay.pipelines.running import run_venues  # noqa: PLC0415
    from assay.pipelines.simulating import access_inside, inside, simulated  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    plan_ingest(
        settings, Wanted(), SystemClock().now()
    )  # what is wrong with the settings is said before a home is made
    workspace = open_workspace(settings, say=say)
    clock = workspace.clock
    exchange = None if seed is None else simulated(seed, clock)
    if exchange is not None:
        check_origin(workspace.home, simulated_origin(exchange.name))

    def once() -> RunResult:
        plan, access = plan_ingest(settings, Wanted(), clock.now()), None
        if exchange is not None:
            plan, access = inside(exchange, plan), access_inside(exchange, settings, clock)
        done = total = 0

        def progress(more_done: int, more_to_do: int) -> None:
            nonlocal done, total
            done, total = done + more_done, total + more_to_do
            say(f"ingesting, {done} of {total} questions")

        return run_venues(workspace, plan, asked, access=access, progress=progress)

    return workspace, lambda: _noted(workspace, once)


def _noted(workspace: Workspace, once: Callable[[], RunResult]) -> RunResult:
    from assay.pipelines.runs import noted  # noqa: PLC0415

    with noted(workspace, "run") as summary:
        result = once()
        verdict = result.answer.evidence.verdict.value
        summary |= {"verdict": verdict, "gold_hash": result.gold_hash, "silver_hash": result.silver_hash}
        if result.ingested is not None:
            summary |= {"outcome": result.ingested.outcome.value, "new_batches": result.ingested.new_batches}
    return result


def _run_text(result: RunResult) -> str:
    answer, gaps = result.answer, result.gaps
    evidence, prediction = answer.evidence, answer.prediction
    layers = table(("layer", "rows"), result.rows.items())
    holes = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in gaps.items())
    tests = f"{len(result.build.tests)} quality tests passed" if result.build.tests else "nothing new to build"
    scores = table(
        ("score", "model", "95 % interval", "base rate", "95 % interval "),
        [
            (name, *_estimate(evidence.model, name), *_estimate(evidence.baseline, name))
            for name in ("accuracy", "precision", "recall", "f1")
        ],
    )
    return "\n".join(
        [
            *_sources(result),
            layers,
            f"silver: {holes}",
            tests,
            "",
            f"{answer.resolution}: {answer.model} on {', '.join(answer.features)}",
            scores,
            evidence.sentence,
            "",
            f"latest, as of {prediction.as_of:%Y-%m-%d %H:%M} UTC, close {prediction.close:,.10g}: "
            f"P(up by {prediction.until:%Y-%m-%d %H:%M}) = {prediction.probability_up:.3f} "
            f"(base rate {prediction.base_rate_up:.3f}); signal {prediction.signal}",
            "",
            f"content hash: gold {result.gold_hash}, silver {result.silver_hash}",
            "time: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.seconds.items()),
        ]
    )


def _sources(result: RunResult) -> list[str]:
    if result.ingested is None:
        files, known = len(result.imported), sum(not one.is_new for one in result.imported)
        refused = [f"refused: {one.file}: {one.error}" for one in result.imported if one.error]
        return [f"{files} files imported, {known} of them known before", *refused]
    rows = []
    for venue in result.ingested.venues:
        tallies = venue.datasets.values()
        new, rows_new = sum(one.new for one in tallies), sum(one.rows for one in tallies)
        rows.append((venue.venue, venue.traffic.requests, new, rows_new, len(venue.failures) + venue.poison))
    return [table(("venue", "requests", "new batches", "rows", "without an answer"), rows), ""]


def _estimate(scores: ScoreSet, name: str) -> tuple[str, str]:
    estimate = getattr(scores, name)
    low, high = estimate.interval.low, estimate.interval.high
    return f"{estimate.value:.4f}", f"[{low:.4f}, {high:.4f}]"


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(run)
