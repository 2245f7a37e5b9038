"""``assay client``: what a server foretold at an hour, asked over HTTP; needs neither a home nor data of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, printable

KEY_VARIABLE = "ASSAY_API_KEY"
_PATH = "/api/v1/predict"
_PATIENCE_S = 30.0
_MOST_BYTES = 10_000_000
_LOCAL = ("localhost", "127.0.0.1", "::1")


def client(
    context: typer.Context,
    date: Annotated[str, typer.Option(help="The day, such as 2026-05-01.")],
    hour: Annotated[int, typer.Option(help="The hour of that day.", min=0, max=23)],
    symbol: Annotated[str, typer.Option(help="In any spelling.")] = "BTC",
    task: Annotated[str, typer.Option(help="What is foretold, such as direction_24h; else what is usual.")] = "",
    zone: Annotated[str, typer.Option(help="Time zone of day and hour, by its IANA name.")] = "UTC",
    url: Annotated[str, typer.Option(help="Address of the server; else that of these settings.")] = "",
    as_json: AsJson = False,
) -> None:
    """Ask a server over HTTP what was foretold at an hour, and what came of it.

    Where the server wants a key, it is read from ASSAY_API_KEY.
    """
    asked = {"date": date, "hour": str(hour), "symbol": symbol, "zone": zone, **({"task": task} if task else {})}
    with working("asking"):
        place = url or _address(context)
        found = ask(place, _PATH, asked)
        if not isinstance(_part(found, "prediction").get("as_of"), str):
            raise _stranger(place)  # JSON, and none of Assay's: nothing is made up of what it lacks
    emit(found, as_json=as_json, text=lambda: _told(found))


def _address(context: typer.Context) -> str:
    serve = options_of(context).settings().serve
    host = f"[{serve.host}]" if ":" in serve.host else serve.host
    return serve.public_url or f"http://{host}:{serve.port}"


def ask(url: str, path: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON object that a server answers to a GET.

    Parameters
    ----------
    url : str
        Address of the server, with or without a path before the API's.
    path : str
    query : mapping of str to str

    Raises
    ------
    BadInputError
        If `url` is no such address, or the server cannot use a value.
    NoDataError
        If the server has nothing that answers.
    TransientError
        If nobody listens there, it takes too long, or the server cannot answer at the moment.
    TerminalError
        If the server wants a key that is not there or not enough, or what answers is no Assay.
    """
    from http.client import HTTPException  # noqa: PLC0415
    from urllib.error import HTTPError, URLError  # noqa: PLC0415
    from urllib.parse import urlencode  # noqa: PLC0415
    from urllib.request import Request  # noqa: PLC0415

    from assay.domain.errors import BadInputError, TransientError  # noqa: PLC0415

    host = _host_of(url)
    headers = {"Accept": "application/json, application/problem+json"}
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if key:
        if not (key.isascii() and key.isprintable()):
            raise BadInputError(f"{KEY_VARIABLE} is no key", todo="set it to one that `assay keys create` showed")
        headers["Authorization"] = f"Bearer {key}"
    request = Request(f"{url.rstrip('/')}{path}?{urlencode(query)}", headers=headers)  # noqa: S310  # checked above
    try:
        with _opener(host).open(request, timeout=_PATIENCE_S) as response:
            return _document(url, response.read(_MOST_BYTES))
    except HTTPError as error:
        with error:
            raise _refusal(url, error.code, error.read(_MOST_BYTES), has_key=bool(key)) from None
    except (URLError, OSError, HTTPException) as error:
        why = str(getattr(error, "reason", "") or error) or type(error).__name__
        todo = f"start it with `assay serve`, or give its address with --url ({why})"
        raise TransientError("the server does not answer", value=url, todo=todo) from None


def _host_of(url: str) -> str:
    """Return the host of a server's address; BadInputError if it is none."""
    from urllib.parse import urlsplit  # noqa: PLC0415

    from assay.domain.errors import BadInputError  # noqa: PLC0415

    is_plain = url.isascii() and url.isprintable() and not set(url) & set("?#@ ")
    try:
        parts = urlsplit(url)
        host = parts.hostname if is_plain and parts.scheme in ("http", "https") and parts.port != 0 else None
    except ValueError:
        host = None
    if not host:
        raise BadInputError("not the address of a server", value=url, todo="write it like http://127.0.0.1:8000")
    return host


def _opener(host: str) -> Any:  # noqa: ANN401  # urllib's own
    """Return what sends a request: never on to another address, which would be sent the key as well."""
    from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener  # noqa: PLC0415

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: object, **__: object) -> None:
            return None

    return build_opener(Stay, *([ProxyHandler({})] if host in _LOCAL else []))


def _document(url: str, body: bytes) -> dict[str, Any]:
    import json  # noqa: PLC0415

    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _stranger(url)
    return found


def _refusal(url: str, status: int, body: bytes, *, has_key: bool) -> Exception:
    """Return the error for what a server says instead of an answer."""
    import json  # noqa: PLC0415

    from assay.domain.errors import BadInputError, NoDataError, TerminalError, TransientError  # noqa: PLC0415

    try:
        problem = json.loads(body)
        kind = str(problem["type"]).rpartition("#problem-")[2]
        what, value, todo = str(problem["detail"]), problem.get("value"), str(problem.get("todo", ""))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return _stranger(url, status)
    if value is not None:  # the detail has all three in one line
        what = what.partition(": ")[0]
    elif todo:
        what = what.removesuffix(f"; {todo}")
    if kind in ("key-needed", "key-not-enough"):
        told = "the server does not take this key" if has_key else "the server wants a key"
        return TerminalError(told, value=url, todo=f"set {KEY_VARIABLE} to one that `assay keys create` made there")
    if status in (429, 502, 503, 504):
        return TransientError(what, value=value, todo=todo or "ask again later")
    if kind == "no-data":
        return NoDataError(what, value=value, todo=todo)
    if kind == "bad-input":
        return BadInputError(what, value=value, todo=todo)
    return TerminalError(what, value=value or url, todo=todo)


def _stranger(url: str, status: int = 200) -> Exception:
    from assay.domain.errors import TerminalError, TransientError  # noqa: PLC0415

    if status in (502, 503, 504):
        todo = "the server behind it may be down; ask again later"
        return TransientError(f"what answers there has status {status}", value=url, todo=todo)
    todo = f"it answers with status {status} and not as Assay's API does; check --url"
    return TerminalError("no Assay server at this address", value=url, todo=todo)


def _told(found: Mapping[str, Any]) -> str:
    one, brief = _part(found, "prediction"), _part(found, "brief")
    version = one.get("model_version")
    lines = [
        f"{found.get('series')}, {_moment(one.get('as_of'))} UTC, close {_number(one.get('close'))} "
        f"({_words(one.get('kind'))}; {_words(one.get('model'))}{f' {version}' if version else ''})",
        _said(one),
        _outcome(one),
        str(brief.get("sentence") or ""),
    ]
    return "\n".join(printable(line) for line in lines if line)


def _said(one: Mapping[str, Any]) -> str:
    until, signal = _moment(one.get("until")), one.get("signal")
    why = f" ({one['reason']})" if one.get("reason") else ""
    if one.get("probability_up") is not None:
        base = "" if one.get("base_rate_up") is None else f", base rate {_share(one['base_rate_up'])}"
        return f"P(up by {until} UTC) = {_share(one['probability_up'])}{base}; signal {signal}{why}"
    if one.get("value") is not None:
        band = "" if one.get("low") is None else f", between {_number(one['low'])} and {_number(one['high'])}"
        return f"change by {until} UTC: {_number(one['value'])}{band}; signal {signal}{why}"
    return f"about {until} UTC: {signal}{why}"


def _outcome(one: Mapping[str, Any]) -> str:
    if one.get("close_then") is None:
        return "what happened is not known yet"
    told = f"it closed at {_number(one['close_then'])}"
    if one.get("went_up") is not None:  # unknown where the bar that it starts from is missing
        told += f": {'up' if one['went_up'] else 'not up'}"
    return told if one.get("was_right") is None else f"{told}, so this was {'right' if one['was_right'] else 'wrong'}"


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = found.get(name)
    return part if isinstance(part, Mapping) else {}


def _moment(text: object) -> str:
    return str(text)[:16].replace("T", " ") if text else "-"


def _number(value: object) -> str:
    return f"{value:,.10g}" if isinstance(value, int | float) else "-"


def _share(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"


def _words(text: object) -> str:
    return str(text or "-").replace("_", " ")


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(client)
