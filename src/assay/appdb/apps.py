"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig


class AppDb(AppConfig):  # type: ignore[misc]  # Django ships no types
    """Tables in ``app.sqlite3`` of the home."""

    name = "assay.appdb"
    label = "appdb"
    verbose_name = "API"
    default_auto_field = "django.db.models.BigAutoField"
