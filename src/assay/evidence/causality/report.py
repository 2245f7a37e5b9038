"""Audits as one page of HTML that opens anywhere: no address, no script, both themes, and a picture of every leak.

>>> audit = Audit("features.py:rsi", (Check("truncation", "data cut at moments", 100, 100, True),), ())
>>> page = report_html([audit])
>>> page.startswith("<!doctype html>"), "no look into the future was found" in page, "://" in page
(True, True, False)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from html import escape

from assay.evidence.causality.certificate import Certificate
from assay.evidence.causality.findings import Audit, Check, Evidence, Finding
from assay.evidence.causality.picture import picture, row_at, shown_time, shown_value
from assay.evidence.html_page import html_facts, html_page

_ROWS_SHOWN = 24
_STYLE = """
.finding { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--after);
  border-radius: 4px; padding: 0.8rem 1rem; margin: 0.8rem 0; }
summary { cursor: pointer; } tr.row td { font-weight: 700; }
svg.leak { width: 100%; min-width: 34rem; height: auto; margin: 0.6rem 0; }
svg text.strong { fill: var(--after); font-weight: 600; }
.future { fill: var(--future); } .cut { stroke: var(--after); stroke-dasharray: 4 3; }
polyline { fill: none; stroke-width: 2; } polyline.before, line.before { stroke: var(--before); stroke-width: 2; }
polyline.after, line.after { stroke: var(--after); stroke-width: 2; stroke-dasharray: 6 3; }
circle.before { fill: var(--before); } circle.after { fill: none; stroke: var(--after); stroke-width: 1.5; }
circle.row { stroke-width: 2.5; } .moved, .reach { stroke: var(--after); stroke-width: 2; fill: none; }
"""


def report_html(audits: Sequence[Audit]) -> str:
    """Return audits as a page of HTML.

    Parameters
    ----------
    audits : sequence of Audit
        Shown in this order, those that found something before the others.

    Returns
    -------
    str
        A whole document. It names nothing outside itself, runs nothing, and every name in it is escaped.
    """
    found = [audit for audit in audits if not audit.is_causal]
    ordered = [*found, *(audit for audit in audits if audit.is_causal)]
    said = (
        f'<p class="verdict bad">{_summary(found, len(audits))}</p>'
        if found
        else f'<p class="verdict good">{_count(len(audits), "subject")}: no look into the future was found.</p>'
    )
    body = "".join(part for at, audit in enumerate(ordered) for part in _audit(audit, at))
    contents = _contents(ordered) if len(ordered) > 1 else ""
    body = f"<h1>Causality audit</h1>{said}{contents}{body}"
    return html_page("Causality audit", body, style=_STYLE)


def _summary(found: Sequence[Audit], count: int) -> str:
    seeing = [audit for audit in found if audit.sees_future]
    leaks = sum(len(audit.findings) for audit in seeing)
    parts = [f"{len(seeing)} of {count} see the future: {_count(leaks, 'leak')}."] if seeing else []
    unsteady = len(found) - len(seeing)
    return " ".join([*parts, *([f"{unsteady} of {count} not proven: no two calls agree."] if unsteady else [])])


def _contents(audits: Sequence[Audit]) -> str:
    rows = "".join(
        f'<tr><td><a href="#audit-{at}">{escape(audit.subject)}</a></td>'
        f"<td>{escape(', '.join(sorted({str(one.kind) for one in audit.findings})) or 'nothing found')}</td></tr>"
        for at, audit in enumerate(audits)
    )
    head = '<tr><th scope="col">subject</th><th scope="col">found</th></tr>'
    return f'<div class="scrolls"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def _audit(audit: Audit, place: int) -> Iterator[str]:
    yield f'<section id="audit-{place}"><h2>{escape(audit.subject)}</h2>'
    yield f'<p class="verdict {"good" if audit.is_causal else "bad"}">{escape(audit.verdict)}</p>'
    for finding in audit.findings:
        yield from _finding(finding)
    yield _checks(audit.checks)
    if audit.certificate:
        yield _certificate(audit.certificate)
    yield "</section>"


def _finding(finding: Finding) -> Iterator[str]:
    where = f" in <code>{escape(finding.column)}</code>" if finding.column else ""
    yield f'<article class="finding"><h3><code>{escape(str(finding.kind))}</code>{where}</h3>'
    yield f"<p>{escape(_sentence(finding.cause))}</p>"
    yield html_facts(_facts(finding))
    drawn = picture(finding)
    if drawn:
        yield f'<div class="scrolls">{drawn}</div>'
    if finding.evidence and finding.evidence.times:
        yield _values(finding, finding.evidence)
    yield f"<p><strong>What to do:</strong> {escape(_sentence(finding.todo))}</p></article>"


def _both_values(finding: Finding) -> str:
    is_repeated = finding.evidence is not None and finding.evidence.probe == "repeated"
    first, second = ("in the first call", "in the second") if is_repeated else ("with what was known", "in hindsight")
    return f"{shown_value(finding.before)} {first}, {shown_value(finding.after)} {second}"


def _facts(finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield what is known of the leak, by name."""
    if finding.row is not None:
        when = f", {finding.time:%Y-%m-%d %H:%M:%S} UTC" if finding.time else ""
        yield "row", f"{finding.row:,}{f' of {finding.series}' if finding.series else ''}{when}"
        if finding.before is not None or finding.after is not None:
            yield "value", _both_values(finding)
    if finding.lag is not None:
        yield "looks ahead", _count(finding.lag, "bar")
    seen = finding.evidence
    if seen is None:
        return
    if seen.reads:
        yield "reads", ", ".join(seen.reads)
    if seen.checked:
        yield "rows", f"{seen.leaking:,} leak, of {seen.checked:,} that were checked"
    yield "shown by", f"{seen.probe}{f', data cut at {shown_time(seen.cut)} UTC' if seen.cut is not None else ''}"


def _values(finding: Finding, seen: Evidence) -> str:
    """Return the values of the picture as a table: the rows nearest to the one that leaks."""
    at = row_at(finding, seen)
    first = max(0, (at or 0) - _ROWS_SHOWN // 2)
    rows = list(itertools.zip_longest(seen.times, seen.without, seen.with_future, fillvalue=math.nan))
    body = "".join(
        f"<tr{' class=row' if place == at else ''}><td>{shown_time(int(moment))}</td>"
        f'<td class="number">{shown_value(before)}</td><td class="number">{shown_value(after)}</td></tr>'
        for place, (moment, before, after) in enumerate(rows[first : first + _ROWS_SHOWN], first)
    )
    head = (
        '<tr><th scope="col">known at (UTC)</th><th scope="col" class="number">with what was known</th>'
        '<th scope="col" class="number">in hindsight</th></tr>'
    )
    table = f'<div class="scrolls"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'
    return f"<details><summary>Values around the row</summary>{table}</details>"


def _checks(checks: Sequence[Check]) -> str:
    rows = "".join(
        f'<tr><td>{escape(one.name)}</td><td class="{"good" if one.is_passed else "bad"}">'
        f'{one.outcome}</td><td class="number">{one.checked:,} of {one.rows:,}</td>'
        f"<td>{escape(one.what)}</td></tr>"
        for one in checks
    )
    names = (("check", ""), ("result", ""), ("rows", ' class="number"'), ("what was done", ""))
    head = "".join(f'<th scope="col"{kind}>{name}</th>' for name, kind in names)
    return f'<div class="scrolls"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _certificate(certificate: Certificate) -> str:
    facts = (
        ("certificate", certificate.content_hash),
        ("code", certificate.code_hash),
        ("configuration", certificate.config_hash),
        ("data", certificate.data_version),
        ("checks", ", ".join(certificate.checks)),
        ("rows covered", f"{100 * certificate.density:.1f} % by the thinnest check"),
        ("made at", f"{certificate.made_at:%Y-%m-%d %H:%M:%S} UTC" if certificate.made_at else ""),
    )
    return html_facts(facts)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
