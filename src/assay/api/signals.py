"""The route of signals: BUY, SELL, HOLD or ABSTAIN of every series, with the reason."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from assay.api.asked import LONGEST, PREFIX, SeenFrom, Served
from assay.api.predictions import TaskQuery
from assay.api.shapes import signals as shapes
from assay.selectors import signals as selectors

router = APIRouter(tags=["signals"])


@router.get(f"{PREFIX}/signals", summary="What is to be done with every series, and why")
def signals(  # noqa: PLR0917  # one parameter of the address each
    workspace: Served,
    response: Response,
    seen: SeenFrom,
    venue: Annotated[
        str | None, Query(description="Only of this venue.", max_length=LONGEST, examples=["binance"])
    ] = None,
    task: TaskQuery = "",
) -> shapes.Signals:
    """Return BUY, SELL, HOLD or ABSTAIN of each series, with confidence, expected move, costs, model and reason.

    A model that has not shown skill abstains, and so does a champion without bars that it may rely on; a forecast whose
    `until` has passed is no signal any more. Not financial advice.
    """
    response.headers["cache-control"] = "private, no-cache"  # a forecast runs out without anything new in the lake
    found = selectors.signals(workspace, venue=venue, task=task, as_of=seen.as_of, available_at=seen.available_at)
    return shapes.Signals(signals=[shapes.Signal.model_validate(one) for one in found])
