"""What happens to every request: the moment as of which it asks is read, and what goes wrong becomes a page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from assay.domain.errors import AssayError, BadInputError
from assay.domain.interval import parse_moment
from assay.web.configure import workspace
from assay.web.views.errors import error_page

Next = Callable[[HttpRequest], HttpResponse]


class ReadAsOf:
    """Puts the moment of ``?as_of=`` on the request, as ``request.as_of``; an empty one is none."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, or say why its moment cannot be read."""
        request.as_of = None
        try:
            request.as_of = read_as_of(request.GET.get("as_of", ""), workspace().clock.now())
        except BadInputError as error:
            return error_page(request, error)
        return self.get_response(request)


class ExplainErrors:
    """Turns what a view raises on purpose into a page that says what to do."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the page for `error`, or None if Django has one for it."""
        return error_page(request, error) if isinstance(error, AssayError) else None


def read_as_of(text: str, now: datetime) -> datetime | None:
    """Return the moment that `text` names, or None if it is blank.

    Raises
    ------
    BadInputError
        If it is no moment, or has not come yet.
    """
    if not text.strip():
        return None
    moment = parse_moment(text)
    if moment > now:
        todo = f"choose a moment before {now:%Y-%m-%d %H:%M} UTC, or leave it empty for now"
        raise BadInputError("that moment has not come yet", value=text, todo=todo)
    return moment
