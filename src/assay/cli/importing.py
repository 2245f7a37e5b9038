"""``assay import``: recordings of klines into bronze."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, printable, table

if TYPE_CHECKING:
    from assay.pipelines.importing import Imported

_COUNTS = (
    "rows_read", "accepted", "identical_duplicates", "restated", "provisional", "off_grid", "quarantined",
)  # fmt: skip


def import_(
    context: typer.Context,
    path: Annotated[str, typer.Argument(help="A file, or a folder of them: CSV, CSV.gz, Parquet.")] = "",
    venue: Annotated[str, typer.Option(help="Where the bars come from, like binance; any name.")] = "",
    symbol: Annotated[str, typer.Option(help="BASE-QUOTE; else the symbol column or the file's name says it.")] = "",
    interval: Annotated[str, typer.Option(help="Length of the bars: 1s to 1M.")] = "",
    market: Annotated[str, typer.Option(help="spot or usdm.")] = "spot",
    columns: Annotated[str, typer.Option(help="name=column,… where the file's names do not say it.")] = "",
    recorded_at: Annotated[str, typer.Option(help="When the file was fetched; shows that its last bar is done.")] = "",
    plan: Annotated[Path | None, typer.Option(help="A recordings plan (YAML) instead of a path.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import recordings of klines. The same file again changes nothing."""
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.domain.interval import parse_moment  # noqa: PLC0415
    from assay.pipelines.plans import Plan, PlannedImport, import_plan, read_plan  # noqa: PLC0415
    from assay.pipelines.runs import noted  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with working("importing") as say:
        if plan is not None:
            planned = read_plan(plan)
        else:
            for name, value in (("PATH", path), ("--venue", venue), ("--interval", interval)):
                if not value:
                    raise BadInputError(f"{name} is missing", todo="give PATH, --venue and --interval, or --plan")
            one = PlannedImport(
                path=Path(path),  # not Path at once: that would read an empty variable as the current folder
                venue=venue,
                interval=interval,
                market=market,
                symbol=symbol or None,
                columns=_column_map(columns),
                recorded_at=parse_moment(recorded_at) if recorded_at else None,
            )
            one.spec()  # what is wrong with the words is said before a home is made
            planned = Plan(root=Path(), imports=[one])
        workspace = open_workspace(options_of(context).settings(), say=say)
        with noted(workspace, "import") as summary:
            results = list(import_plan(workspace, planned))
            summary["files"] = len(results)
            summary["refused"] = sum(one.error is not None for one in results)
    emit({"imported": [one.to_dict() for one in results]}, as_json=as_json, text=lambda: imported_text(results))
    refused = sum(one.error is not None for one in results)
    if refused:
        others = "; the others were imported" if refused < len(results) else ""
        print(f"assay: error: {refused} of {len(results)} files refused{others}", file=sys.stderr)
        raise typer.Exit(2)


def _column_map(text: str) -> dict[str, str]:
    from assay.domain.errors import BadInputError  # noqa: PLC0415

    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    for name, equals, column in pairs:
        if not (name.strip() and equals and column.strip()):
            todo = "write name=column,… such as open_time=ts,volume=vol"
            raise BadInputError("not a column map", value=text, todo=todo)
    names = [name.strip() for name, _, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise BadInputError("a column is mapped twice", value=twice, todo="keep one of the two")
    return {name.strip(): column.strip() for name, _, column in pairs}


def imported_text(results: list[Imported]) -> str:
    """Return what became of the files, as text."""
    done = [one for one in results if one.report is not None]
    rows = [
        (Path(one.file).name, *(getattr(one.report, name) for name in _COUNTS), "new" if one.is_new else "known")
        for one in done
    ]
    lines: list[str] = []
    for one in done:
        assert one.report is not None
        shown = one.report.notes if len(done) == 1 else ()
        lines += [f"  {note}" for note in shown]
        lines += [f"  quarantined: {Path(one.file).name}, row {row:,}: {cause}" for row, cause in one.quarantined]
        more = one.report.quarantined - len(one.quarantined)
        lines += [f"  and {more:,} more; after a build, see silver.quarantined_rows"] if more else []
    lines += [f"refused: {one.file}: {one.error}" for one in results if one.error]
    known = sum(not one.is_new for one in done)
    if known:
        lines.append(f"{known} of {len(done)} had been imported before; nothing was changed for them")
    if any(one.is_new for one in done):
        lines.append("next: assay build")
    tables = [table(("file", *_COUNTS, "batch"), rows)] if rows else []
    return "\n".join([*tables, *map(printable, lines)])


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("import")(import_)
