"""Plans of faults from words: a short form for the command line, a YAML file, and everything that can go wrong at once.

>>> fault = parse_fault("429@binance/klines:0.05:10")
>>> fault.kind.name, fault.venue, fault.endpoint, fault.probability, fault.seconds
('TOO_MANY', 'binance', 'klines', 0.05, 10.0)
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta
from pathlib import Path

import yaml

from assay.domain.errors import AssayError, BadInputError
from assay.domain.interval import parse_moment, utc
from assay.venues.registry import find_spec, venue_names
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind

_SHORT = re.compile(
    r"(?P<kind>[^@:]*)(?:@(?P<venue>[^/:]*)(?:/(?P<endpoint>[^:]*))?)?(?::(?P<probability>[^:]*)(?::(?P<seconds>[^:]*))?)?"
)
_FORM = "write KIND[@VENUE[/ENDPOINT]][:PROBABILITY[:SECONDS]], such as 429@binance/klines:0.05:10"
_KINDS = [kind.value for kind in Kind]
_NAMES = [field.name for field in fields(Fault)]
_HOUR = timedelta(hours=1)


def all_kinds(
    seed: int, *, start: datetime, rate: float = 0.02, lossy: str = "", venues: Sequence[str] = ()
) -> FaultPlan:
    """Return a plan in which everything that can go wrong does, each fault at a modest rate.

    Beside the faults that are drawn, every venue is down for an hour once: the first one (by name) from an hour after
    `start` on, the next one from three hours after it on, and so forth.

    Parameters
    ----------
    seed : int
        Of the draws.
    start : datetime
        From when on outages are counted; usually what the sandbox's clock says first.
    rate : float, default 0.02
        Probability of each of the common faults; bans and silence come at a quarter of it, restated bars at ten times.
    lossy : str, default ""
        Name of the only endpoint where answers that read well may differ from the right ones (a row lost, doubled,
        out of place, of another type; another clock; bars restated or early); empty: everywhere. What is asked for
        again and again, such as klines, recovers from these, and a snapshot of a moment cannot.
    venues : sequence of str, optional
        Those that are down for an hour, in this order; all, if none is named.

    Raises
    ------
    BadInputError
        If there is no such endpoint, or a rate is no probability.

    Examples
    --------
    >>> from datetime import UTC
    >>> plan = all_kinds(1, start=datetime(2024, 5, 1, tzinfo=UTC))
    >>> {fault.kind for fault in plan.faults} == set(Kind)
    True
    """
    if lossy:
        check_place("", lossy)
    rare = rate / 4
    drawn = [
        Fault(Kind.TOO_MANY, probability=rate, seconds=5.0),
        Fault(Kind.BANNED, probability=rare, seconds=30.0),
        Fault(Kind.SERVER_ERROR, probability=rate),
        Fault(Kind.SILENCE, probability=rare, seconds=60.0),
        Fault(Kind.TRUNCATED, probability=rate),
        Fault(Kind.MALFORMED, probability=rate),
        *(
            Fault(kind, endpoint=lossy, probability=rate)
            for kind in (Kind.WRONG_TYPES, Kind.DUPLICATE, Kind.OUT_OF_ORDER, Kind.MISSING, Kind.EARLY)
        ),
        Fault(Kind.RESTATED, endpoint=lossy, probability=min(1.0, 10 * rate), seconds=600.0),
        Fault(Kind.SKEW, endpoint=lossy, probability=rate, seconds=40.0),
        Fault(Kind.SKEW, endpoint=lossy, probability=rate, seconds=-40.0),
    ]
    first = utc(start) + _HOUR
    down = [
        Fault(Kind.DOWN, venue=name, start=first + 2 * number * _HOUR, end=first + (2 * number + 1) * _HOUR)
        for number, name in enumerate(venues or venue_names())
    ]
    return FaultPlan(seed, (*drawn, *down))


def parse_fault(text: str) -> Fault:
    """Return the fault in short form: ``KIND[@VENUE[/ENDPOINT]][:PROBABILITY[:SECONDS]]``.

    Raises
    ------
    BadInputError
        If it is not written so, or no such fault can be.
    """
    match = _SHORT.fullmatch(text.strip())
    if match is None:
        raise BadInputError("not a fault", value=text, todo=_FORM)
    return make_fault({name: value for name, value in match.groupdict().items() if value is not None})


def make_fault(values: Mapping[str, object]) -> Fault:
    """Return the fault with these fields of :class:`Fault`, as text or as YAML has them.

    Raises
    ------
    BadInputError
        If a name or a value is none, with the nearest one that is.
    """
    for name in values:
        if name not in _NAMES:
            raise BadInputError("a fault has no such field", value=name, todo=_nearest(str(name), _NAMES))
    if "kind" not in values:
        raise BadInputError("a fault without a kind", todo=f"use one of {', '.join(_KINDS)}")
    kind = str(values["kind"])  # YAML reads 429 as a number
    if kind not in _KINDS:
        raise BadInputError("unknown kind of fault", value=kind, todo=_nearest(kind, _KINDS))
    venue, endpoint = str(values.get("venue", "")), str(values.get("endpoint", ""))
    check_place(venue, endpoint)
    return Fault(
        Kind(kind),
        venue=venue,
        endpoint=endpoint,
        probability=_number("probability", values.get("probability", 1.0)),
        calls=_calls(values.get("calls", ())),
        start=_moment(values.get("start")),
        end=_moment(values.get("end")),
        seconds=_number("seconds", values.get("seconds", 30.0)),
    )


def check_place(venue: str, endpoint: str) -> None:
    """Check that there is such a venue with such an endpoint; empty means any.

    Raises
    ------
    BadInputError
        If there is none.
    """
    specs = [find_spec(name) for name in ([venue] if venue else venue_names())]
    known = [one.name for spec in specs for one in spec.endpoints]
    if endpoint and endpoint not in known:
        where = f"{venue} has no such endpoint" if venue else "no venue has such an endpoint"
        raise BadInputError(where, value=endpoint, todo=_nearest(endpoint, known))


def read_fault_plan(file: Path, *, seed: int = 0) -> FaultPlan:
    """Read a plan from YAML: ``faults``, a list of faults by their fields or in short form, and maybe a ``seed``.

    Parameters
    ----------
    file : pathlib.Path
        Which file.
    seed : int, default 0
        Taken if the file has none.

    Raises
    ------
    BadInputError
        If it is not there, is not YAML, or holds anything else.
    """
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError("the plan of faults cannot be read", value=file, todo=str(error)) from error
    except yaml.YAMLError as error:
        todo = " ".join(str(error).split())
        raise BadInputError("the plan of faults is not YAML", value=file, todo=todo) from error
    if not isinstance(document, dict) or not isinstance(document.get("faults"), list):
        raise BadInputError(
            "the plan of faults has no list of faults", value=file, todo="write faults: and below it - …"
        )
    for name in set(document) - {"seed", "faults"}:
        todo = _nearest(str(name), ["seed", "faults"])
        raise BadInputError("the plan of faults has an unknown field", value=name, todo=todo)
    own = document.get("seed", seed)
    if isinstance(own, bool) or not isinstance(own, int) or own < 0:
        raise BadInputError("the seed of the plan of faults is wrong", value=own, todo="use a whole number from 0 on")
    return FaultPlan(own, tuple(_planned(file, number, one) for number, one in enumerate(document["faults"], 1)))


def join_plans(seed: int, plans: Sequence[FaultPlan]) -> FaultPlan:
    """Return all faults of the plans, drawn with `seed`.

    >>> len(join_plans(1, [FaultPlan(2, (parse_fault("down"),)), FaultPlan(3, (parse_fault("429"),))]).faults)
    2
    """
    return FaultPlan(seed, tuple(fault for plan in plans for fault in plan.faults))


def _planned(file: Path, number: int, one: object) -> Fault:
    try:
        if isinstance(one, Mapping):
            return make_fault(one)
        return parse_fault(str(one))
    except AssayError as error:
        raise BadInputError(f"fault {number} of the plan is wrong", value=file, todo=str(error)) from error


def _number(name: str, value: object) -> float:
    try:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            return float(value)
    except ValueError:
        pass
    raise BadInputError(f"{name} is no number", value=value, todo=_FORM)


def _calls(value: object) -> tuple[int, ...]:
    listed = value if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in listed):
        raise BadInputError("calls are no whole numbers", value=value, todo="write them like calls: [1, 2]")
    return tuple(listed)


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    return parse_moment(value.isoformat() if isinstance(value, date) else str(value))


def _nearest(text: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(text, known, n=1)
    return f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
