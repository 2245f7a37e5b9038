"""The tables: one, for the keys of the API.

A key is shown once, when it is made. What is kept is its SHA-256: a key has 256 bits of randomness, so that nobody can
try them out, and a slow hash, which passwords need, would only make every request slow.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class ApiKey(models.Model):  # type: ignore[misc]  # Django ships no types
    """A key of the API; one row a key. It is never deleted, only revoked, so that it stays known whose it was."""

    name = models.CharField(max_length=100, help_text="Whose it is, or what for.")
    prefix = models.CharField(max_length=16, unique=True, editable=False, help_text="How the key begins.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.CharField(max_length=200, default="read", help_text="What it is for, separated by blanks.")
    per_minute = models.PositiveIntegerField(default=600, help_text="Requests it may make in a minute.")
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        """How it is listed."""

        ordering: ClassVar[list[str]] = ["-created_at", "-id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
