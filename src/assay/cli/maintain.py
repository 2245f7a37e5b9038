"""``assay maintain``: the housekeeping of a lake, while everything goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, table

if TYPE_CHECKING:
    from assay.pipelines.maintaining import MaintainResult


def maintain(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="Delete files among the tables' that the catalogue does not know as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put small files and batches together, let go of old states and leftovers, and free what is past its time."""
    from assay.pipelines.maintaining import maintain as run_maintain  # noqa: PLC0415
    from assay.pipelines.runs import noted  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with working("maintaining") as say:
        workspace = open_workspace(options_of(context).settings(), say=say, create=False)
        if dry_run:
            result = run_maintain(workspace, is_dry=True)
        else:
            with noted(workspace, "maintain") as summary:
                result = run_maintain(workspace, delete_orphans=orphans)
                summary |= {"merged": len(result.merged), "deleted_files": result.deleted_files}
    emit(result.to_dict(), as_json=as_json, text=lambda: _text(result))


def _text(result: MaintainResult) -> str:
    would = "would be " if result.is_dry else ""
    counts = [
        (f"tables whose files {would or 'were '}put together", len(result.merged)),
        (f"old states {would}let go", result.expired_snapshots),
        (f"files of the tables {would}deleted", result.deleted_files),
        (f"unfinished files {would}deleted", result.leftovers),
        (f"bodies past their time {would}deleted", result.bodies),
        (f"small batches of bronze {would or 'were '}put together", result.bronze.batches),
        (f"files of bronze that were put together {would}deleted", result.bronze.removed),
        ("files that the catalogue does not know", len(result.orphans)),
    ]
    rows = []
    uses = {"now": result.home["before"]} if result.is_dry else result.home
    for when, use in uses.items():
        tables = result.tables.get("before" if result.is_dry else when)
        told = (tables.files, tables.old_files, tables.snapshots, tables.statistics) if tables else ("",) * 4
        rows.append((when, f"{use.bytes / 1e6:,.1f} MB", use.files, *told))
    heading = ("", "home", "files in it", "of the tables", "of old states", "states", "statistics")
    lines = [f"{name}: {count:,}" for name, count in counts if count] or ["nothing to do"]
    lines += ["", table(heading, rows)]
    after = result.home["after"]
    if after.is_short:
        lines.append(f"the home takes {after.bytes / after.budget_bytes:.0%} of lake.disk_budget")
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(maintain)
