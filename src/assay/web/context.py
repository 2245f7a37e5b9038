"""What every page is told: what it shows, as of when, and which page of the menu it is."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from assay.domain.errors import AssayError
from assay.selectors.stamp import DataStamp, stamp
from assay.web.configure import workspace

_MENU = (
    ("Dashboard", "dashboard", ()),
    ("Market", "market", ()),
    ("Binance", "venue", ("binance",)),
    ("WazirX", "venue", ("wazirx",)),
    ("Predictions", "predictions", ()),
    ("Backtests", "backtests", ()),
    ("Data", "data", ()),
)


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry of the menu; `is_current` for the page that is shown."""

    title: str
    url: str
    is_current: bool


def site(request: HttpRequest) -> dict[str, object]:
    """Return the context of every template."""
    as_of = getattr(request, "as_of", None)
    menu = [
        MenuItem(title, with_as_of(request, reverse(name, args=arguments)), _is_current(request, name, arguments))
        for title, name, arguments in _MENU
    ]
    found = _stamp(request)
    at = as_of or (found.now if found else None)
    return {"as_of": as_of, "at": at, "menu": menu, "stamp": found, "is_htmx": wants_part(request)}


def with_as_of(request: HttpRequest, url: str, **query: str) -> str:
    """Return `url` with the moment as of which the page was asked for, so that a click does not lose it."""
    as_of = getattr(request, "as_of", None)
    if as_of:
        query["as_of"] = f"{as_of:%Y-%m-%dT%H:%M:%SZ}"
    return f"{url}?{urlencode(query)}" if query else url


def wants_part(request: HttpRequest) -> bool:
    """Return whether HTMX asks for the part of the page that changes; a return through the history wants it all."""
    # An error page may come out before the middleware has looked.
    return hasattr(request, "htmx") and bool(request.htmx) and not request.htmx.history_restore_request


def _is_current(request: HttpRequest, name: str, arguments: tuple[str, ...]) -> bool:
    match = request.resolver_match
    return match is not None and match.url_name == name and tuple(match.kwargs.values()) == arguments


def _stamp(request: HttpRequest) -> DataStamp | None:
    """Return what the page shows, or None where even that cannot be read: an error page has to come out too."""
    try:
        return stamp(workspace(), getattr(request, "as_of", None))
    except AssayError:
        return None
