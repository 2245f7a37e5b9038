"""``assay export``: parts of the lake as files for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import counting
from assay.cli.render import emit, table

commands = typer.Typer(help="Files for other programs.", rich_markup_mode=None)


@commands.callback()
def export() -> None:
    """Write parts of the lake as files that other programs read."""


@commands.command()
def features(
    context: typer.Context,
    to: Annotated[str, typer.Option(help="A directory, or s3://bucket/prefix.")],
    since: Annotated[str, typer.Option(help="Only bars that closed in this hour (UTC) or later.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write features, targets and predictions as Parquet, a file an hour; only hours that have changed."""
    from dataclasses import asdict  # noqa: PLC0415

    from assay.domain.interval import parse_moment  # noqa: PLC0415
    from assay.pipelines.exporting import export_features  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    moment = parse_moment(since) if since else None
    with counting("hours written") as count:
        workspace = open_workspace(options_of(context).settings(), create=False)
        found = export_features(workspace, to, since=moment, on_written=lambda hours: count(hours, hours))
    columns = ("table", "hours", "written", "rows", "removed")
    rows = [(one.name, one.hours, one.written, one.rows, one.removed) for one in found]
    emit([asdict(one) for one in found], as_json=as_json, text=lambda: table(columns, rows))


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(commands, name="export")
