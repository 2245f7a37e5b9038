"""``assay sandbox``: the simulated exchange on a port of this machine, until it is interrupted."""

from __future__ import annotations

import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, printable

if TYPE_CHECKING:
    from assay.pipelines.replaying import Replayed
    from assay.venues.sandbox.exchange import Exchange
    from assay.venues.sandbox.faults import FaultPlan

_AWAKE_S = 0.2
_SHOWN = 3
_FIRST_YEAR, _END_YEAR = 1970, 2100


def sandbox(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes a free one.", min=0, max=65535)] = 8900,
    seed: Annotated[int, typer.Option(help="Which market; one seed is one market.", min=0)] = 0,
    edge: Annotated[float, typer.Option(help="Size of the planted edge, 0 to 0.5.")] = 0.0,
    scenario: Annotated[
        list[str] | None, typer.Option(help="What happens besides: tick:BTC=0.1@2024-06-01, or reused (LUNA twice).")
    ] = None,
    clock: Annotated[str, typer.Option(help="frozen, running, or a pace such as 60x.")] = "running",
    start: Annotated[str, typer.Option(help="What its clock says first (UTC); else the time now.")] = "",
    fault: Annotated[list[str] | None, typer.Option(help="KIND[@VENUE[/ENDPOINT]][:PROBABILITY[:SECONDS]].")] = None,
    faults: Annotated[Path | None, typer.Option(help="A plan of faults (YAML).")] = None,
    all_faults: Annotated[bool, typer.Option("--all-faults", help="Everything goes wrong now and then.")] = False,
    replay: Annotated[str, typer.Option(help="Recorded klines to serve: a file or a folder.")] = "",
    replay_as: Annotated[str, typer.Option(help="What they are, such as binance:BTC-USDT:1h.")] = "",
    replay_plan: Annotated[Path | None, typer.Option(help="A recordings plan (YAML) to serve.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the exchange in a box: Binance, CoinGecko and WazirX over one simulated market."""
    from assay.domain.clock import SystemClock  # noqa: PLC0415
    from assay.venues.sandbox.clocks import make_clock  # noqa: PLC0415  # NumPy costs start-up time
    from assay.venues.sandbox.exchange import Exchange  # noqa: PLC0415
    from assay.venues.sandbox.market import Market  # noqa: PLC0415
    from assay.venues.sandbox.replay import NO_REPLAY  # noqa: PLC0415
    from assay.venues.sandbox.scenarios import parse_scenario  # noqa: PLC0415

    happening = [parse_scenario(text) for text in scenario or ()]
    options_of(context).settings()  # sets up the log
    kept = make_clock(clock, SystemClock(), start=_start(start) if start else None)
    plan = _fault_plan(fault or [], faults, kept.now() if all_faults else None, seed=seed)
    replayed = _replayed(replay, replay_as, replay_plan)
    exchange = Exchange(
        Market(seed, edge=edge, scenarios=happening),
        kept,
        elapsed=time.monotonic,
        faults=plan,
        replay=replayed.replay if replayed else NO_REPLAY,
    )
    document: dict[str, object] = {"seed": seed, "edge": edge, "clock": clock, "now": kept.now()}
    document |= {"scenarios": [one.name for one in happening], "faults": len(plan.faults)} | (
        replayed.to_dict() if replayed else {}
    )
    _serve(exchange, (host, port), document, as_json=as_json)


def _start(text: str) -> datetime:
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.domain.interval import parse_moment  # noqa: PLC0415

    moment = parse_moment(text)
    if not _FIRST_YEAR <= moment.year < _END_YEAR:
        todo = f"give a moment from {_FIRST_YEAR} on and before {_END_YEAR}"
        raise BadInputError("there is no market then", value=text, todo=todo)
    return moment


def _serve(exchange: Exchange, place: tuple[str, int], document: dict[str, object], *, as_json: bool) -> None:
    """Say where the sandbox is and what it does, and keep it there until somebody ends it."""
    from assay.cli.failure import after_the_document  # noqa: PLC0415
    from assay.venues.sandbox.server import running  # noqa: PLC0415

    with running(exchange, host=place[0], port=place[1]) as there:
        where = {"host": there.host, "port": there.port, "base_urls": there.base_urls}
        with after_the_document(as_json=as_json):
            emit(where | document, as_json=as_json, text=lambda: _text(there.base_urls, document))
            sys.stdout.flush()
            _wait()


def _fault_plan(short: list[str], file: Path | None, all_from: datetime | None, *, seed: int) -> FaultPlan:
    """Return all faults that were asked for; the draws are those of the file's seed, or of the market's."""
    from assay.venues.sandbox.fault_plans import all_kinds, join_plans, parse_fault, read_fault_plan  # noqa: PLC0415
    from assay.venues.sandbox.faults import FaultPlan  # noqa: PLC0415

    plans = [FaultPlan(seed, tuple(map(parse_fault, short)))]
    if file is not None:
        plans.insert(0, read_fault_plan(file, seed=seed))
    if all_from is not None:
        plans.append(all_kinds(seed, start=all_from))
    return join_plans(plans[0].seed, plans)


def _replayed(path: str, said: str, plan: Path | None) -> Replayed | None:
    """Return the recordings to serve, or None if there are none."""
    from assay.domain.errors import BadInputError  # noqa: PLC0415

    if plan is None and not path and not said:
        return None
    from assay.pipelines.plans import read_plan  # noqa: PLC0415
    from assay.pipelines.replaying import load_replay, plan_one  # noqa: PLC0415

    if bool(path) != bool(said):
        raise BadInputError("--replay and --replay-as go together", todo="give both, or --replay-plan")
    if path and plan is not None:
        raise BadInputError("--replay and --replay-plan exclude each other", todo="give one of them")
    with working("reading recordings"):
        return load_replay(read_plan(plan) if plan is not None else plan_one(Path(path), said))


def _wait() -> None:
    """Wait for ever; now and then awake, since not every system wakes a thread that waits without end for a signal."""
    never = threading.Event()
    while True:
        never.wait(_AWAKE_S)


def _text(base_urls: dict[str, str], document: dict[str, object]) -> str:
    width = max(map(len, base_urls))
    lines = [f"{name:{width}}  {url}" for name, url in base_urls.items()]
    scenarios = document["scenarios"]
    assert isinstance(scenarios, list)
    lines += [f"what happens besides: {one}" for one in scenarios]
    if document["faults"]:
        lines.append(f"{document['faults']} faults may strike")
    replayed, left_out = document.get("replayed", []), document.get("left_out", [])
    assert isinstance(replayed, list)
    assert isinstance(left_out, list)
    lines += [f"replays {one['symbol']} {one['interval']}: {one['bars']:,} bars" for one in replayed]
    lines += [f"not replayed: {printable(one['what'])}: {printable(one['cause'])}" for one in left_out[:_SHOWN]]
    if len(left_out) > _SHOWN:
        lines.append(f"and {len(left_out) - _SHOWN} more are not replayed; --json names them")
    return "\n".join([*lines, "Ctrl-C ends it"])


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(sandbox)
