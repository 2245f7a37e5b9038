"""The pages as one ASGI application, to be mounted at ``/``."""

from __future__ import annotations

from typing import Any

from assay.pipelines.workspace import Workspace
from assay.web.configure import configure, migrate


def django_app(workspace: Workspace) -> Any:  # noqa: ANN401  # Django ships no types
    """Return the site that shows `workspace`; the database of its accounts is made or brought up to date first."""
    configure(workspace)
    from django.core.handlers.asgi import ASGIHandler  # noqa: PLC0415  # only a configured Django has handlers

    migrate()
    return ASGIHandler()
