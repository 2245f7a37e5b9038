"""The market overview: the largest coins, the best and the worst of the day, and what is foretold of them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from assay.selectors.market import CoinRow, market_overview
from assay.web.configure import workspace
from assay.web.figures import week_change
from assay.web.tables import Column, Sort, arrange, headers, matching, read_sort, search_of
from assay.web.views.page import page, show

COLUMNS: tuple[Column[CoinRow], ...] = (
    Column("rank", "#", lambda coin: coin.rank, hide="w1"),
    Column("coin", "Coin", lambda coin: coin.asset.casefold()),
    Column("price", "Price", lambda coin: coin.price, is_number=True, unit="USD"),
    Column("change", "24 h", lambda coin: coin.change_24h_pct, is_number=True),
    Column("cap", "Market cap", lambda coin: coin.market_cap, is_number=True, hide="w1", unit="USD"),
    Column("volume", "Volume 24 h", lambda coin: coin.volume_24h, is_number=True, hide="w2", unit="USD"),
    Column("supply", "Supply", lambda coin: coin.circulating_supply, is_number=True, hide="w3"),
    Column("week", "7 days", lambda coin: week_change(coin.sparkline), is_number=True, hide="w1"),
    Column("up", "P(up)", lambda coin: coin.prediction.probability_up if coin.prediction else None, is_number=True),
)


@page
def market(request: HttpRequest) -> HttpResponse:
    """Show the top coins as a table that can be searched and sorted."""
    sort = read_sort(request.GET, COLUMNS, Sort("rank"))
    overview = market_overview(workspace(), as_of=request.as_of)
    text = search_of(request.GET)
    found = matching(overview.coins, text, lambda coin: (coin.asset, coin.name))
    context = {
        "overview": overview,
        "rows": arrange(found, COLUMNS, sort),
        "headers": headers(COLUMNS, sort),
        "q": text,
        "sort": sort,
    }
    return show(request, "market", context)
