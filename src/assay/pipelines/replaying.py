"""Recordings for the sandbox to serve: files that ``assay import`` reads become answers of the simulated Binance.

The wire of Binance's spot klines is all that is replayed. What cannot be said on it, such as a future's bars or those
of another venue, is left out and named; rows that an import would quarantine are no bars and are left out as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from assay.domain.errors import AssayError, BadInputError
from assay.domain.instrument import Market
from assay.domain.symbol import Symbol
from assay.lake.recordings import find_files, read_recording
from assay.pipelines.plans import Plan, PlannedImport
from assay.venues.registry import find_spec
from assay.venues.sandbox.replay import Replay, Row, rows_of

VENUE = "binance"
_FORM = "write VENUE:SYMBOL:INTERVAL, such as binance:BTC-USDT:1h"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the sandbox has to serve, and what it could not take: file (or entry of the plan) and reason."""

    replay: Replay
    left_out: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, object]:
        """Return both as plain values for JSON."""
        bars = [
            {"symbol": symbol, "interval": interval, "bars": count}
            for (symbol, interval), count in sorted(self.replay.counts.items())
        ]
        return {"replayed": bars, "left_out": [{"what": what, "cause": cause} for what, cause in self.left_out]}


def plan_one(path: Path, said: str) -> Plan:
    """Return the plan of one recording, of which `said` tells the series: ``binance:BTC-USDT:1h``.

    Examples
    --------
    >>> plan_one(Path("bars.csv"), "binance:BTC-USDT:1h").imports[0].interval
    '1h'

    Raises
    ------
    BadInputError
        If it is not written so, or names another venue.
    """
    venue, _, rest = said.partition(":")
    symbol, _, interval = rest.partition(":")
    if not (venue and symbol and interval):
        raise BadInputError("not a series", value=said, todo=_FORM)
    if venue != VENUE:
        raise BadInputError("the sandbox cannot replay this venue", value=venue, todo=f"only {VENUE} is replayed")
    planned = PlannedImport(path=path, venue=venue, interval=interval, symbol=symbol)
    planned.spec()
    return Plan(root=Path(), imports=[planned])


def load_replay(plan: Plan) -> Replayed:
    """Read all that a plan names and Binance's wire can carry; what two files say alike is there once.

    Raises
    ------
    BadInputError
        If nothing of it can be replayed, or a file or folder that it names is not there.
    """
    series: dict[tuple[str, str], list[Row]] = {}
    left_out: list[tuple[str, str]] = []
    refused: list[AssayError] = []
    for planned in plan.imports:
        if planned.venue != VENUE or Market.parse(planned.market) is not Market.SPOT:
            left_out.append((str(planned.path), f"{planned.venue} {planned.market} is not replayed"))
            continue
        for file in find_files(plan.root / planned.path):
            try:
                found = _read(file, planned)
            except AssayError as error:
                left_out.append((str(file), str(error)))
                refused.append(error)
                continue
            for key, rows in found.items():
                known = {tuple(row) for row in series.get(key, ())}
                series.setdefault(key, []).extend(row for row in rows if tuple(row) not in known)
    if not series and len(refused) == len(left_out) == 1:
        raise refused[0]
    if not series:
        cause = "; ".join(f"{Path(what).name}: {why}" for what, why in left_out[:3])
        raise BadInputError("there is nothing to replay", todo=cause or "name a recording with a finished bar")
    return Replayed(Replay(series), tuple(left_out))


def _read(file: Path, planned: PlannedImport) -> dict[tuple[str, str], list[Row]]:
    """Return the rows of a file by series; bars that may have been recorded unfinished are not among them."""
    spec, venue = planned.spec(), find_spec(VENUE)
    finished = read_recording(file, spec).klines.filter(~pl.col("is_provisional")).sort("row_number")
    wire = venue.wire_interval(spec.interval)
    parts = finished.partition_by("symbol", as_dict=True, maintain_order=True)
    return {
        (venue.symbols.to_wire(Symbol.parse(str(symbol))), wire): rows_of(rows) for (symbol,), rows in parts.items()
    }
