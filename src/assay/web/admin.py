"""What the administration shows beside Django's accounts: the keys of the API, without a way to make one.

A key is shown once, by ``assay keys create``; a form could only make one that nobody knows.
"""

from __future__ import annotations

from django.contrib import admin

from assay.appdb.models import ApiKey

_SHOWN = ("name", "prefix", "scopes", "per_minute", "created_at", "last_used_at", "revoked_at")

admin.site.site_title = admin.site.site_header = "Assay administration"
admin.site.register(
    ApiKey,
    list_display=_SHOWN,
    search_fields=("name", "prefix"),
    readonly_fields=("prefix", "scopes", "created_at", "last_used_at"),
    has_add_permission=lambda _admin, _request: False,
)
