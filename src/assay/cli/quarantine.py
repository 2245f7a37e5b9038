"""``assay quarantine``: what was set aside, why, and another try at reading it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, printable, table

if TYPE_CHECKING:
    from assay.pipelines.retrying import Retried
    from assay.pipelines.workspace import Workspace
    from assay.selectors.quarantine import QuarantinedBatch, QuarantineDetail

commands = typer.Typer(help="What was set aside.", rich_markup_mode=None)
_ID, _CAUSE, _ROWS, _BODY = 12, 70, 20, 400


@commands.callback()
def quarantine() -> None:
    """Show and retry rows and answers that could not be used."""


@commands.command("list")
def list_(
    context: typer.Context,
    venue: Annotated[str, typer.Option(help="Only of this venue.")] = "",
    since: Annotated[str, typer.Option(help="Only what was received on this day or later.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many batches, the latest first; 0: all.", min=0)] = 20,
    as_json: AsJson = False,
) -> None:
    """List the batches of which something was set aside, the latest first."""
    from assay.domain.instrument import check_venue  # noqa: PLC0415
    from assay.domain.interval import parse_moment  # noqa: PLC0415
    from assay.selectors.quarantine import quarantine as select  # noqa: PLC0415

    day = parse_moment(since).date() if since else None
    with working("reading"):
        found = select(_workspace(context), venue=check_venue(venue) if venue else "", since=day, limit=limit)
    emit([one.to_dict() for one in found], as_json=as_json, text=lambda: _listed(found))


@commands.command()
def show(
    context: typer.Context,
    batch: Annotated[str, typer.Argument(help="The first digits of its id, at least six.")],
    as_json: AsJson = False,
) -> None:
    """Show what was set aside of one batch, with the causes and the body."""
    from assay.selectors.quarantine import quarantined  # noqa: PLC0415

    found = quarantined(_workspace(context), batch)
    document = {**found.batch.to_dict(), "quarantined": found.rows, "body": found.body}
    emit(document, as_json=as_json, text=lambda: _shown(found))


@commands.command()
def retry(
    context: typer.Context,
    batches: Annotated[list[str] | None, typer.Argument(help="Ids of batches, or their first digits.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are open.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read what was set aside again, with the parsers of today, and keep what can be used now."""
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.lake.quarantine import find_quarantined  # noqa: PLC0415
    from assay.pipelines.retrying import OPEN  # noqa: PLC0415
    from assay.pipelines.retrying import retry as read_again  # noqa: PLC0415
    from assay.selectors.quarantine import quarantine as select  # noqa: PLC0415

    if bool(batches) == everything:
        raise BadInputError("which batches", todo="name some, or give --all")
    with working("reading again"):
        workspace = _workspace(context)
        ids = batches or [one.batch_id for one in select(workspace, limit=0) if one.state == OPEN]
        found = [find_quarantined(workspace.home.bronze_store, one) for one in ids]
        done = [read_again(workspace, one) for one in found]
    emit(done, as_json=as_json, text=lambda: _retried(done))


def _workspace(context: typer.Context) -> Workspace:
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    return open_workspace(options_of(context).settings(), create=False)


def _listed(found: list[QuarantinedBatch]) -> str:
    if not found:
        return "nothing was set aside"
    rows = [
        (
            one.batch_id[:_ID],
            f"{one.known_at:%Y-%m-%d %H:%M:%S}",
            one.venue,
            one.endpoint,
            "all" if one.is_whole else one.rows,
            one.state,
            printable(one.cause)[:_CAUSE],
        )
        for one in found
    ]
    return table(("batch", "received", "venue", "endpoint", "rows", "state", "cause"), rows)


def _shown(found: QuarantineDetail) -> str:
    batch = found.batch
    asked = " ".join(f"{name}={text}" for name, text in sorted(batch.asked.items()))
    what = "the whole answer" if batch.is_whole else f"{batch.rows:,} rows"
    lines = [
        f"{batch.batch_id}: {what} set aside, {batch.state}",
        f"{batch.venue} {batch.endpoint} {printable(asked)}",
        f"received {batch.known_at:%Y-%m-%d %H:%M:%S} UTC",
        "",
        table(("row", "cause", "as received"), [(r["row_number"], r["cause"], r["raw"]) for r in found.rows[:_ROWS]]),
    ]
    if len(found.rows) > _ROWS:
        lines.append(f"and {len(found.rows) - _ROWS:,} more; --json has them all")
    rest = "" if len(found.body) <= _BODY else f" … and {len(found.body) - _BODY:,} more characters; --json has them"
    return "\n".join([*lines, "", f"body: {printable(found.body[:_BODY])}{rest}"])


def _retried(done: list[Retried]) -> str:
    if not done:
        return "nothing to read again"
    told = table(
        ("batch", "rows that can be used", "new batch", "cause"),
        [(one.batch_id[:_ID], one.rows, (one.new_batch_id or "-")[:_ID], printable(one.cause) or "-") for one in done],
    )
    return told + ("\nnext: assay build" if any(one.new_batch_id for one in done) else "")


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(commands, name="quarantine")
