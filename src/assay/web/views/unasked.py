"""What browsers and crawlers ask of every site without having been told of it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from assay.web.assets import asset_url

_ROBOTS = "User-agent: *\nDisallow: /accounts/\nDisallow: /admin/\n"


def _icon(_request: HttpRequest) -> HttpResponse:
    """Send a browser that does not read the page's link to the site's mark."""
    return redirect(asset_url("assay/mark.svg"))


def _robots(_request: HttpRequest) -> HttpResponse:
    """Let crawlers read the pages; the forms behind which something is written are of no use to them."""
    return HttpResponse(_ROBOTS, content_type="text/plain; charset=utf-8")


icon, robots = login_not_required(_icon), login_not_required(_robots)
