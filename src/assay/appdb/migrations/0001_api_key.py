"""The first table."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):  # type: ignore[misc]  # Django ships no types
    """Makes ``ApiKey``."""

    initial = True

    dependencies: ClassVar[list[tuple[str, str]]] = []

    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="Whose it is, or what for.", max_length=100)),
                (
                    "prefix",
                    models.CharField(editable=False, help_text="How the key begins.", max_length=16, unique=True),
                ),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "scopes",
                    models.CharField(default="read", help_text="What it is for, separated by blanks.", max_length=200),
                ),
                (
                    "per_minute",
                    models.PositiveIntegerField(default=600, help_text="Requests it may make in a minute."),
                ),
                ("created_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={"verbose_name": "API key", "ordering": ["-created_at", "-id"]},
        ),
    ]
