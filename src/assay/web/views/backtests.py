"""The pages of backtests: all that are kept, one of them, and some side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from assay.domain.errors import BadInputError, NotBuiltError
from assay.domain.interval import Interval
from assay.lake.catalog import is_made
from assay.selectors.backtest_curves import MOST_COMPARED, USUAL_POINTS, WhichTrades, compare, trades
from assay.selectors.backtests import MOST_LISTED, BacktestBrief, backtest, backtests, kept_run
from assay.selectors.tear_sheet import tear_sheet
from assay.web.assets import plotly_style_marks
from assay.web.backtest_figures import folds_of, year_rows
from assay.web.chart import KLINES_URL
from assay.web.configure import workspace
from assay.web.tables import Column, Sort, arrange, headers, read_sort
from assay.web.views.page import page, show

_API = "/api/v1/backtests"
_ROWS = 50
_TRADES = 25
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
COLUMNS: tuple[Column[BacktestBrief], ...] = (
    Column("verdict", "What it is worth", lambda row: row.deflated_sharpe, is_number=False),
    Column("return", "Return", lambda row: row.total_return, is_number=True),
    Column("hold", "Holding", lambda row: row.hold_return, is_number=True, hide="w1"),
    Column("sharpe", "Sharpe", lambda row: row.sharpe, is_number=True, hide="w1"),
    Column("drawdown", "Drawdown", lambda row: row.max_drawdown, is_number=True, hide="w2"),
    Column("trades", "Trades", lambda row: row.trades, is_number=True, hide="w2"),
    Column("start", "Period", lambda row: row.start, hide="w2"),
    Column("made", "Made", lambda row: row.made_at, hide="w1"),
)


@dataclass(frozen=True, slots=True)
class Pages:
    """Which part of many rows is shown; pages are counted from 1."""

    number: int
    last: int
    first_row: int
    last_row: int
    rows: int


@page
def all_of_them(request: HttpRequest) -> HttpResponse:
    """Show the backtests that are kept, the newest first unless asked otherwise."""
    symbol = request.GET.get("symbol", "")
    sort = read_sort(request.GET, COLUMNS, Sort("made", is_descending=True))
    found = backtests(workspace(), symbol=symbol, limit=MOST_LISTED, as_of=request.as_of)
    if not is_made(workspace().home):
        raise NotBuiltError("there is nothing to backtest on yet")
    # They come the newest first already, and rows that are equal stay as they are.
    is_newest_first = sort == Sort("made", is_descending=True)
    rows = list(found.rows) if is_newest_first else arrange(found.rows, COLUMNS, sort)
    pages = _pages(request, "page", len(rows), _ROWS)
    context = {
        "found": found,
        "rows": rows[pages.first_row - 1 : pages.last_row],
        "pages": pages,
        "symbol": symbol,
        "sort": sort,
        "headers": headers(COLUMNS, sort),
        "most": MOST_COMPARED,
        "most_listed": MOST_LISTED,
    }
    return show(request, "backtests", context)


@page
def one_of_them(request: HttpRequest, run: str) -> HttpResponse:
    """Show one backtest, named by its id or how that begins."""
    found = backtest(workspace(), run, as_of=request.as_of)
    brief = found.brief
    number = _number(request, "trades")
    which = WhichTrades(limit=_TRADES, offset=(number - 1) * _TRADES, is_latest_first=True)
    listed = trades(workspace(), brief.run, which, as_of=request.as_of)
    context = {
        "found": found,
        "one": brief,
        "quote": _quote(brief),
        "figures": {one.name: one for one in found.figures},
        "years": year_rows(found.months),
        "trades": listed.frame.to_dicts(),
        "pages": _pages(request, "trades", listed.found, _TRADES),
        "folds": folds_of(found.folds),
        "json_url": f"{_API}/{brief.run}",
        "config": _config(brief, request.as_of) | {"trades": listed.found},
        "month_names": _MONTHS,
        "is_swept": found.combinations > 1,
        "plotly_style_marks": plotly_style_marks() if found.combinations > 1 else (),
    }
    return show(request, "backtest", context)


@page
def tearsheet(request: HttpRequest, run: str) -> HttpResponse:
    """Send the tear sheet of a backtest as a file: one page with a style and scripts of its own."""
    found = kept_run(workspace(), run, as_of=request.as_of)
    response = HttpResponse(tear_sheet(found), content_type="text/html; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="tearsheet-{found.summary.run}.html"'
    return response


@page
def side_by_side(request: HttpRequest) -> HttpResponse:
    """Show two or more backtests side by side."""
    runs = request.GET.getlist("run")
    found = compare(workspace(), runs, points=USUAL_POINTS // 2, as_of=request.as_of)
    names = [figure.name for figure in found.runs[0].figures]
    table = [
        (first, [next(one for one in each.figures if one.name == name) for each in found.runs])
        for name, first in zip(names, found.runs[0].figures, strict=True)
    ]
    context = {
        "found": found,
        "runs": [one.brief for one in found.runs],
        "table": table,
        "json_url": f"{_API}/compare?" + "&".join(f"run={one.brief.run}" for one in found.runs),
        "curves": [
            {
                "run": one.brief.run,
                "name": f"{', '.join(one.brief.symbols)} {one.brief.run}",
                "time": one.frame["close_time"].dt.epoch("s").to_list(),
                "growth": one.frame["growth"].fill_nan(None).to_list(),
            }
            for one in found.runs
        ],
    }
    return show(request, "backtests_compared", context)


def _config(brief: BacktestBrief, as_of: datetime | None) -> dict[str, object]:
    """Return what the scripts of the page read; moments are milliseconds since 1970."""
    base = f"{_API}/{brief.run}"
    seen = min((one for one in (brief.as_of, as_of) if one is not None), default=None)
    return {
        "run": brief.run,
        "as_of": None if seen is None else f"{seen:%Y-%m-%dT%H:%M:%S.%fZ}",
        "page_as_of": None if as_of is None else f"{as_of:%Y-%m-%dT%H:%M:%SZ}",
        "klines_url": KLINES_URL,
        "equity_url": f"{base}/equity",
        "trades_url": f"{base}/trades",
        "combinations_url": f"{base}/combinations",
        "quote": _quote(brief),
        "is_exact": brief.is_exact,
        "interval": brief.interval,
        "first": _ms(brief.start),
        "last": _ms(brief.end - Interval.parse(brief.interval).duration),
        "series": [one.rpartition(":")[0] for one in brief.series],
    }


def _quote(brief: BacktestBrief) -> str:
    return brief.symbols[0].partition("-")[2] if brief.symbols else ""


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _pages(request: HttpRequest, name: str, rows: int, size: int) -> Pages:
    """Return the page that is asked for; the last one if there are not so many."""
    last = max(1, -(-rows // size))
    number = min(_number(request, name), last)
    return Pages(number, last, (number - 1) * size + 1 if rows else 0, min(number * size, rows), rows)


def _number(request: HttpRequest, name: str) -> int:
    """Return the number of a page in the address. Raises BadInputError if it is none."""
    text = request.GET.get(name, "") or "1"
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) > 0):
        raise BadInputError("no such page", value=text, todo="give a number from 1 on")
    return int(text)
