"""The first page: how the market stands, what is foretold and whether to believe it, and how whole the data is."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from assay.selectors.dashboard import Dashboard
from assay.selectors.dashboard import dashboard as read_dashboard
from assay.web.configure import workspace
from assay.web.figures import accuracy_scale
from assay.web.views.page import page, show


@dataclass(frozen=True, slots=True)
class VerdictShare:
    """How many series have a verdict, and which fraction of all that is."""

    verdict: str
    series: int
    share: float


@page
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show the headline coins, the movers, the verdicts and the state of the data."""
    board = read_dashboard(workspace(), as_of=request.as_of)
    expected = board.bars + board.missing_bars
    floor, ceiling = accuracy_scale(coin.prediction for coin in board.headlines)
    context = {
        "floor": floor,
        "ceiling": ceiling,
        "judged": [coin for coin in board.headlines if coin.prediction and coin.prediction.accuracy is not None],
        "board": board,
        "fraction": board.bars / expected if expected else None,
        "newest_at": max((source.answered_at for source in board.freshness), default=None),
        "movers": (*board.best, *reversed(board.worst)),
        "verdicts": _shares(board),
        "skilled": sum(one.series for one in board.verdicts if one.verdict == "skill"),
    }
    return show(request, "dashboard", context)


def _shares(board: Dashboard) -> list[VerdictShare]:
    return [VerdictShare(one.verdict, one.series, one.series / board.predicted) for one in board.verdicts]
