"""Error pages in the site's own design: what is wrong, which value, what to do; never anything about the inside."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from assay.domain.errors import AssayError, BadInputError, NoDataError, TransientError

_LOG = logging.getLogger(__name__)


def error_page(request: HttpRequest, error: AssayError) -> HttpResponse:
    """Return the page for an error that says itself what is wrong and what to do."""
    status = _status_of(error)
    context: dict[str, Any] = {"status": status, "title": _TITLES[status], "what": error.what, "todo": error.todo}
    if error.value is not None:
        context["value"] = str(error.value)[:200]
    return render(request, "assay/error.html", context, status=status)


_TITLES = {
    400: "That cannot be read",
    404: "Nothing here",
    500: "Something went wrong",
    503: "Not ready",
}


def _status_of(error: AssayError) -> int:
    if isinstance(error, BadInputError):
        return 400
    if isinstance(error, NoDataError):
        return 404
    return 503 if isinstance(error, TransientError) else 500


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # the signature is Django's
    """Answer a request that Django refuses to read."""
    return error_page(request, BadInputError("the request cannot be read", todo="go back to the dashboard"))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Answer somebody who may not see the page."""
    context = {"status": 403, "title": "Not for you", "what": "this account may not see that page", "todo": ""}
    return render(request, "assay/error.html", context, status=403)


def method_not_allowed(request: HttpRequest, allowed: Sequence[str]) -> HttpResponse:
    """Answer a request that wants to do something to a page that can only be read."""
    context = {"status": 405, "title": "Only for reading", "what": "this page takes no such request", "todo": ""}
    context["value"] = (request.method or "")[:20]
    response = render(request, "assay/error.html", context, status=405)
    response["Allow"] = ", ".join(allowed)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that was not sent from one of our own pages."""
    _LOG.warning("event=csrf_refused path=%s reason=%r", request.path, reason)
    todo = "load the page again and send the form once more; cookies must be allowed"
    context = {"status": 403, "title": "The form was not accepted", "what": "the form is out of date", "todo": todo}
    return render(request, "assay/error.html", context, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Answer for a page that does not exist."""
    context = {
        "status": 404,
        "title": "Nothing here",
        "what": "there is no such page",
        "value": request.path[:200],
        "todo": "the pages are in the menu above",
    }
    return render(request, "assay/error.html", context, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after a fault of ours: a number to look up in the server's log, and nothing about the inside."""
    number = secrets.token_hex(4)
    _LOG.error("event=page_failed id=%s path=%s", number, request.path, exc_info=True)
    context = {
        "status": 500,
        "title": "Something went wrong",
        "what": "this page could not be made",
        "todo": f"try again; the server's log has the cause under number {number}",
    }
    return render(request, "assay/error.html", context, status=500)
