"""``assay audit``: whether a computation sees the future."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assay.cli.options import AsJson, AsOf, AvailableAt, moment_of, options_of
from assay.cli.progress import working
from assay.cli.render import emit
from assay.cli.saving import Saved, about_to_save

if TYPE_CHECKING:
    from assay.evidence.causality import Audit

_LEAKS = 4
"""Exit code where the future is seen: none of those that an error has."""


def audit(
    context: typer.Context,
    subject: Annotated[
        str, typer.Argument(help="rsi:14, technical, direction_24h, FILE.py:function, FILE.sql, FILE.parquet, all.")
    ],
    label: Annotated[str, typer.Option(help="Hold a feature set against this label, as in a training table.")] = "",
    symbol: Annotated[str, typer.Option(help="On bars of this series; made-up bars if left out.")] = "",
    interval: Annotated[str, typer.Option(help="Length of the bars: 1s to 1M.")] = "1h",
    since: Annotated[str, typer.Option(help="Bars that open then or later.")] = "",
    until: Annotated[str, typer.Option(help="No bar that opens then or later.")] = "",
    as_of: AsOf = "",
    available_at: AvailableAt = "",
    bars: Annotated[Path | None, typer.Option(help="On bars of this file: .parquet or .csv.")] = None,
    target: Annotated[str, typer.Option(help="The column that is the label: it may look ahead.")] = "",
    known_at: Annotated[str, typer.Option(help="The column that says from when on a row may be used.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Cut after every moment, not at some.")] = False,
    seed: Annotated[int, typer.Option(help="Of the values that stand in for the future.")] = 0,
    report: Annotated[Path | None, typer.Option(help="Write a page with pictures to this file: .html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look for the future in an indicator, a set, a label, a table, a function or a SQL model; exit 4 if it is in."""
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.lake.reads import Span  # noqa: PLC0415
    from assay.lake.storage import write_atomically  # noqa: PLC0415
    from assay.pipelines.auditing import AuditRequest, audit_named  # noqa: PLC0415

    if report and report.suffix != ".html":
        raise BadInputError("unknown kind of report", value=report, todo="end its name in .html")
    if seed < 0:
        raise BadInputError("not a seed", value=seed, todo="give a whole number from 0")
    span = Span(moment_of(since), moment_of(until), moment_of(as_of), moment_of(available_at))
    density: Literal["sampled", "full"] = "full" if full else "sampled"
    options = {"bars": bars, "target": target, "known_at": known_at, "seed": seed}
    request = AuditRequest(subject, label, symbol, interval, span, density=density, **options)  # type: ignore[arg-type]
    with working("auditing"):
        found = audit_named(options_of(context).settings(), request)
    document: dict[str, object] = {
        "is_causal": all(one.is_causal for one in found),
        "audits": [one.about() for one in found],
    }
    saved = None
    if report:
        from assay.evidence.causality.report import report_html  # noqa: PLC0415

        saved = about_to_save(report)
        write_atomically(report, report_html(found).encode())
        document["file"] = str(report)
    emit(document, as_json=as_json, text=lambda: _text(found, saved))
    if not document["is_causal"]:
        raise typer.Exit(_LEAKS)


def _text(found: list[Audit], saved: Saved | None) -> str:
    from assay.cli.render import table  # noqa: PLC0415

    lines = [one.text() for one in found if not one.is_causal or len(found) == 1]
    if len(found) > 1:
        rows = [(one.subject, _verdict(one), _density(one), _hash(one)) for one in found]
        lines.insert(0, table(("subject", "verdict", "rows covered", "certificate"), rows))
    return "\n".join([*lines, *([str(saved)] if saved else [])])


def _verdict(one: Audit) -> str:
    if one.is_causal:
        return "no future found"
    return "SEES THE FUTURE" if one.sees_future else "NOT PROVEN"


def _density(one: Audit) -> str:
    return f"{max(check.density for check in one.checks if check.name not in _WHOLE):.0%}" if _covering(one) else "-"


_WHOLE = ("repeated", "span", "target")
"""Checks that look at all rows at once, and say nothing of how densely the future was taken away."""


def _covering(one: Audit) -> bool:
    return any(check.name not in _WHOLE for check in one.checks)


def _hash(one: Audit) -> str | None:
    return one.certificate.content_hash if one.certificate else None


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("audit")(audit)
