"""``assay features``: indicators, and the tables that models learn from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli import checking, computing, garch
from assay.cli.options import AsJson, AsOf, AvailableAt, moment_of, options_of
from assay.cli.progress import working
from assay.cli.render import emit
from assay.cli.saving import Saved, about_to_save

if TYPE_CHECKING:
    from assay.pipelines.training_table import TrainingTable

commands = typer.Typer(help="Indicators, and tables that models learn from.", rich_markup_mode=None)


@commands.callback()
def features() -> None:
    """Look up and compute indicators, and make tables that models learn from."""


@commands.command("table")
def make_table(
    context: typer.Context,
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="BTC-USD, BTCUSDT, binance:spot:BTC-USDT.")],
    features_: Annotated[
        str, typer.Option("--features", help="Name of a feature set, shipped or your own.")
    ] = "direction",
    label: Annotated[
        str, typer.Option(help="direction_24h, return_24h, delta_1h or triple_barrier_24h_2_2.")
    ] = "direction",
    interval: Annotated[str, typer.Option(help="Length of the bars: 1s to 1w.")] = "1h",
    reference: Annotated[str, typer.Option(help="What beta and the like are held against: BTC-USDT.")] = "",
    since: Annotated[str, typer.Option(help="Rows of bars from this open time on.")] = "",
    until: Annotated[str, typer.Option(help="No bar that opens then or later is looked at, for labels neither.")] = "",
    as_of: AsOf = "",
    available_at: AvailableAt = "",
    save_to: Annotated[Path | None, typer.Option(help="Write the rows to this file: .parquet or .csv.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a training table and say its content hash; with the same --as-of it is the same for ever."""
    from assay.domain.interval import Interval  # noqa: PLC0415
    from assay.lake.reads import Span  # noqa: PLC0415
    from assay.pipelines.training_table import (  # noqa: PLC0415
        TableRequest,
        check_format,
        make_training_table,
        save_training_table,
    )
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    if save_to:
        check_format(save_to)
    Interval.parse(interval)
    span = Span(moment_of(since), moment_of(until), moment_of(as_of), moment_of(available_at))
    request = TableRequest(tuple(symbols), features_, label, interval, span, reference)
    with working("making the table"):
        made = make_training_table(open_workspace(options_of(context).settings(), create=False), request)
        saved = about_to_save(save_to) if save_to else None
        if save_to:
            save_training_table(made, save_to)
    document = made.about() | ({"file": str(save_to)} if save_to else {})
    emit(document, as_json=as_json, text=lambda: _text(made, saved))


def _text(made: TrainingTable, saved: Saved | None) -> str:
    series = ", ".join(str(one) for one in made.resolutions)
    lines = [
        f"series    {series}",
        f"features  {made.feature_set}",
        f"label     {made.label}",
        f"rows      {made.frame.height:,}",
        f"hash      {made.content_hash}",
    ]
    lines += [f"two assets {told}; no row knows bars of both" for told in made.split]
    if made.span.as_of:
        lines.append(f"as of     {made.span.as_of.isoformat()}: --as-of this gives the same table again")
    if made.span.available_at:
        lines.append(f"available {made.span.available_at.isoformat()}")
    if saved:
        lines.append(str(saved))
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    computing.add_to(commands)
    checking.add_to(commands)
    garch.add_to(commands)
    app.add_typer(commands, name="features")
