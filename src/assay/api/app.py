"""The API as a FastAPI application: its routes, and what is said when one of them cannot answer."""

from __future__ import annotations

import re
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from assay import __version__
from assay.api import backtests, instruments, klines, markets, models, operations, predictions, reference, signals
from assay.api.asgi import App, Receive, Scope, Send, is_api, say_problem
from assay.api.asked import PREFIX, only_what_is_known
from assay.api.metrics import Metrics
from assay.api.problems import MEDIA_TYPE, TYPES, Problem, problem_of, unexpected
from assay.api.readiness import explained, not_built
from assay.api.shapes.problem import Problem as ProblemShape
from assay.domain.errors import AssayError, NotBuiltError
from assay.pipelines.workspace import Workspace

_DESCRIPTION = """\
Reads of the lake: markets, klines, indicators, predictions, backtests and the state of the data.

* Moments are ISO 8601 in UTC; in columns they are milliseconds since 1970-01-01T00:00:00Z. Bars are `[open_time,
  close_time)`. A number that is not there is `null`, never zero.
* `as_of` on every read answers as it was known at that moment.
* Answers have an `ETag`; send it back as `If-None-Match`, and nothing is sent when nothing has changed.
* Errors are `application/problem+json` (RFC 9457), with the offending `value` and what `todo`.
* Where the server wants keys: `Authorization: Bearer <key>` or `X-API-Key: <key>`.
"""


def create_api(workspace: Workspace, metrics: Metrics, *, elsewhere: App | None = None) -> FastAPI:
    """Return the API.

    Parameters
    ----------
    workspace : Workspace
        What is served.
    metrics : Metrics
        What ``/metrics`` shows.
    elsewhere : ASGI application, optional
        Answers every address that is not the API's.
    """
    app = FastAPI(
        title="Assay",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(only_what_is_known)],
        responses=_responses(),
    )
    app.openapi = lambda: _documented(app)  # type: ignore[method-assign]  # as FastAPI's manual has it
    app.state.workspace = workspace
    app.state.metrics = metrics
    for module in (markets, instruments, klines, predictions, signals, models, backtests, operations, reference):
        app.include_router(module.router)
    app.router.default = _default(elsewhere)
    app.add_exception_handler(AssayError, _on_assay_error)
    app.add_exception_handler(RequestValidationError, _on_bad_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    return app


def _responses() -> dict[int | str, dict[str, Any]]:
    """Return what every route may answer besides its answer."""
    said: dict[int | str, str] = {
        400: "A value of the request is not usable, or a parameter is unknown.",
        404: "The lake holds nothing that answers the request.",
        429: "The key has made all the requests it may make in a minute; `Retry-After` says when it may again.",
        503: "The lake is missing, being built or out of reach; `Retry-After` says when to ask again.",
        "default": "Anything else that went wrong.",
    }
    return {status: {"description": text, "model": ProblemShape} for status, text in said.items()}


def _documented(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, in which problems have a media type of their own."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        for methods in document["paths"].values():
            for operation in methods.values():
                for status, response in operation["responses"].items():
                    if status != "200":
                        response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert app.openapi_schema is not None
    return app.openapi_schema


def _default(elsewhere: App | None) -> App:
    async def default(scope: Scope, receive: Receive, send: Send) -> None:
        if elsewhere is not None and not is_api(scope["path"]):
            await elsewhere(scope, receive, send)
        elif scope["type"] == "http":
            await say_problem(scope, send, _no_route(scope["path"]))

    return default


def _no_route(path: str) -> Problem:
    return Problem(404, "not-found", "there is no such address", path, f"{PREFIX}/openapi.json lists what there is")


async def _on_assay_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AssayError)
    if isinstance(error, NotBuiltError):
        return (explained(request.app.state.workspace) or not_built(error)).response()
    problem = problem_of(error)
    return (unexpected(error) if problem.kind == "internal" else problem).response()


async def _on_bad_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:]) or "request"
    if first["type"] == "missing":
        return Problem(400, "bad-input", f"{name} is missing", todo=f"give it, as in ?{name}=...").response()
    todo = re.sub("^(Input|String|Value) ", "it ", first["msg"])
    return Problem(400, "bad-input", f"{name} is not usable", first.get("input"), todo).response()


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        todo = "use GET"
        problem = Problem(405, "method-not-allowed", "the address is only for reading", request.method, todo,
                          headers={"allow": "GET, HEAD"})  # fmt: skip
    elif error.status_code == 404:
        problem = _no_route(request.url.path)
    else:
        kind = next(iter(TYPES)) if error.status_code < 500 else "internal"
        problem = Problem(error.status_code, kind, str(error.detail))
    return problem.response()
