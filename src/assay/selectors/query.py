"""Free SQL over the lake, as of now or as of any moment."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from assay.domain.instrument import SeriesId
from assay.lake import readonly, reads
from assay.pipelines import steps
from assay.pipelines.workspace import Workspace
from assay.selectors.reconciliation import CONSENSUS, DEVIATIONS, TRUST

if TYPE_CHECKING:
    import duckdb
    import polars as pl


RECONCILED = CONSENSUS, DEVIATIONS, TRUST


def query(
    workspace: Workspace, sql: str, *, as_of: datetime | None = None, available_at: datetime | None = None
) -> pl.DataFrame:
    """Return the rows of one SELECT.

    Parameters
    ----------
    workspace : Workspace
    sql : str
        Tables are named ``silver.crypto_prices_cleaned`` and so on.
    as_of : datetime, optional
        Answer as it was known at that moment; indicators are computed over the bars of that moment.
    available_at : datetime, optional
        Answer with what a system that ran at that moment would have had; both may be given.

    Raises
    ------
    BadInputError
        If `sql` is not one SELECT, or cannot be answered.
    NoDataError
        If nothing was ever built, or a table has no past and it is asked as of a moment.
    """
    lake = workspace.settings.lake
    opened = readonly.open_for_queries(
        workspace.home,
        as_of=as_of,
        available_at=available_at,
        threads=lake.threads,
        memory_limit=lake.memory_limit,
    )
    with opened as connection:
        readonly.check_select(connection, sql)
        if as_of or available_at:
            for table in steps.TABLES:
                if table.name.partition(".")[2] in sql.lower():
                    _add_steps(workspace, connection, table)
        if (as_of or available_at) and any(name.partition(".")[2] in sql.lower() for name in RECONCILED):
            _add_reconciliation(workspace, connection, as_of, available_at)
        if as_of or available_at:
            readonly.check_has_past(connection, sql)
        readonly.lock_down(connection, workspace.home)
        return readonly.result_of(connection, sql)


def _add_reconciliation(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime | None,
    available_at: datetime | None,
) -> None:
    """Make the tables of the reconciliation what is decided over the bars of that moment."""
    from assay.pipelines.reconciling import reconcile_then  # noqa: PLC0415  # it brings the compiler

    for name, frame in reconcile_then(workspace, connection, as_of=as_of, available_at=available_at).items():
        connection.register("reconciled_then", frame)
        connection.execute(f"create table memory.{name} as select * from reconciled_then")
        connection.unregister("reconciled_then")


def _add_steps(workspace: Workspace, connection: duckdb.DuckDBPyConnection, table: steps.StepTable) -> None:
    """Make a table of Steps what they give over the bars of that moment."""
    import polars  # noqa: PLC0415  # heavy, and rarely needed here

    key = ["venue", "market", "symbol", "interval"]
    klines = connection.execute(
        f"select * from memory.{reads.CLEANED} where is_closed order by {', '.join(key)}, open_time"
    ).pl()
    parts = [
        steps.rows_of(workspace, table, part, ticker=SeriesId.of(*series).symbol.base).select(
            *(polars.lit(value).alias(name) for name, value in zip(key, series, strict=True)), polars.all()
        )
        for series, part in klines.partition_by(*key, as_dict=True, maintain_order=True).items()
        if table.covers(str(series[3]))
    ] or [_no_rows(workspace, klines, table, key)]
    connection.register("computed_steps", polars.concat(parts))
    connection.execute(f"create table memory.{table.name} as select * from computed_steps")
    connection.unregister("computed_steps")


def _no_rows(workspace: Workspace, klines: pl.DataFrame, table: steps.StepTable, key: list[str]) -> pl.DataFrame:
    """Return the table as it is where no series is in it."""
    return klines.clear().select(key).hstack(steps.rows_of(workspace, table, klines.clear(), ticker=""))
