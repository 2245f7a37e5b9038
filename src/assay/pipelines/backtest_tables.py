"""A backtest as tables: what the account was worth at each close, and every trade, fill and order, times in UTC."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from assay.backtest.layout import Floats
from assay.backtest.result import Fill, PlacedOrder, Result, Trade
from assay.domain.errors import BadInputError
from assay.pipelines.training_table import save_rows

if TYPE_CHECKING:
    from assay.pipelines.backtest_report import BacktestReport

FORMATS = ("csv", "parquet")
_KINDS: Mapping[object, type[pl.DataType]] = {
    str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean
}  # fmt: skip


def tables_of(report: BacktestReport) -> dict[str, pl.DataFrame]:
    """Return equity, trades, fills and orders, and of several symbols the positions.

    ``equity`` has a row a bar: ``equity`` is the pessimistic path, ``equity_optimistic`` the other one, ``equity_hold``
    buying at the first chance and holding; where the bars left a doubt, all that can have come of it is between
    ``equity_lowest`` and ``equity_highest``. All are in quote units; ``drawdown`` is a fraction <= 0.
    It also has the price and what was held of the symbol; where there are several, ``positions`` has that, a row a
    symbol and bar. ``return`` of a trade is its ``pnl`` over what was entered, costs included.
    """
    positions = {} if len(report.result.market.symbols) == 1 else {"positions": _positions(report.result)}
    return {"equity": _equity(report), **_events(report.result), **positions}


def check_kind(kind: str) -> None:
    """Raise BadInputError if tables cannot be written so."""
    if kind not in FORMATS:
        raise BadInputError("unknown kind of file", value=kind, todo=f"use {' or '.join(FORMATS)}")


def save_tables(
    tables: Mapping[str, pl.DataFrame], about: Mapping[str, object], folder: Path | str, kind: str
) -> tuple[Path, ...]:
    """Write tables into a folder, as CSV or Parquet with what is said of them; return the files.

    Raises
    ------
    BadInputError
        If the kind is neither.
    StorageError
        If the disk refuses.
    """
    check_kind(kind)
    paths = tuple(Path(folder) / f"{name}.{kind}" for name in tables)
    for table, path in zip(tables.values(), paths, strict=True):
        save_rows(table, about, path)
    return paths


def worth_of(result: Result) -> Floats:
    """Return what the account was worth before the first bar and at each close, shape ``(n_bars + 1,)``."""
    return np.concatenate([[result.account.cash], result.equity])


def moments(microseconds: np.ndarray[Any, Any]) -> pl.Series:
    """Return microseconds as moments of UTC."""
    return pl.Series(microseconds).cast(pl.Datetime("us", "UTC"))


def _equity(report: BacktestReport) -> pl.DataFrame:
    result = report.result
    top = np.maximum.accumulate(worth_of(result))[1:]
    is_one = len(result.market.symbols) == 1
    held = {"close": result.market.close[:, 0], "quantity": result.quantity[:, 0]} if is_one else {}
    band = report.band
    ends = {} if band.is_exact else {"equity_lowest": band.lowest, "equity_highest": band.highest}
    return pl.DataFrame(
        {
            "open_time": moments(result.market.open_time),
            "close_time": moments(result.market.close_time),
            **held,
            "exposure": result.exposure,
            "equity": result.equity,
            "equity_optimistic": band.optimistic.equity,
            **ends,
            "equity_hold": report.hold.equity,
            "drawdown": result.equity / top - 1.0,
        }
    )


def _positions(result: Result) -> pl.DataFrame:
    opened, symbols = moments(result.market.open_time), result.market.symbols
    return pl.concat(
        pl.DataFrame(
            {
                "open_time": opened,
                "symbol": pl.Series([symbol]).new_from_index(0, opened.len()),
                "close": result.market.close[:, place],
                "quantity": result.quantity[:, place],
            }
        )
        for place, symbol in enumerate(symbols)
    )


def _events(result: Result) -> dict[str, pl.DataFrame]:
    opened, closed = moments(result.market.open_time), moments(result.market.close_time)
    places = {"entry_row": ("entry_open_time", opened), "exit_row": ("exit_open_time", opened)}
    trades = _table(result.trades, Trade, places)
    return {
        "trades": trades.with_columns((pl.col("pnl") / (pl.col("quantity") * pl.col("entry_price"))).alias("return")),
        "fills": _table(result.fills, Fill, {"row": ("open_time", opened)}),
        "orders": _table(result.orders, PlacedOrder, {"row": ("decided_at", closed)}),
    }


def _table(rows: tuple[Any, ...], kind: type[Any], places: Mapping[str, tuple[str, pl.Series]]) -> pl.DataFrame:
    """Return rows of a kind; places of bars become their moments. What has no rows has its columns all the same."""
    columns: list[pl.Series] = []
    for name, told in typing.get_type_hints(kind).items():
        values = [getattr(one, name) for one in rows]
        if name in places:
            new, times = places[name]
            columns.append(times.gather(values).alias(new))
        else:
            columns.append(pl.Series(name, values, dtype=_KINDS[_given(told)]))
    return pl.DataFrame(columns)


def _given(told: Any) -> object:  # noqa: ANN401  # an annotation
    """Return the type of a column that may be empty."""
    if isinstance(told, types.UnionType):
        return next(one for one in typing.get_args(told) if one is not type(None))
    return told
