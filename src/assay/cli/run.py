"""``assay run``: the main job, from what was recorded to a proven answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, table

if TYPE_CHECKING:
    from assay.evidence.direction import ScoreSet
    from assay.pipelines.running import RunResult


def run(
    context: typer.Context,
    recorded: Annotated[bool, typer.Option("--recorded", help="From recordings; the only source so far.")] = False,
    plan: Annotated[Path | None, typer.Option(help="Recordings plan; else the setting `recordings`.")] = None,
    symbol: Annotated[str, typer.Option(help="What to predict, in any spelling.")] = "BTC-USDT",
    interval: Annotated[str, typer.Option(help="Bars the model looks at.")] = "1h",
    since: Annotated[str, typer.Option(help="Use bars from here on only.")] = "",
    until: Annotated[str, typer.Option(help="Use bars before this only.")] = "",
    as_of: Annotated[str, typer.Option(help="Use only what was known at this moment.")] = "",
    as_json: AsJson = False,
) -> None:
    """Import, build, hold a model against its baseline, and predict."""
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.domain.interval import Interval, parse_moment  # noqa: PLC0415
    from assay.lake.reads import Span  # noqa: PLC0415
    from assay.pipelines.running import run_recorded  # noqa: PLC0415
    from assay.pipelines.runs import noted  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    if not recorded:
        raise BadInputError("say where the data comes from", todo="add --recorded")
    with working("running") as say:
        settings = options_of(context).settings()
        plan_file = plan or settings.recordings
        if plan_file is None:
            todo = "pass --plan, or set `recordings` to a recordings plan"
            raise BadInputError("there is no recordings plan", todo=todo)
        moments = [parse_moment(text) if text else None for text in (since, until, as_of)]
        span = Span(start=moments[0], end=moments[1], as_of=moments[2])
        Interval.parse(interval)
        workspace = open_workspace(settings, say=say)
        with noted(workspace, "run") as summary:
            result = run_recorded(workspace, plan_file, symbol, interval=interval, span=span)
            verdict = result.answer.evidence.verdict.value
            summary |= {"verdict": verdict, "gold_hash": result.gold_hash, "silver_hash": result.silver_hash}
    emit(result.to_dict(), as_json=as_json, text=lambda: _run_text(result))


def _run_text(result: RunResult) -> str:
    answer, gaps = result.answer, result.gaps
    evidence, prediction = answer.evidence, answer.prediction
    files = len(result.imported)
    known = sum(not one.is_new for one in result.imported)
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
    refused = [f"refused: {one.file}: {one.error}" for one in result.imported if one.error]
    return "\n".join(
        [
            f"{files} files imported, {known} of them known before",
            *refused,
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


def _estimate(scores: ScoreSet, name: str) -> tuple[str, str]:
    estimate = getattr(scores, name)
    low, high = estimate.interval.low, estimate.interval.high
    return f"{estimate.value:.4f}", f"[{low:.4f}, {high:.4f}]"


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(run)
