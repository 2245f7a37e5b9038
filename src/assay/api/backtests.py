"""Routes of kept backtests: a list, one with its figures, its curves, trades and combinations, several side by side."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Depends, Path, Query, Response

from assay.api.asked import LONGEST, PREFIX, AsOf, Served, moment_of
from assay.api.shapes import backtests as shapes
from assay.selectors import backtest_curves as curves
from assay.selectors.backtest_sweep import sweep as select_sweep
from assay.selectors.backtests import MOST_LISTED
from assay.selectors.backtests import backtest as select
from assay.selectors.backtests import backtests as select_all

router = APIRouter(prefix=f"{PREFIX}/backtests", tags=["backtests"])
RunPath = Annotated[
    str,
    Path(
        description="Its id, or at least six digits of how that begins.", max_length=LONGEST, examples=["30879a232a3d"]
    ),
]
PointsQuery = Annotated[
    int,
    Query(
        description="At most so many points of a curve; the lowest and highest of each part are kept.",
        ge=curves.LEAST_POINTS,
        le=curves.MOST_POINTS,
        examples=[1_500],
    ),
]
OffsetQuery = Annotated[int, Query(description="Leave out so many first.", ge=0, le=10_000_000)]


def _asked_each_time(response: Response) -> None:
    response.headers["cache-control"] = "private, no-cache"  # backtests are kept without anything new in the lake


@router.get("", summary="Kept backtests, the newest first")
def backtests(  # noqa: PLR0917  # one parameter of the address each
    workspace: Served,
    response: Response,
    as_of: AsOf,
    symbol: Annotated[
        str,
        Query(
            description="Only those that traded this: any spelling of a symbol, an asset, or `venue:market:SYMBOL`.",
            max_length=LONGEST,
            examples=["BTC-USDT"],
        ),
    ] = "",
    limit: Annotated[int, Query(description="At most so many.", ge=1, le=MOST_LISTED)] = 50,
    offset: OffsetQuery = 0,
) -> shapes.Backtests:
    """Return the backtests that this home keeps, each with its verdict: luck is called luck here too.

    With `as_of`, those that had been made by then.
    """
    _asked_each_time(response)
    found = select_all(workspace, symbol=symbol, limit=limit, offset=offset, as_of=as_of)
    return shapes.Backtests.model_validate(found)


@router.get("/compare", summary="Backtests side by side")
def compare(  # noqa: PLR0917
    workspace: Served,
    response: Response,
    as_of: AsOf,
    run: Annotated[
        list[str],
        Query(
            description=f"Ids, 2 to {curves.MOST_COMPARED}: `run=a&run=b`.",
            min_length=2,
            max_length=curves.MOST_COMPARED,
            examples=[["30879a232a3d", "b39e7134d100"]],
        ),
    ],
    points: PointsQuery = curves.USUAL_POINTS,
) -> shapes.Comparison:
    """Return backtests with their figures, and their equity as growth since the first moment that all of them have.

    `warnings` says why the figures cannot simply be compared: other periods, series, bars or costs.
    """
    _asked_each_time(response)
    found = curves.compare(workspace, run, points=points, as_of=as_of)
    return shapes.Comparison(
        since=found.since,
        warnings=list(found.warnings),
        runs=[
            shapes.Compared(
                brief=shapes.Backtest.model_validate(one.brief),
                figures=[shapes.Figure.model_validate(figure) for figure in one.figures],
                columns=shapes.Growth.model_validate(_columns(one.frame)),
            )
            for one in found.runs
        ],
    )


@router.get("/{run}", summary="One backtest with its figures, intervals and assumptions")
def backtest(workspace: Served, response: Response, as_of: AsOf, run: RunPath) -> shapes.BacktestPage:
    """Return a backtest: what was traded and assumed, its figures beside buying and holding, and what they are worth.

    The figures are of the pessimistic path; the optimistic ones stand beside them.
    """
    _asked_each_time(response)
    return shapes.BacktestPage.model_validate(select(workspace, run, as_of=as_of))


@router.get("/{run}/equity", summary="What the account was worth at each close")
def equity(  # noqa: PLR0917
    workspace: Served, response: Response, as_of: AsOf, run: RunPath, points: PointsQuery = curves.USUAL_POINTS
) -> shapes.Equity:
    """Return equity on both paths, that of buying and holding, drawdown and exposure, column by column.

    Where there are more closes than `points`, the first, the last, and the lowest and highest of each curve in each
    part of the period are here, each at its own moment: no peak and no trough is lost.
    """
    _asked_each_time(response)
    found = curves.equity(workspace, run, points=points, as_of=as_of)
    return shapes.Equity(
        run=found.run,
        series=list(found.series),
        bars=found.bars,
        points=found.points,
        columns=shapes.EquityColumns.model_validate(_columns(found.frame)),
    )


async def _trades_asked(  # noqa: PLR0917  # one parameter of the address each
    symbol: Annotated[
        str, Query(description="Only of this, as the backtest names it.", max_length=LONGEST, examples=["BTC-USDT"])
    ] = "",
    start: Annotated[
        str | None,
        Query(
            description="Only those that ended then or later: ISO 8601, or milliseconds since 1970.",
            max_length=LONGEST,
            examples=["2026-05-01T00:00:00Z"],
        ),
    ] = None,
    end: Annotated[
        str | None,
        Query(
            description="Only those that were entered before.", max_length=LONGEST, examples=["2026-06-01T00:00:00Z"]
        ),
    ] = None,
    limit: Annotated[int, Query(description="At most so many.", ge=1, le=curves.MOST_TRADES)] = 100,
    offset: OffsetQuery = 0,
) -> curves.WhichTrades:
    return curves.WhichTrades(symbol, _moment(start, "start"), _moment(end, "end"), limit, offset)


@router.get("/{run}/trades", summary="Closed trades of a backtest")
def trades(  # noqa: PLR0917
    workspace: Served,
    response: Response,
    as_of: AsOf,
    run: RunPath,
    which: Annotated[curves.WhichTrades, Depends(_trades_asked)],
) -> shapes.Trades:
    """Return positions that were closed, in the order in which they ended; with `start` and `end`, those open then."""
    _asked_each_time(response)
    found = curves.trades(workspace, run, which, as_of=as_of)
    rows = [shapes.Trade.model_validate(row) for row in found.frame.iter_rows(named=True)]
    return shapes.Trades(run=found.run, found=found.found, rows=rows)


@router.get("/{run}/combinations", summary="All combinations of a sweep")
def combinations(workspace: Served, response: Response, as_of: AsOf, run: RunPath) -> shapes.Sweep:
    """Return what a sweep tried, column by column, the combination of the highest Sharpe ratio first.

    One good combination among bad neighbours is luck more often than not.
    """
    _asked_each_time(response)
    return shapes.Sweep.model_validate(select_sweep(workspace, run, as_of=as_of))


def _moment(text: str | None, name: str) -> datetime | None:
    return None if text is None else moment_of(text, name)


def _columns(frame: pl.DataFrame) -> dict[str, list[object]]:
    """Return columns as lists: moments in milliseconds."""
    return {
        name: (column.dt.epoch("ms") if column.dtype.is_temporal() else column).to_list()
        for name, column in frame.to_dict().items()
    }
