"""The shape of what went wrong."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict

from assay.api.shapes.shape import Shape, said


class Problem(Shape):
    """Why there is no answer (RFC 9457)."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)  # `instance` may be left out

    type: Annotated[str, said("Kind of problem; leads to its description.", "/api/v1/docs#problem-bad-input")]
    title: Annotated[str, said("The kind in words.", "A value of the request is not usable.")]
    status: Annotated[int, said("Status of HTTP.", 400)]
    detail: Annotated[str, said("All of it in one line.", "unknown interval: '7q'; use one of 1s, 1m, 1h")]
    value: Annotated[str | None, said("The offending value, cut to 200 characters.", "7q")]
    todo: Annotated[str, said("What can be done about it.", "use one of 1s, 1m, 1h")]
    instance: Annotated[str, said("Id under which the server's log has more; only of an internal error.")] = ""
