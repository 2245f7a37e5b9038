"""Routes of instruments in time, and of how the sources of a price agree."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from assay.api.asked import LONGEST, PREFIX, AsOf, Served
from assay.api.shapes import instruments as shapes
from assay.selectors.instruments import instruments as select_instruments
from assay.selectors.reconciliation import reconciliation as select_reconciliation

router = APIRouter(prefix=PREFIX, tags=["markets"])


@router.get("/instruments", summary="What can be traded where, and on which terms")
def instruments(
    workspace: Served,
    as_of: AsOf,
    symbol: Annotated[
        str, Query(description="A symbol or an asset: only it, with all its states.", max_length=LONGEST)
    ] = "",
    venue: Annotated[str, Query(description="Only of this venue.", max_length=LONGEST)] = "",
) -> shapes.Instruments:
    """Return the latest state of every instrument, or every state of one; fees are those of the moment asked for."""
    found = select_instruments(workspace, symbol, venue=venue, as_of=as_of)
    return shapes.Instruments.model_validate(found)


@router.get("/reconciliation", summary="How the sources of each price agree")
def reconciliation(
    workspace: Served,
    symbol: Annotated[str, Query(description="Only this symbol.", max_length=LONGEST)] = "",
) -> shapes.Reconciliation:
    """Return, for every price with more than one source, what was compared and flagged, and how each is trusted."""
    return shapes.Reconciliation.model_validate(select_reconciliation(workspace, symbol))
