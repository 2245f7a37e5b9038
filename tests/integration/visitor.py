"""Somebody who looks at the site: Django's own test client, which goes through every layer of Django but the socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.pipelines.workspace import Workspace
from assay.web.asgi import django_app


@dataclass(frozen=True, slots=True)
class Page:
    """What came back."""

    status: int
    html: str
    headers: Mapping[str, str]


class Visitor:
    """One browser with its cookies, on the site of a workspace; forms need their token as they do in a browser."""

    def __init__(self, workspace: Workspace) -> None:
        django_app(workspace)
        from django.test import Client  # only a configured Django has one

        from assay.web.login import limiter

        limiter.cache_clear()  # attempts of another test are no attempts of this one
        self._client = Client(SERVER_NAME="localhost", enforce_csrf_checks=True, raise_request_exception=False)

    def get(self, path: str, headers: Mapping[str, str] | None = None, *, is_secure: bool = False) -> Page:
        """Ask for a page."""
        return _page(self._client.get(path, secure=is_secure, headers=headers))

    def post(self, path: str, form: Mapping[str, str]) -> Page:
        """Send a form."""
        return _page(self._client.post(path, form))

    def ask(self, method: str, path: str) -> Page:
        """Ask by any other method."""
        return _page(self._client.generic(method, path))

    def cookie(self, name: str) -> Mapping[str, object]:
        """Return what the site said about a cookie."""
        attributes: Mapping[str, object] = self._client.cookies[name]
        return attributes

    def forgets(self) -> None:
        """Forget all cookies."""
        self._client.logout()


def _page(answer: object) -> Page:
    content, headers, status = (getattr(answer, name) for name in ("content", "headers", "status_code"))
    return Page(status, content.decode(), headers)
