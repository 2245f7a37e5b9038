"""Routes of instruments in time, and of how the sources of a price agree."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from assay.api.asked import LONGEST, PREFIX, SeenFrom, Served, moment_of
from assay.api.shapes import instruments as shapes
from assay.selectors.instruments import instruments as select_instruments
from assay.selectors.reconciliation import reconciliation as select_reconciliation

router = APIRouter(prefix=PREFIX, tags=["markets"])


@router.get("/instruments", summary="What can be traded where, and on which terms")
def instruments(  # noqa: PLR0917  # one parameter of the address each
    workspace: Served,
    seen: SeenFrom,
    symbol: Annotated[
        str, Query(description="A symbol or an asset: only it, with all its states.", max_length=LONGEST)
    ] = "",
    venue: Annotated[str, Query(description="Only of this venue.", max_length=LONGEST)] = "",
    on: Annotated[
        str, Query(description="Only what stood at this moment, written as `as_of`.", max_length=LONGEST)
    ] = "",
) -> shapes.Instruments:
    """Return the latest state of every instrument, or every state of one; fees are those of the moment asked for."""
    found = select_instruments(
        workspace,
        symbol,
        venue=venue,
        on=moment_of(on, "on") if on else None,
        as_of=seen.as_of,
        available_at=seen.available_at,
    )
    return shapes.Instruments.model_validate(found)


@router.get("/reconciliation", summary="How the sources of each price agree")
def reconciliation(
    workspace: Served,
    seen: SeenFrom,
    symbol: Annotated[str, Query(description="Only this symbol.", max_length=LONGEST)] = "",
) -> shapes.Reconciliation:
    """Return, for every price with more than one source, what was compared and flagged, and how each is trusted.

    Of a moment it is decided again over the bars of then, by the rules of today.
    """
    found = select_reconciliation(workspace, symbol, as_of=seen.as_of, available_at=seen.available_at)
    return shapes.Reconciliation.model_validate(found)
