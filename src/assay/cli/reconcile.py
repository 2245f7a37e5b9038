"""``assay reconcile`` and ``assay instruments``: how sources agree, and what is traded where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, AsOf, AvailableAt, moment_of, options_of
from assay.cli.progress import working
from assay.cli.render import emit, table

if TYPE_CHECKING:
    from assay.selectors.instruments import Instruments
    from assay.selectors.reconciliation import Reconciliation

_COLUMNS = ("symbol", "interval", "source", "bars", "missing", "flagged", "unsettled", "median bps", "trust")
_STATE = ("venue", "market", "symbol", "status", "tick_size", "lot_size", "min_notional", "maker_bps", "taker_bps")


def reconcile(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(help="Only this symbol, in any spelling.")] = "",
    as_of: AsOf = "",
    available_at: AvailableAt = "",
    as_json: AsJson = False,
) -> None:
    """Show how the sources of each price agree, what was flagged, and how far each is trusted."""
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.reconciliation import reconciliation  # noqa: PLC0415

    then, available = moment_of(as_of), moment_of(available_at)
    with working("reading"):
        workspace = open_workspace(options_of(context).settings(), create=False)
        found = reconciliation(workspace, symbol, as_of=then, available_at=available)
    emit(found, as_json=as_json, text=lambda: _agreement(found))


def instruments(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(help="A symbol or an asset: all its states, in any spelling.")] = "",
    venue: Annotated[str, typer.Option(help="Only of this venue.")] = "",
    on: Annotated[str, typer.Option(help="Only what stood at this moment (UTC), and what tickers meant then.")] = "",
    as_of: Annotated[str, typer.Option(help="As they were known at this moment (UTC), with the fees of then.")] = "",
    available_at: AvailableAt = "",
    as_json: AsJson = False,
) -> None:
    """Show what can be traded where, on which terms, since when, and what it was before."""
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.instruments import instruments as select  # noqa: PLC0415

    then, available = moment_of(as_of), moment_of(available_at)
    with working("reading"):
        workspace = open_workspace(options_of(context).settings(), create=False)
        found = select(workspace, symbol, venue=venue, on=moment_of(on), as_of=then, available_at=available)
    emit(found, as_json=as_json, text=lambda: _states(found, is_one=bool(symbol)))


def _agreement(found: Reconciliation) -> str:
    if not found.prices:
        return "no price has two sources: bring in bars of another venue, or set reconcile.stand_ins"
    rows = []
    for price in found.prices:
        for one in price.sources:
            median = None if one.median_deviation_bps is None else round(one.median_deviation_bps, 2)
            trust = None if one.trust is None else round(one.trust, 3)
            source = f"{one.venue}:{one.market}:{one.symbol}"
            counts = (one.bars, one.missing, one.flagged, one.unsettled)
            rows.append((price.symbol, price.interval, source, *counts, median, trust))
    lines = [table(_COLUMNS, rows)]
    for price in found.prices:
        for one in price.sources:
            if one.reasons:
                told = ", ".join(f"{count:,} {reason}" for reason, count in one.reasons.items())
                lines.append(f"{price.symbol} {price.interval}, {one.venue}:{one.market}:{one.symbol}: {told}")
        lines.append(
            f"{price.symbol} {price.interval}: {price.compared:,} of {price.bars:,} bars compared, "
            f"{price.without_consensus:,} without a consensus"
        )
    return "\n".join(lines)


def _states(found: Instruments, *, is_one: bool) -> str:
    columns = (
        (*_STATE, "valid_from", "valid_to", "change", "listed_at", "listed_by", "delisted_at")
        if is_one
        else (*_STATE, "listed_at")
    )
    rows = []
    for one in found.states:
        values = {name: getattr(one, name) for name in columns}
        rows.append([value if value is None or isinstance(value, str | int | float) else f"{value:%Y-%m-%d %H:%M}"
                     for value in values.values()])  # fmt: skip
    lines = [table(columns, rows)] if rows else ["no list that is known of names it"]
    for segment in found.segments:
        since = "" if segment.valid_from.year == 1970 else f" from {segment.valid_from:%Y-%m-%d %H:%M}"
        until = "" if segment.valid_to.year == 9999 else f" until {segment.valid_to:%Y-%m-%d %H:%M}"
        lines.append(f"{segment.ticker}{since}{until} is {segment.asset_id}: {segment.source}")
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(reconcile)
    app.command()(instruments)
