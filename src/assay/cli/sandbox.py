"""``assay sandbox``: the simulated exchange on a port of this machine, until it is interrupted."""

from __future__ import annotations

import sys
import threading
import time
from typing import Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.render import emit

_AWAKE_S = 0.2


def sandbox(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes a free one.", min=0, max=65535)] = 8900,
    seed: Annotated[int, typer.Option(help="Which market; one seed is one market.", min=0)] = 0,
    edge: Annotated[float, typer.Option(help="Size of the planted edge, 0 to 0.5.")] = 0.0,
    clock: Annotated[str, typer.Option(help="frozen, running, or a pace such as 60x.")] = "running",
    start: Annotated[str, typer.Option(help="What its clock says first (UTC); else the time now.")] = "",
    as_json: AsJson = False,
) -> None:
    """Run the exchange in a box: Binance, CoinGecko and WazirX over one simulated market."""
    from assay.cli import Terminated  # noqa: PLC0415
    from assay.cli.failure import INTERRUPTED, TERMINATED  # noqa: PLC0415
    from assay.domain.clock import SystemClock  # noqa: PLC0415
    from assay.domain.interval import parse_moment  # noqa: PLC0415
    from assay.venues.sandbox.clocks import make_clock  # noqa: PLC0415  # NumPy costs start-up time
    from assay.venues.sandbox.exchange import Exchange  # noqa: PLC0415
    from assay.venues.sandbox.market import Market  # noqa: PLC0415
    from assay.venues.sandbox.server import running  # noqa: PLC0415

    options_of(context).settings()  # sets up the log
    kept = make_clock(clock, SystemClock(), start=parse_moment(start) if start else None)
    exchange = Exchange(Market(seed, edge=edge), kept, elapsed=time.monotonic)
    with running(exchange, host=host, port=port) as there:
        document = {"host": there.host, "port": there.port, "base_urls": there.base_urls}
        document |= {"seed": seed, "edge": edge, "clock": clock, "now": kept.now()}
        try:
            emit(document, as_json=as_json, text=lambda: _text(there.base_urls))
            sys.stdout.flush()
            _wait()
        except KeyboardInterrupt as interrupt:
            if not as_json:
                raise
            # The one document of --json is out already, and no other may follow.
            is_terminated = isinstance(interrupt, Terminated)
            print(f"assay: {'terminated' if is_terminated else 'interrupted'}", file=sys.stderr)
            raise typer.Exit(TERMINATED if is_terminated else INTERRUPTED) from None


def _wait() -> None:
    """Wait for ever; now and then awake, since not every system wakes a thread that waits without end for a signal."""
    never = threading.Event()
    while True:
        never.wait(_AWAKE_S)


def _text(base_urls: dict[str, str]) -> str:
    width = max(map(len, base_urls))
    return "\n".join([*(f"{name:{width}}  {url}" for name, url in base_urls.items()), "Ctrl-C ends it"])


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(sandbox)
