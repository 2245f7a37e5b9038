"""Routes of markets: the largest coins, and the board of a venue."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from assay.api.asked import LONGEST, PREFIX, SeenFrom, Served
from assay.api.shapes import markets as shapes
from assay.selectors.market import market_overview as select_overview
from assay.selectors.tickers import ticker_board

router = APIRouter(prefix=PREFIX, tags=["markets"])


@router.get("/market-overview", summary="The largest coins, and those that rose and fell most")
def market_overview(workspace: Served, seen: SeenFrom) -> shapes.MarketOverview:
    """Return the coins of the newest answer by rank, each with its week and the latest forecast of it."""
    return shapes.MarketOverview.model_validate(
        select_overview(workspace, as_of=seen.as_of, available_at=seen.available_at)
    )


@router.get("/tickers/{venue}", summary="Every pair of a venue")
def tickers(
    workspace: Served,
    seen: SeenFrom,
    venue: Annotated[str, Path(description="Venue.", max_length=LONGEST, examples=["binance", "wazirx"])],
) -> shapes.TickerBoard:
    """Return the venue's pairs with last price, change, volume and spread; rupees in dollars too, by a dated rate."""
    return shapes.TickerBoard.model_validate(
        ticker_board(workspace, venue, as_of=seen.as_of, available_at=seen.available_at)
    )
