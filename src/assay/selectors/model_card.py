"""The card of a model: all that is known of it, on one page for people."""

from __future__ import annotations

from assay.pipelines.workspace import Workspace
from assay.selectors.cards.about import purpose, sections, title
from assay.selectors.cards.blocks import ModelCard
from assay.selectors.cards.evidence import evidence_sections
from assay.selectors.models import ModelPage, model

__all__ = ["ModelCard", "card_of", "model_card"]


def model_card(workspace: Workspace, version: str) -> ModelCard:
    """Return the card of the model whose version begins like `version`.

    Raises
    ------
    NoDataError, BadInputError
        If there is none, or several.
    DamagedError
        If one of its files, or the history of its champion, is damaged.
    """
    return card_of(model(workspace, version))


def card_of(page: ModelPage) -> ModelCard:
    """Return the card of a model from what is kept of it."""
    one = page.brief
    evidence = page.paper.get("evidence")
    found = evidence_sections(evidence) if isinstance(evidence, dict) else ()
    state = "" if one.state == "registered" else f" ({one.state})"
    subtitle = f"Version {one.version}{state}, registered {one.registered_at:%Y-%m-%d %H:%M} UTC by {one.registered_by}"
    return ModelCard(title(one), subtitle, one.version, (purpose(page), *found, *sections(page)))
