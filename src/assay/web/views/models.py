"""The page of one model: what it is, what it is worth, from what it learned, and who made it champion when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.http import HttpRequest, HttpResponse

from assay.selectors.model_card import card_of
from assay.selectors.model_evidence import PeriodPart, scores_of
from assay.selectors.models import model as select
from assay.web.configure import workspace
from assay.web.figures import reach_of
from assay.web.views.page import page, show
from assay.web.views.predictions import evidence_context


@page
def model(request: HttpRequest, version: str) -> HttpResponse:
    """Show one registered model, named by its version or how that begins."""
    found = select(workspace(), version, as_of=request.as_of)
    brief, paper = found.brief, found.paper
    evidence = paper.get("evidence")
    document = evidence if isinstance(evidence, Mapping) else {}
    periods = scores_of(document)
    context = {
        "found": found,
        "one": brief,
        "reach": reach_of([brief.skill_evidence.difference] if brief.skill_evidence else []),
        "parameters": _parameters(paper.get("parameters")),
        "columns": _columns(paper.get("parameters")),
        "requirements": paper.get("requirements"),
        "certificate": paper.get("certificate"),
        "evidence": document,
        "periods": periods,
        "scores": [(name, [part.scores.get(name) for part in periods]) for name in _names(periods)],
        "signal": _part(document, "signal"),
        "band": _part(document, "interval"),
        "data_version": paper.get("data_version"),
        "model_hash": paper.get("model_hash"),
        "history": found.history[::-1],
        **evidence_context(found),
    }
    return show(request, "model", context)


def _names(periods: Sequence[PeriodPart]) -> list[str]:
    """Return the names of all scores, in the order of the first part that has them."""
    return list(dict.fromkeys(name for part in periods for name in part.scores))


def _parameters(found: object) -> list[tuple[str, object]]:
    """Return the parameters without the columns, which stand by themselves."""
    return (
        [(str(name), value) for name, value in found.items() if name != "columns"] if isinstance(found, Mapping) else []
    )


def _part(found: object, name: str) -> object:
    return found.get(name) if isinstance(found, Mapping) else None


def _columns(found: object) -> list[str]:
    columns = found.get("columns") if isinstance(found, Mapping) else None
    return columns.split(",") if isinstance(columns, str) and columns else []


@page
def card(request: HttpRequest, version: str, form: str) -> HttpResponse:
    """Send the card of a model as a file: one page of HTML with a style of its own, or Markdown."""
    found = card_of(select(workspace(), version, as_of=request.as_of))
    text, kind = (found.html(), "text/html") if form == "html" else (found.markdown(), "text/markdown")
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="model-{found.version}.{form}"'
    return response
