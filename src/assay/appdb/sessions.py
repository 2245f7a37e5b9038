"""Who has logged in to the site. Django has to be configured before this is used."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace


def cookie_name() -> str:
    """Return the name of the cookie that carries a session."""
    from django.conf import settings  # noqa: PLC0415  # Django has to be configured before

    return str(settings.SESSION_COOKIE_NAME)


def is_logged_in(session_key: str) -> bool:
    """Return whether the session is that of somebody who is logged in and whose account is active."""
    from django.conf import settings  # noqa: PLC0415
    from django.contrib.auth import get_user  # noqa: PLC0415

    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(SimpleNamespace(session=store))  # looks at nothing else of a request
    return bool(user.is_authenticated and user.is_active)
