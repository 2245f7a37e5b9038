"""What the routes have in common of what they are asked: the workspace, ``as_of``, and nothing that nobody knows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query, Request

from assay.domain.errors import BadInputError
from assay.domain.interval import EPOCH, parse_moment
from assay.pipelines.workspace import Workspace

PREFIX = "/api/v1"
LONGEST = 200
"""Characters of any text that is asked for."""
_MILLISECONDS = re.compile(r"[0-9]{12,14}")
_NUMBER = re.compile(r"[+-]?[0-9.]+")


async def workspace_of(request: Request) -> Workspace:
    """Return the workspace that is served."""
    served: Workspace = request.app.state.workspace
    return served


async def only_what_is_known(request: Request) -> None:
    """Refuse a parameter that the route does not know: ``?asof=`` left out in silence would answer another question.

    Raises
    ------
    BadInputError
        If a parameter is unknown, or stands twice and is no list.
    """
    known = _known(request)
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            todo = f"did you mean {near[0]}?" if near else f"there is {', '.join(sorted(known)) or 'none'}"
            raise BadInputError("unknown parameter", value=name, todo=todo)
        if names.count(name) > 1 and not known[name]:
            raise BadInputError("a parameter stands twice", value=name, todo="give it once")


def _known(request: Request) -> Mapping[str, bool]:
    """Return the parameters of the route in the address, as its documentation lists them, and which are lists."""
    by_route: dict[str, dict[str, bool]] | None = getattr(request.app.state, "known", None)
    if by_route is None:
        by_route = {
            path: {
                one["name"]: one["schema"].get("type") == "array"
                for one in operation["get"].get("parameters", ())
                if one["in"] == "query"
            }
            for path, operation in request.app.openapi()["paths"].items()
            if "get" in operation
        }
        request.app.state.known = by_route
    return by_route.get(getattr(request.scope.get("route"), "path", ""), {})


def moment_of(text: str, name: str) -> datetime:
    """Return the moment a parameter says, in UTC; a ``+`` that the address turned into a blank is one again.

    A number is milliseconds, as the columns of answers have them: of 12 to 14 digits, which are the years from 1973 to
    5138. Seconds have fewer, and are refused instead of being taken for a day of 1970.

    >>> moment_of("2024-05-01T02:00:00 02:00", "as_of").isoformat()
    '2024-05-01T00:00:00+00:00'
    >>> moment_of("1714521600000", "start").isoformat()
    '2024-05-01T00:00:00+00:00'

    Raises
    ------
    BadInputError
        If it says none.
    """
    if _MILLISECONDS.fullmatch(text.strip()):
        return EPOCH + timedelta(milliseconds=int(text))
    date, separator, time = text.strip().partition("T")
    try:
        return parse_moment(date + separator + time.replace(" ", "+"))
    except BadInputError as error:
        todo = (
            "give milliseconds since 1970, of which a moment today has 13 digits"
            if _NUMBER.fullmatch(text.strip())
            else error.todo
        )
        raise BadInputError(f"{name} is {error.what}", value=text, todo=todo) from None


async def as_of_of(
    request: Request,
    as_of: Annotated[
        str | None,
        Query(
            description="Answer as it was known at this moment: an ISO 8601 date or time, in UTC unless it says "
            "otherwise, or milliseconds since 1970; not in the future. Without it: as it is known now.",
            max_length=LONGEST,
            examples=["2026-05-01T00:00:00Z"],
        ),
    ] = None,
) -> datetime | None:
    """Return the moment whose knowledge is asked for.

    Raises
    ------
    BadInputError
        If it is no moment, or one that has not come yet: what is known then, nobody can say today.
    """
    return await _past(request, as_of, "as_of")


async def available_at_of(
    request: Request,
    available_at: Annotated[
        str | None,
        Query(
            description="Answer with what a system that ran at this moment would have had: history that was loaded "
            "later counts from its close and the delay of its source on. Written as `as_of`; both may be given.",
            max_length=LONGEST,
            examples=["2026-05-01T00:00:00Z"],
        ),
    ] = None,
) -> datetime | None:
    """Return the moment by whose availability is asked.

    Raises
    ------
    BadInputError
        If it is no moment, or one that has not come yet.
    """
    return await _past(request, available_at, "available_at")


async def _past(request: Request, text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    moment = moment_of(text, name)
    now = (await workspace_of(request)).clock.now()
    if moment > now:
        todo = f"leave it out for what is known now ({now:%Y-%m-%dT%H:%M:%SZ})"
        raise BadInputError(f"{name} is in the future", value=text, todo=todo)
    return moment


Served = Annotated[Workspace, Depends(workspace_of)]
AsOf = Annotated[datetime | None, Depends(as_of_of)]
AvailableAt = Annotated[datetime | None, Depends(available_at_of)]


@dataclass(frozen=True, slots=True)
class PointOfView:
    """The moments asked of, by either clock."""

    as_of: datetime | None
    available_at: datetime | None


async def point_of_view_of(as_of: AsOf, available_at: AvailableAt) -> PointOfView:
    """Return both moments."""
    return PointOfView(as_of, available_at)


SeenFrom = Annotated[PointOfView, Depends(point_of_view_of)]
