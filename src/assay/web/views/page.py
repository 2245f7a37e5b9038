"""What all pages share: the whole page or its part, what a browser may keep, and what is shown before there is data."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers

from assay.domain.errors import NoDataError, NotBuiltError
from assay.lake.catalog import is_made
from assay.web.configure import workspace
from assay.web.context import wants_part
from assay.web.views.errors import method_not_allowed

P = ParamSpec("P")
_READING = ("GET", "HEAD")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def page(view: View[P]) -> View[P]:
    """Make a view a page: what the lake does not hold yet becomes an empty state, and nothing is kept unasked.

    A page about one thing (it takes `series`, `version` or `run`) is not found where the lake is there and it is not.
    """

    @wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method not in _READING:
            return method_not_allowed(request, _READING)
        try:
            response = view(request, *args, **kwargs)
        except NoDataError as error:
            if kwargs.keys() & {"series", "version", "run"} and not isinstance(error, NotBuiltError):
                raise
            response = empty(request, error)
        # "no-cache": keep it, but ask each time whether it is still the same. The menu depends on who is logged in.
        patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["HX-Request", "Cookie"])
        return response

    return answer


def show(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Return the page ``assay/<name>.html``, or the part ``assay/_<name>.html`` of it that HTMX asks for."""
    template = f"assay/_{name}.html" if wants_part(request) else f"assay/{name}.html"
    return render(request, template, context | {"part": f"assay/_{name}.html"})


def empty(request: HttpRequest, error: NoDataError) -> HttpResponse:
    """Return the page that says what to do before there is anything to show."""
    home = workspace()
    context = {"error": error, "is_building": home.is_being_written(), "is_made": is_made(home.home)}
    return render(request, "assay/empty.html", context)
