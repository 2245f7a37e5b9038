"""The question after an answer, where only the answer tells whether there is more."""

from __future__ import annotations

from datetime import datetime

from assay.venues.parsed import Parsed
from assay.venues.requests import Value, build_request
from assay.venues.spec import Endpoint, Kind, Paging, Request, Role, VenueSpec


def next_request(
    spec: VenueSpec,
    previous: Request,
    answer: Parsed,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Request | None:
    """Return the question that goes on where `answer` stops, or None if there is no more to ask.

    A page that is not full is the last one. Rows that were set aside count as received: a bad row in a page does not
    end the paging.

    Parameters
    ----------
    spec : VenueSpec
        The venue of `previous`.
    previous : Request
        The question that was answered.
    answer : Parsed
        The answer to it.
    start : datetime, optional
        Where the range begins; needed where pages go back in time.
    end : datetime, optional
        Where the range ends, exclusive; needed with ids, since a question by id cannot carry a time.
    """
    endpoint = spec.endpoint(previous.endpoint)
    limit = endpoint.parameter(Role.LIMIT)
    if endpoint.paging in (Paging.NONE, Paging.BY_RANGE) or limit is None or not answer.rows.height:
        return None
    if answer.received < int(previous.param(limit.name) or 1):
        return None
    match endpoint.paging:
        case Paging.BY_TIME:
            return _by_time(spec, endpoint, previous, answer)
        case Paging.BY_ID:
            return _by_id(spec, endpoint, previous, answer, end=end)
        case Paging.BACKWARDS:
            return _backwards(spec, endpoint, previous, answer, start=start)
        case _:
            return _by_page(spec, endpoint, previous)


def _by_time(spec: VenueSpec, endpoint: Endpoint, previous: Request, answer: Parsed) -> Request | None:
    start, last = endpoint.parameter(Role.START), endpoint.parameter(Role.LAST)
    reached = answer.rows["close_time"].max()
    if start is None or not isinstance(reached, datetime):
        return None
    values = _replayed(endpoint, previous)
    values[start.name] = reached
    params = dict(build_request(spec, endpoint, values).params)
    if last is not None and (until := previous.param(last.name)) is not None:
        if int(params[start.name]) > int(until):
            return None
        params[last.name] = until
    if int(params[start.name]) <= int(previous.param(start.name) or 0):
        return None  # the venue does not move on, and asking the same for ever would not help
    path, named = endpoint.path_of(params), tuple(sorted(params.items()))
    return Request(spec.venue, endpoint.name, path, named, endpoint.weight.of(params), endpoint.not_in_query)


def _by_id(
    spec: VenueSpec, endpoint: Endpoint, previous: Request, answer: Parsed, *, end: datetime | None
) -> Request | None:
    from_id = endpoint.parameter(Role.FROM_ID)
    highest, latest = answer.rows["aggregate_id"].max(), answer.rows["event_time"].max()
    if from_id is None or not isinstance(highest, int) or not isinstance(latest, datetime):
        return None
    if (end is not None and latest >= end) or highest < int(previous.param(from_id.name) or 0):
        return None
    times = {_name(endpoint.parameter(role)) for role in (Role.START, Role.LAST)}
    values = {name: value for name, value in _replayed(endpoint, previous).items() if name not in times}
    values[from_id.name] = highest + 1
    return build_request(spec, endpoint, values)


def _backwards(
    spec: VenueSpec, endpoint: Endpoint, previous: Request, answer: Parsed, *, start: datetime | None
) -> Request | None:
    before_id = endpoint.parameter(Role.BEFORE_ID)
    lowest, earliest = answer.rows["aggregate_id"].min(), answer.rows["event_time"].min()
    if before_id is None or not isinstance(lowest, int) or not isinstance(earliest, datetime):
        return None
    asked = previous.param(before_id.name)
    if (start is not None and earliest < start) or (asked is not None and lowest >= int(asked)):
        return None
    return build_request(spec, endpoint, {**_replayed(endpoint, previous), before_id.name: lowest})


def _by_page(spec: VenueSpec, endpoint: Endpoint, previous: Request) -> Request | None:
    page = endpoint.parameter(Role.PAGE)
    if page is None:
        return None
    values = _replayed(endpoint, previous)
    values[page.name] = int(previous.param(page.name) or 1) + 1
    return build_request(spec, endpoint, values)


def _name(parameter: object) -> str:
    return getattr(parameter, "name", "")


def _replayed(endpoint: Endpoint, previous: Request) -> dict[str, Value]:
    """Return the parameters of `previous` as values to build a request from; moments are left to the caller."""
    kinds = {one.name: one.kind for one in endpoint.parameters}
    values: dict[str, Value] = {}
    for name, text in previous.params:
        match kinds[name]:
            case Kind.WHOLE:
                values[name] = int(text)
            case Kind.FLAG:
                values[name] = text == "true"
            case Kind.TEXT:
                values[name] = text
            case _:
                pass
    return values
