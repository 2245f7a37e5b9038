"""Logging in and out. What is said after a failure is always the same, so that nobody learns who has an account."""

from __future__ import annotations

import math
import time
from functools import lru_cache

from django.contrib.auth import login as begin_session
from django.contrib.auth import logout as end_session
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

from assay.web.configure import workspace
from assay.web.limiter import AttemptLimiter

_REFUSED = "That user name and password do not go together."
_PER_S = 60.0


@lru_cache(maxsize=1)
def limiter(limit: int) -> AttemptLimiter:
    """Return the limiter of this process."""
    return AttemptLimiter(limit=limit, per_s=_PER_S)


def _log_in(request: HttpRequest) -> HttpResponse:
    """Show the form, or take it: GET and POST of ``/accounts/login/``."""
    target = _target(request)
    if request.method != "POST":
        return _form(request, target) if not request.user.is_authenticated else redirect(target)
    attempts = limiter(workspace().settings.serve.login_attempts_per_minute)
    name = request.POST.get("username", "")[:150].casefold()
    keys = f"from:{request.META.get('REMOTE_ADDR', '')}", f"for:{name}"
    wait_s = attempts.wait_s(*keys, now=time.monotonic())
    if wait_s > 0:
        response = _form(request, target, said=f"Too many attempts. Wait {math.ceil(wait_s)} s.", status=429)
        response["Retry-After"] = str(math.ceil(wait_s))
        return response
    form = AuthenticationForm(request, data=request.POST)
    if not form.is_valid():
        return _form(request, target, said=_REFUSED, status=401)
    for key in keys:
        attempts.forget(key)
    begin_session(request, form.get_user())
    return redirect(target)


def log_out(request: HttpRequest) -> HttpResponse:
    """End the session; a link alone (GET) only asks, so that no other site can log anybody out."""
    if request.method == "POST":
        end_session(request)
        return redirect("login")
    response = render(request, "assay/logout.html")
    add_never_cache_headers(response)
    return response


def _target(request: HttpRequest) -> str:
    """Return where to go afterwards: a page of this site only."""
    wanted = request.POST.get("next", request.GET.get("next", ""))
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else "dashboard"


def _form(request: HttpRequest, target: str, *, said: str = "", status: int = 200) -> HttpResponse:
    context = {
        "said": said,
        "next": "" if target == "dashboard" else target,
        "username": request.POST.get("username", "")[:150],
        "is_needed": workspace().settings.serve.needs_login,
    }
    response = render(request, "assay/login.html", context, status=status)
    add_never_cache_headers(response)
    return response


log_in = login_not_required(_log_in)
