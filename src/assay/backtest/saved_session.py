"""A session as bytes: a line that says what it is, and the array it goes on from.

The bytes hold numbers and words only, nothing that is run when they are read. They name the places of the array by how
many there are, so that a version of Assay that keeps other things refuses them and does not misread them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import NamedTuple

import numpy as np

from assay.backtest import layout as at
from assay.backtest.account import Account, Schedule
from assay.backtest.layout import Floats
from assay.domain.errors import BadInputError
from assay.measures.trading_costs import Costs

_KIND = "assay backtest session 1"
_PLACES = [at.N_HEADER, at.N_SYMBOL, at.N_WAITING]


class SessionState(NamedTuple):
    """All that a session goes on from."""

    symbols: tuple[str, ...]
    account: Account
    schedules: tuple[Schedule, ...]
    row: int
    """How many steps have been done."""
    ordered: int
    """How many orders have been placed."""
    closed: int
    """When the last bar closed, microseconds."""
    memory: Floats
    """Header, symbols and orders that wait, as :mod:`assay.backtest.layout` says."""


def written_state(state: SessionState) -> bytes:
    """Return the state as bytes."""
    numbers = np.ascontiguousarray(state.memory, dtype="<f8").tobytes()
    head = {
        "kind": _KIND,
        "places": _PLACES,
        "symbols": state.symbols,
        "account": dataclasses.asdict(state.account),
        "costs": [[one.from_time, _costs_written(one)] for one in state.schedules],
        "counts": [state.row, state.ordered, state.closed],
    }
    text = json.dumps(head, sort_keys=True).encode()
    digest = hashlib.sha256(text + numbers).hexdigest().encode()
    return b"\n".join([digest, text, numbers])


def read_state(saved: bytes) -> SessionState:
    """Return the state that :func:`written_state` wrote.

    Raises
    ------
    BadInputError
        If it is none, is damaged, or is of a version that keeps other things.
    """
    digest, _, rest = saved.partition(b"\n")
    text, _, numbers = rest.partition(b"\n")
    if hashlib.sha256(text + numbers).hexdigest().encode() != digest:
        raise BadInputError("not a saved session, or a damaged one", todo="take an earlier copy of it")
    head = json.loads(text)
    if head.get("kind") != _KIND or head.get("places") != _PLACES:
        todo = "go on with the version that saved it, or begin a new session"
        raise BadInputError("a session of another version of Assay", value=head.get("kind"), todo=todo)
    schedules = tuple(Schedule(_costs_read(costs), moment) for moment, costs in head["costs"])
    memory = np.frombuffer(numbers, dtype="<f8").astype(np.float64)
    row, ordered, closed = head["counts"]
    return SessionState(tuple(head["symbols"]), Account(**head["account"]), schedules, row, ordered, closed, memory)


def _costs_written(schedule: Schedule) -> dict[str, object]:
    if isinstance(schedule.costs, Costs):
        return {"all": dataclasses.asdict(schedule.costs)}
    return {"each": {symbol: dataclasses.asdict(costs) for symbol, costs in schedule.costs.items()}}


def _costs_read(written: dict[str, dict[str, object]]) -> Costs | dict[str, Costs]:
    if "all" in written:
        return Costs(**written["all"])  # type: ignore[arg-type]
    return {symbol: Costs(**costs) for symbol, costs in written["each"].items()}  # type: ignore[arg-type]
