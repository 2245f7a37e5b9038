"""``assay klines``: the bars of one series, on the screen or as a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, AsOf, AvailableAt, moment_of, options_of
from assay.cli.progress import counting, working
from assay.cli.render import emit, table
from assay.cli.saving import Saved, about_to_save

if TYPE_CHECKING:
    from assay.selectors.klines import Klines

_SHOWN = ("open_time", "open", "high", "low", "close", "volume", "revision", "is_closed", "missing_bars_before")
_LAST = 20


def klines(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(help="Any spelling: BTC-USD, BTCUSDT, or binance:spot:BTC-USDT.")],
    interval: Annotated[str, typer.Option(help="Length of the bars: 1s to 1M.")] = "1h",
    since: Annotated[str, typer.Option(help="From this open time on.")] = "",
    until: Annotated[str, typer.Option(help="Before this open time.")] = "",
    as_of: AsOf = "",
    available_at: AvailableAt = "",
    fetch: Annotated[bool, typer.Option("--fetch", help="First fetch from the venue what the lake lacks.")] = False,
    save_to: Annotated[Path | None, typer.Option(help="Write BTCUSDT_1h.csv into this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the bars of a series, or save them as CSV with Binance's twelve columns."""
    from assay.domain.interval import Interval  # noqa: PLC0415
    from assay.lake.reads import Span  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.klines import klines as select  # noqa: PLC0415
    from assay.selectors.klines import save_csv  # noqa: PLC0415

    Interval.parse(interval)
    span = Span(moment_of(since), moment_of(until), moment_of(as_of), moment_of(available_at), only_closed=False)
    settings = options_of(context).settings()
    if fetch:
        from assay.pipelines.fetching import fetch_klines  # noqa: PLC0415

        with counting("fetching") as advance:
            fetch_klines(open_workspace(settings), symbol, interval, span=(since, until), progress=advance)
    with working("reading"):
        found = select(open_workspace(settings, create=False), symbol, interval, span=span)
        # The folder is what is asked for: it counts as one that had to be made.
        above = about_to_save(save_to / "any") if save_to else None
        path = save_csv(found, save_to) if save_to else None
    series = {"series": str(found.resolution.series), "requested": symbol, "is_stand_in": found.resolution.is_stand_in}
    document: dict[str, object] = series | {"bars": found.frame.height, "assets": found.assets}
    document["file" if path else "klines"] = str(path) if path else found.frame.to_dicts()
    saved = Saved(path, above.new_folder) if path and above else None
    emit(document, as_json=as_json, text=lambda: _text(found, saved))


def _text(found: Klines, saved: Saved | None) -> str:
    lines = [f"{found.resolution}: {found.frame.height:,} bars"]
    lines += [
        f"not one series: until {one.valid_to:%Y-%m-%d %H:%M} UTC the bars are of {one.asset_id}"
        for one in found.assets[:-1]
    ]
    if saved:
        lines.append(str(saved))
    else:
        lines.append(table(_SHOWN, found.frame.select(_SHOWN).tail(_LAST).iter_rows()))
        hidden = found.frame.height - _LAST
        if hidden > 0:
            lines.append(f"the last {_LAST}; {hidden:,} before them")
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(klines)
