"""``assay build``, ``assay query`` and ``assay status``: the lake from the command line."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, AsOf, AvailableAt, moment_of, options_of
from assay.cli.progress import working
from assay.cli.render import emit, printable, table, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from assay.lake.build_tests import BuildTests, Row
    from assay.lake.disk import DiskUse
    from assay.pipelines.building import BuildResult
    from assay.pipelines.predicting import PredictResult
    from assay.selectors.outages import Outage
    from assay.selectors.status import LakeStatus

_TABLE_ROWS = 200
_OUTAGES, _CAUSE = 10, 60
_SAMPLE = 3


class Format(StrEnum):
    """How the rows of a query are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def build(
    context: typer.Context,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Make everything anew from bronze.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring silver and gold up to what bronze holds, past every quality test, and predict from it."""
    from dataclasses import asdict  # noqa: PLC0415

    from assay.pipelines.building import build as run_build  # noqa: PLC0415
    from assay.pipelines.predicting import predict  # noqa: PLC0415
    from assay.pipelines.runs import noted  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with working("building") as say:
        workspace = open_workspace(options_of(context).settings(), say=say, create=False)
        with noted(workspace, "build") as summary:
            result = run_build(workspace, full_refresh=full_refresh)
            summary |= {"new_batches": result.new_batches, "tests": len(result.tests)}
            predicted = predict(workspace)
    document = asdict(result) | {"predicted": asdict(predicted)}
    emit(document, as_json=as_json, text=f"{build_text(result)}\n{predicted_text(predicted)}".strip)


def build_text(result: BuildResult) -> str:
    """Return what a refresh did, as text."""
    if not result.tests:
        return "nothing new: silver and gold are up to date"
    total = sum(result.seconds.values())
    why = f" (full refresh: {result.reason})" if result.is_full_refresh else ""
    phases = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.seconds.items())
    return (
        f"{result.new_batches} new batches, {result.zones} zones computed{why} in {total:.1f} s ({phases})\n"
        f"{len(result.tests)} quality tests passed"
    )


def predicted_text(predicted: PredictResult) -> str:
    """Return what was foretold, as text; nothing if no series can be."""
    if not predicted.series:
        return ""
    verdicts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(predicted.verdicts.items()))
    abstained = f"; champions abstained {predicted.abstained} times" if predicted.abstained else ""
    return f"{predicted.series} hourly series: {verdicts}; {predicted.live} new predictions{abstained}"


def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help='One SELECT, such as "select * from gold.daily_crypto_metrics".')],
    as_of: AsOf = "",
    available_at: AvailableAt = "",
    format_: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """Run one read-only SELECT over bronze, silver and gold."""
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.query import query as select  # noqa: PLC0415

    then, available = moment_of(as_of), moment_of(available_at)
    with working("querying"):
        workspace = open_workspace(options_of(context).settings(), create=False)
        frame = select(workspace, sql, as_of=then, available_at=available)
    if as_json or format_ is Format.JSON:
        print(to_json(frame.to_dicts()))
    elif format_ is Format.CSV:
        _print_csv(frame)
    else:
        print(_frame_text(frame))


def _print_csv(frame: pl.DataFrame) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(frame.columns)
    for row in frame.iter_rows():
        writer.writerow([_csv_cell(value) for value in row])


def _csv_cell(value: object) -> object:
    if isinstance(value, float | int | str) or value is None:
        return value
    return json.loads(to_json(value)) if hasattr(value, "isoformat") else to_json(value)


def _frame_text(frame: pl.DataFrame) -> str:
    if not frame.width:
        return "no columns"
    shown = frame.head(_TABLE_ROWS)
    text = table(frame.columns, shown.iter_rows())
    hidden = frame.height - shown.height
    return text + (f"\n… {hidden:,} more rows; --format csv prints them all" if hidden else "")


def status(context: typer.Context, as_of: AsOf = "", available_at: AvailableAt = "", as_json: AsJson = False) -> None:
    """Show freshness, coverage, defects and the last runs."""
    from dataclasses import asdict  # noqa: PLC0415

    from assay.lake.build_tests import read_build_tests  # noqa: PLC0415
    from assay.lake.disk import disk_use  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.status import status as read_status  # noqa: PLC0415

    then, available = moment_of(as_of), moment_of(available_at)
    with _without_pandas(), working("reading"):
        workspace = open_workspace(options_of(context).settings(), create=False)
        found = read_status(workspace, as_of=then, available_at=available)
        disk = disk_use(workspace.home, int(workspace.settings.lake.disk_budget))
        tests = None if then or available else read_build_tests(workspace.home)
    document = found.to_dict() | {"disk": asdict(disk), "tests": tests and asdict(tests)}
    emit(document, as_json=as_json, text=lambda: _status_text(found) + _tests_text(tests) + _disk_text(disk))


@contextlib.contextmanager
def _without_pandas() -> Iterator[None]:
    """Keep DuckDB from importing pandas, which it does with the first value that it binds where pandas is installed.

    Nothing here is of pandas, and to import it takes longer than all the rest.
    """
    is_hidden = sys.modules.setdefault("pandas", None) is None  # type: ignore[arg-type]  # what the import system reads
    try:
        yield
    finally:
        if is_hidden:
            del sys.modules["pandas"]


def _tests_text(tests: BuildTests | None) -> str:
    """Name each quality test that found something, with the first of its rows; say nothing if none did."""
    wrong = [*tests.failed, *tests.warned] if tests else []
    if not tests or not wrong:
        return ""
    heading = ("quality test", "of", "status", "rows", "what is wrong")
    rows = [(one.name, one.table, one.status, one.failures, one.message[:_CAUSE]) for one in wrong]
    built = f"{tests.built_at:%Y-%m-%d %H:%M:%S}"
    lines = [f"\n\nof {tests.test_count} quality tests of the build at {built} UTC:", table(heading, rows)]
    for one in wrong:
        if one.sample:
            lines += ["", f"{one.name}, rows 1 to {len(one.sample[:_SAMPLE])} of {one.failures:,}:"]
            lines += [_sample_row(row) for row in one.sample[:_SAMPLE]]
    return "\n".join(lines)


def _sample_row(row: Row) -> str:
    said = (f"{name}={value}" for name, value in row.items() if value is not None)
    return "  " + printable(" ".join(said))


def _disk_text(disk: DiskUse) -> str:
    if not disk.is_short:
        return ""
    what = "nothing is fetched or imported: run `assay maintain`" if disk.is_over else "`assay maintain` may free some"
    return f"\n\ndisk      {disk.bytes / disk.budget_bytes:.0%} of lake.disk_budget; {what}"


def _status_text(found: LakeStatus) -> str:
    lines = [
        f"home      {found.home}" + (f": {found.origin}" if found.origin else ""),
        *_moments(found),
        f"batches   {found.batches:,} in the lake",
    ]
    if found.is_being_written:
        lines.append("          another command is writing to the lake now; what it makes shows when it is done")
    elif found.unpublished_batches or found.unseen_files:
        lines.append("          there are batches that are not built yet: run `assay build`")
    elif not found.is_built:
        lines.append("silver    not built yet: run `assay ingest` or `assay import`, then `assay build`")
    if found.series:
        columns = ("series", "bars", "from", "to", "coverage", "holes", "missing", "open", "outliers", "restated")
        rows = [
            (
                f"{one.venue}:{one.market}:{one.symbol}:{one.interval}",
                one.bars,
                f"{one.first_open_time:%Y-%m-%d}",
                f"{one.last_open_time:%Y-%m-%d %H:%M}",
                f"{100 * one.coverage:.2f} %",
                one.holes,
                one.missing_bars,
                one.provisional_bars,
                one.outliers,
                one.restated_bars,
            )
            for one in found.series
        ]
        lines += ["", table(columns, rows)]
    if found.sources:
        answers = [(one.venue, one.dataset, one.batches, f"{one.known_at:%Y-%m-%d %H:%M:%S}") for one in found.sources]
        lines += ["", table(("venue", "dataset", "batches", "last received (UTC)"), answers)]
    for title, tally in (("defects", found.defects), ("quarantined", found.quarantined)):
        if tally:
            lines += ["", f"{title}: " + ", ".join(f"{name} {count:,}" for name, count in tally.items())]
    if found.outages:
        heading = ("venue without an answer", "from (UTC)", "until", "questions", "endpoints", "cause")
        lines += ["", table(heading, map(_outage, found.outages[:_OUTAGES]))]
        if len(found.outages) > _OUTAGES:
            lines.append(f"and {len(found.outages) - _OUTAGES} before them; --json has the last 30 days")
    if found.runs:
        runs = [
            (run["started_at"], run["command"], run["status"], run["seconds"], run.get("error")) for run in found.runs
        ]
        lines += ["", table(("run at (UTC)", "command", "status", "seconds", "error"), runs)]
    return "\n".join(lines)


def _moments(found: LakeStatus) -> list[str]:
    said = []
    if found.as_of:
        said.append(f"as of     {found.as_of:%Y-%m-%d %H:%M:%S} UTC: what had been received by then")
    if found.available_at:
        what = "what a system that ran then would have had"
        said.append(f"available {found.available_at:%Y-%m-%d %H:%M:%S} UTC: {what}")
    return said


def _outage(one: Outage) -> tuple[object, ...]:
    until = f"{one.end:%Y-%m-%d %H:%M}" if one.end else "not yet"
    return one.venue, f"{one.start:%Y-%m-%d %H:%M}", until, one.questions, ", ".join(one.endpoints), one.cause[:_CAUSE]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(build)
    app.command()(query)
    app.command()(status)
