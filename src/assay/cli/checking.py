"""``assay features check``: whether indicators of one's own hold what every indicator has to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, printable, table

if TYPE_CHECKING:
    from assay.selectors.step_check import CheckResult, ExampleBars, FileCheck, StepCheck

_BROKEN = 1
_MOST_ROWS = 12


def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file with indicators of your own; its code runs.")],
    seed: Annotated[int, typer.Option(help="Of the random bars: the same seed gives the same.", min=0)] = 0,
    cases: Annotated[int, typer.Option(help="Random stretches of bars to try.", min=0, max=10_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """Hold the indicators of a file against the contract; ends with 1 if a check does not hold."""
    from contextlib import ExitStack  # noqa: PLC0415
    from tempfile import TemporaryDirectory  # noqa: PLC0415

    from assay.domain.errors import HomeError  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.step_check import check_file  # noqa: PLC0415

    settings = options_of(context).settings()
    with ExitStack() as stack, working("checking"):
        try:
            cache = open_workspace(settings, create=False).home.cache / "numba"
        except HomeError:  # a file can be checked before there is any data
            cache = Path(stack.enter_context(TemporaryDirectory()))
        found = check_file(file, seed=seed, cases=cases, cache=cache)
    emit(found.to_dict(), as_json=as_json, text=lambda: _text(found))
    if not found.passed:
        raise typer.Exit(_BROKEN)


def _text(found: FileCheck) -> str:
    return "\n\n".join([f"file     {printable(found.file)}", *(_step(one) for one in found.steps)])


def _step(one: StepCheck) -> str:
    lines = [f"step     {one.identity}", f"tried    {'; '.join(one.checked_as)}, on {one.cases} stretches of bars"]
    for check in one.checks:
        lines += [f"passed   {check.check}"] if check.passed else _failed(check)
    if one.batch_ns is not None:
        exact = (
            "a value depends on more than 4,000 bars" if one.history is None else f"exact after {one.history:,} bars"
        )
        lines.append(f"history  {exact} (a fresh start gives the same to 1e-9, on a random walk)")
        lines.append(f"speed    {one.batch_ns:,.1f} ns a bar in a batch, {one.stream_us:,.1f} µs a bar in a stream")
    failed = sum(not check.passed for check in one.checks)
    lines.append(f"{one.name}: " + ("all checks hold" if not failed else f"{failed} of {len(one.checks)} do not hold"))
    return "\n".join(lines)


def _failed(check: CheckResult) -> list[str]:
    lines = [f"FAILED   {check.check}", f"         {printable(check.broken)}"]
    lines.append(f"         with {printable(check.step.partition('#')[0])}")
    if check.example is not None:
        lines += [f"         {line}" for line in _bars(check.example)]
    return lines


def _bars(example: ExampleBars) -> list[str]:
    count = len(example.open_time)
    cuts = f", cut before row {', '.join(map(str, example.cuts))}" if example.cuts else ""
    told = [name for name, values in example.columns.items() if name in example.inputs or set(values) != {1.0}]
    names = told or ["close"]
    rows = [
        (row, example.open_time[row][:16], *(f"{example.columns[name][row]:.10g}" for name in names))
        for row in range(min(count, _MOST_ROWS))
    ]
    shown = table(("row", "open_time", *names), rows).splitlines()
    more = [f"... and {count - _MOST_ROWS} more: --json has all of them"] if count > _MOST_ROWS else []
    return [f"the smallest bars found that break it ({count} {'row' if count == 1 else 'rows'}{cuts}):", *shown, *more]


def add_to(commands: typer.Typer) -> None:
    """Add this command to the group."""
    commands.command("check")(check)
