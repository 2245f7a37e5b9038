"""``assay backup`` and ``assay restore``: a home kept elsewhere, and made from there again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit

if TYPE_CHECKING:
    from assay.pipelines.backing_up import BackupResult, RestoreResult

_TOLD_EVERY = 100


def backup(
    context: typer.Context,
    to: Annotated[str, typer.Argument(help="A directory outside of the home, or s3://bucket/prefix.")],
    as_json: AsJson = False,
) -> None:
    """Back the home up while everything goes on; only what is new there is written."""
    from dataclasses import asdict  # noqa: PLC0415

    from assay.pipelines.backing_up import back_up  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with working("backing up") as say:
        workspace = open_workspace(options_of(context).settings(), say=say, create=False)
        result = back_up(workspace, to, progress=_counted(say, "backing up"))
    emit(asdict(result), as_json=as_json, text=lambda: _backup_text(result, to))


def restore(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help="Where the backup is.")],
    at: Annotated[str, typer.Option("--at", help="Another backup than the latest, such as 20260601T120000Z.")] = "",
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make silver and gold from bronze instead of taking them over.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the home from a backup, whole or not at all; it must not be there yet."""
    from dataclasses import asdict  # noqa: PLC0415

    from assay.pipelines.backing_up import restore as run_restore  # noqa: PLC0415

    with working("restoring") as say:
        settings = options_of(context).settings()
        result = run_restore(settings, source, at=at, rebuild=rebuild, progress=_counted(say, "restoring"), say=say)
    emit(asdict(result), as_json=as_json, text=lambda: _restore_text(result))


def _counted(say: Callable[[str], None], doing: str) -> Callable[[int, int], None]:
    done = 0

    def progress(more_done: int, _more_to_do: int) -> None:
        nonlocal done
        done += more_done
        if done % _TOLD_EVERY == 0:
            say(f"{doing}, {done:,} files")

    return progress


def _backup_text(result: BackupResult, to: str) -> str:
    return (
        f"backup {result.name} in {to}: {result.files:,} files, {result.bytes / 1e6:,.1f} MB\n"
        f"{result.new_files:,} of them written, {result.new_bytes / 1e6:,.1f} MB; the rest was there"
    )


def _restore_text(result: RestoreResult) -> str:
    lines = [
        f"{result.home}: backup {result.name}, {result.files:,} files, {result.bytes / 1e6:,.1f} MB, each as it was"
    ]
    if result.content_hash:
        how = "made from bronze" if result.is_rebuilt else "taken over"
        lines.append(f"silver and gold {how}, content hash {result.content_hash}")
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(backup)
    app.command()(restore)
