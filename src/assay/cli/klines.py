"""``assay klines``: the bars of one series, on the screen or as a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, table

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
    as_of: Annotated[str, typer.Option(help="As they were known at this moment (UTC).")] = "",
    save_to: Annotated[Path | None, typer.Option(help="Write BTCUSDT_1h.csv into this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the bars of a series, or save them as CSV with Binance's twelve columns."""
    from assay.domain.interval import Interval, parse_moment  # noqa: PLC0415
    from assay.lake.reads import Span  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.klines import klines as select  # noqa: PLC0415
    from assay.selectors.klines import save_csv  # noqa: PLC0415

    Interval.parse(interval)
    moments = [parse_moment(text) if text else None for text in (since, until, as_of)]
    span = Span(start=moments[0], end=moments[1], as_of=moments[2], only_closed=False)
    with working("reading"):
        found = select(open_workspace(options_of(context).settings(), create=False), symbol, interval, span=span)
        path = save_csv(found, save_to) if save_to else None
    series = {"series": str(found.resolution.series), "requested": symbol, "is_stand_in": found.resolution.is_stand_in}
    document: dict[str, object] = series | {"bars": found.frame.height}
    document["file" if path else "klines"] = str(path) if path else found.frame.to_dicts()
    emit(document, as_json=as_json, text=lambda: _text(found, path))


def _text(found: Klines, path: Path | None) -> str:
    lines = [f"{found.resolution}: {found.frame.height:,} bars"]
    if path:
        lines.append(f"written to {path}")
    else:
        lines.append(table(_SHOWN, found.frame.select(_SHOWN).tail(_LAST).iter_rows()))
        hidden = found.frame.height - _LAST
        if hidden > 0:
            lines.append(f"the last {_LAST}; {hidden:,} before them")
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(klines)
