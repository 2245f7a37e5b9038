"""The boards of the two venues: every ticker, with what it costs to trade and what is foretold."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from assay.selectors.pairs import pairs
from assay.selectors.tickers import TickerRow, ticker_board
from assay.web.configure import workspace
from assay.web.figures import place_in_range, turnover, week_change
from assay.web.tables import Column, Sort, arrange, headers, matching, read_sort, search_of
from assay.web.views.page import page, show

TITLES = {"binance": "Binance", "wazirx": "WazirX"}
_MOST_ROWS = 200
COLUMNS: tuple[Column[TickerRow], ...] = (
    Column("pair", "Pair", lambda row: row.symbol or row.venue_symbol),
    Column("price", "Last price", lambda row: row.last_price, is_number=True),
    Column("change", "24 h", lambda row: row.change_24h_pct, is_number=True),
    Column(
        "low",
        "24 h range",
        lambda row: place_in_range(row.low_24h, row.last_price, row.high_24h),
        is_number=True,
        hide="w3",
    ),
    Column("spread", "Spread", lambda row: row.spread_bps, is_number=True, hide="w1"),
    Column("volume", "Volume 24 h", turnover, is_number=True, hide="w1"),
    Column("week", "7 days", lambda row: week_change(row.sparkline), is_number=True, hide="w1"),
    Column("up", "P(up)", lambda row: row.prediction.probability_up if row.prediction else None, is_number=True),
)
_USD: Column[TickerRow] = Column("usd", "In USD", lambda row: row.last_price_usd, is_number=True, hide="w2")


@page
def tickers(request: HttpRequest, venue: str) -> HttpResponse:
    """Show one venue's tickers as a table that can be searched and sorted."""
    columns = (*COLUMNS[:2], _USD, *COLUMNS[2:]) if venue == "wazirx" else COLUMNS
    sort = read_sort(request.GET, columns, Sort("volume", is_descending=True))
    board = ticker_board(workspace(), venue, as_of=request.as_of)
    text = search_of(request.GET)
    found = arrange(matching(board.rows, text, lambda row: (row.symbol, row.venue_symbol)), columns, sort)
    shows_all = "all" in request.GET
    context = {
        "venue": venue,
        "title": TITLES[venue],
        "board": board,
        "pairs": [one for one in pairs(workspace(), as_of=request.as_of) if one.venue == venue],
        "rows": found if shows_all else found[:_MOST_ROWS],
        "found": len(found),
        "is_cut": len(found) > _MOST_ROWS and not shows_all,
        "headers": headers(columns, sort),
        "has_usd": venue == "wazirx",
        "rate": next((row for row in board.rows if row.inr_usd_rate is not None), None),
        "q": text,
        "sort": sort,
    }
    return show(request, "tickers", context)
