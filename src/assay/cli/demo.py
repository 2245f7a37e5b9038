"""``assay demo``: a simulated market from nothing to a site; ``assay follow``: such a home kept up with its clock."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.failure import after_the_document
from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.pipelines.demoing import DemoResult, Verdict
    from assay.pipelines.following import Followed
    from assay.pipelines.workspace import Workspace
    from assay.server import Listener
    from assay.settings import Settings

_MARTINGALE = (
    'Its log-price is a martingale: nothing in the past says where it goes, so "no skill" is the right answer.'
)


def demo(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="Which market; one seed is one market.", min=0)] = 0,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop before the site.")] = False,
    port: Annotated[int | None, typer.Option(help="Port of the site; 0 takes a free one.", min=0, max=65535)] = None,
    as_json: AsJson = False,
) -> None:
    """Fill a home from a simulated market, build, predict, and show it all as a site that goes on living."""
    from assay.pipelines.demoing import DemoPlan, demo, prepare, set_going  # noqa: PLC0415
    from assay.pipelines.runs import exclusive  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    settings = _settings(context, port)
    with working("starting the demo") as say:
        # Before the long work: a port that is taken would spoil it.
        listener = None if no_serve else _listen(settings)
        workspace, plan = prepare(open_workspace(settings, say=say), DemoPlan(seed))
        with exclusive(workspace, timeout_s=settings.lake.lock_timeout_s):
            result = demo(workspace, plan, progress=_counted(say), is_beside=True)
    document = asdict(result) | ({} if listener is None else {"url": listener.url})
    emit(document, as_json=as_json, text=lambda: demo_text(result))
    sys.stdout.flush()
    if listener is not None:
        with after_the_document(as_json=as_json):
            _serve(context, set_going(workspace), listener)


def follow(
    context: typer.Context,
    minutes: Annotated[int, typer.Option(help="Stop after so many; 0 never stops.", min=0)] = 0,
    while_stdin: Annotated[bool, typer.Option("--while-stdin", help="Stop when standard input ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep a demo home up with its clock: every minute, what is new is fetched, built and predicted from."""
    from assay.cli.beside import end_with, stay_below  # noqa: PLC0415
    from assay.pipelines.following import follow as run_follow  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    if while_stdin:  # beside another command, which goes first
        end_with(sys.stdin.fileno())
        stay_below()
    workspace = open_workspace(_settings(context), create=False)
    if while_stdin:
        _backtest(workspace)
    notes: list[Followed] = []

    def tell(one: Followed) -> None:
        notes.append(one)
        del notes[:-1_000]
        print(_line(one), file=sys.stderr if as_json else sys.stdout, flush=True)

    count = run_follow(workspace, slots=minutes, tell=tell)
    document = {"minutes": count, "runs": [asdict(one) for one in notes]}
    emit(document, as_json=as_json, text=lambda: f"{count} minutes")


def _backtest(workspace: Workspace) -> None:
    """Make the first backtest of a demo home; one that fails keeps nothing else from going on."""
    from assay.domain.errors import AssayError  # noqa: PLC0415
    from assay.pipelines.demo_backtest import backtest_of_demo  # noqa: PLC0415
    from assay.pipelines.demoing import in_its_time, read_plan  # noqa: PLC0415

    if read_plan(workspace.home) is None:  # which the following says
        return
    try:
        backtest_of_demo(in_its_time(workspace))
    except AssayError as error:
        print(f"no backtest was made: {error}", file=sys.stderr, flush=True)


def _settings(context: typer.Context, port: int | None = None) -> Settings:
    """Return the settings; the demo has a home of its own, unless one is named."""
    settings = options_of(context).settings(serve__port=port)
    if settings.is_default("home"):
        return settings.model_copy(update={"home": settings.home.with_name(".assay-demo")})
    return settings


def _listen(settings: Settings) -> Listener:
    from assay.server import listen  # noqa: PLC0415

    return listen(settings.serve)


def _serve(context: typer.Context, workspace: Workspace, listener: Listener) -> None:
    from assay.cli.beside import beside  # noqa: PLC0415
    from assay.server import serve  # noqa: PLC0415

    def say(url: str) -> None:
        print(f"\n{url}\nA new minute arrives every minute. Ctrl-C ends it.", file=sys.stderr, flush=True)

    options = options_of(context)
    file = () if options.settings_file is None else ("--settings", str(options.settings_file))
    words = ("--home", str(workspace.home.root), *file, "follow", "--while-stdin")
    with beside(words, complaints=workspace.home.runs / "follow.log"):
        serve(workspace, listener=listener, on_ready=say)


def _counted(say: Callable[[str], None]) -> Callable[[int, int], None]:
    done = total = 0

    def progress(more_done: int, more_to_do: int) -> None:
        nonlocal done, total
        done, total = done + more_done, total + more_to_do
        say(f"fetching from the simulated venues, {done} of {total} questions")

    return progress


def demo_text(result: DemoResult) -> str:
    """Return what a demo home holds, as text."""
    scored = [_scores(one) for one in result.verdicts if one.accuracy is not None]
    columns = ("24 h direction of", "right", "95 % interval", "base rate", "difference in points", "verdict")
    tally = sorted(result.predicted.verdicts.items())
    verdicts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in tally)
    polled = ", ".join(
        f"{count:,} {name}"
        for name, count in (("coins", result.coins), ("tickers", result.tickers), ("order books", result.order_books))
    )
    done = f"{result.questions:,} questions asked" if result.questions else "nothing new to ask"
    done += f", {result.tests} quality tests passed" if result.tests else ", nothing new to build"
    return "\n".join(
        [
            f"a simulated market ({result.market}) at {result.as_of:%Y-%m-%d %H:%M:%S} UTC, its own time",
            f"home: {result.home}",
            f"{result.bars:,} bars of {result.series} series, {result.missing_bars:,} missing; {polled}",
            done,
            "",
            *([table(columns, scored), ""] if scored else []),
            f"verdicts: {verdicts or 'none'}",
            _MARTINGALE,
            "",
            f"content hash: {result.content_hash}",
            "time: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.seconds.items()),
        ]
    )


def _scores(one: Verdict) -> tuple[str, ...]:
    def percent(value: float | None) -> str:
        return "" if value is None else f"{100 * value:.1f}"

    def points(value: float | None) -> str:
        return "" if value is None else f"{round(100 * value, 1) + 0.0:+.1f}"

    return (
        one.series.rsplit(":", 1)[0],
        f"{percent(one.accuracy)} %",
        f"[{percent(one.accuracy_low)}, {percent(one.accuracy_high)}]",
        f"{percent(one.base_rate_accuracy)} %",
        f"{points(one.difference)} [{points(one.difference_low)}, {points(one.difference_high)}]",
        one.verdict.replace("_", " "),
    )


def _line(one: Followed) -> str:
    begin = f"{one.slot:%Y-%m-%d %H:%M} UTC  "
    if one.error:
        return f"{begin}failed: {one.error}"
    return f"{begin}{one.new_batches} new batches, {one.predictions} predictions, {one.seconds:.1f} s"


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(demo)
    app.command()(follow)
