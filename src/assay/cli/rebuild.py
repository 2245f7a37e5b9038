"""``assay rebuild``: the lake made anew from bronze, where the settings say it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assay.cli.lake import build_text
from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit

if TYPE_CHECKING:
    from assay.pipelines.rebuilding import RebuildResult

_DIFFER = (
    "the content differs from that of the home's own catalogue: that one was built from fewer batches or by other "
    "definitions"
)


def rebuild(context: typer.Context, as_json: AsJson = False) -> None:
    """Make silver and gold anew from bronze where the settings say, and bring there what the home itself holds."""
    from dataclasses import asdict  # noqa: PLC0415

    from assay.pipelines.rebuilding import rebuild as run_rebuild  # noqa: PLC0415
    from assay.pipelines.runs import noted  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with working("rebuilding") as say:
        workspace = open_workspace(options_of(context).settings(), say=say)
        with noted(workspace, "rebuild") as summary:
            result = run_rebuild(workspace)
            summary |= {"copied": result.copied, "content_hash": result.content_hash}
    emit(asdict(result) | {"is_same": result.is_same}, as_json=as_json, text=lambda: _text(result))


def _text(result: RebuildResult) -> str:
    lines = []
    if result.batches:
        lines.append(f"{result.batches:,} batches in the home's own bronze, {result.copied:,} of them copied")
    lines.append(build_text(result.built))
    if any(result.forecasts.values()):
        taken = ", ".join(f"{count:,} rows of {name}" for name, count in result.forecasts.items())
        lines.append(f"taken over: {taken}")
    same = {None: "", True: ", the same as before", False: f"; before it was {result.hash_before}"}[result.is_same]
    lines.append(f"content hash {result.content_hash}{same}")
    return "\n".join([*lines, _DIFFER] if result.is_same is False else lines)


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(rebuild)
