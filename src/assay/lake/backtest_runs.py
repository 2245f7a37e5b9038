"""Backtests that were made, kept so that they can be shown, compared and handed on without being run again.

``backtests/runs/<moment>-<run>-<hash>.json``
    What a list shows of a run, a document of :mod:`assay.lake.sealed`, and the hash of each of its parts. It is written
    last: a run that has one is whole. Its name alone says which run it is and which is newer, and ends in its own hash.
``backtests/parts/<run>/<moment>/``
    ``report.json.zst``: the figures. ``<table>.parquet``: equity, trades, fills, orders.

A run is named after what was asked and on which data, so the same again is the same run; the newer report of it takes
the place of the older one, since it counts more trials. A damaged file is named, and hides no other run. That a run is
removed takes nothing away from the trials that :mod:`assay.lake.trial_ledger` counts.
"""

from __future__ import annotations

import functools
import hashlib
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from assay.domain.errors import BadInputError, NoDataError, TerminalError
from assay.domain.plain import plain
from assay.lake.sealed import DamagedError, Documents, damage, identity, read_sealed, seal, unseal

if TYPE_CHECKING:
    import polars as pl

FOLDER = "backtests"
FORMAT = 1
KINDS = ("backtest", "sweep", "walk_forward")
_KIND = "backtest run"
_RUNS, _PARTS, _REPORT = f"{FOLDER}/runs", f"{FOLDER}/parts", "report.json.zst"
_DIGITS, _LEAST_DIGITS = 12, 6
_MOMENT = "%Y%m%dT%H%M%S.%f"
_NAME = re.compile(r"(?P<moment>[0-9]{8}T[0-9]{6}\.[0-9]{6})-(?P<run>[0-9a-f]{12})-[0-9a-f]{8}\.json")
_TABLE = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a list shows of a run.

    Attributes
    ----------
    run : str
        12 hexadecimal digits, see :func:`run_id`.
    kind : str
        One of :data:`KINDS`.
    by : str
        Who asked.
    made_at : datetime
    series : tuple of str
        ``venue:market:SYMBOL:interval`` of each.
    start, end : datetime
        The first open and the last close.
    bars : int
    strategy : tuple of str
        What it does, in words of whoever wrote it.
    feature_set, data_version : str
    as_of : datetime or None
        What had been received at that moment was known.
    total_return : float
        Of the pessimistic path, as are all figures: fractions, and NaN where one does not exist.
    band : (float, float)
        Lowest and highest total return where bars do not tell what came first.
    sharpe, deflated_sharpe : float
        Annualised; the probability that the true one is above zero, given how many were tried.
    max_drawdown : float
        Fraction <= 0.
    trades : int
        Positions that were closed.
    hold_return : float
        Of buying at the first chance and holding, at the same costs.
    verdict : str
        ``holds_up``, ``may_be_luck``, ``nothing_earned``, ``not_enough_data`` or ``ruined``.
    sentence : str
        The same with its numbers.
    is_exact : bool
        Whether both ends of the band are the same run.
    """

    run: str
    kind: str
    by: str
    made_at: datetime
    series: tuple[str, ...]
    start: datetime
    end: datetime
    bars: int
    strategy: tuple[str, ...]
    feature_set: str
    data_version: str
    as_of: datetime | None
    total_return: float
    band: tuple[float, float]
    sharpe: float
    deflated_sharpe: float
    max_drawdown: float
    trades: int
    hold_return: float
    verdict: str
    sentence: str
    is_exact: bool

    def document(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        found: Any = plain({one.name: getattr(self, one.name) for one in fields(self)})
        return dict(found)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> RunSummary:
        """Return what :meth:`document` said; KeyError, TypeError or ValueError if it is none."""
        given = {one.name: document[one.name] for one in fields(cls)}
        moments = {name: datetime.fromisoformat(given[name]) for name in ("made_at", "start", "end")}
        as_of = {"as_of": None if given["as_of"] is None else datetime.fromisoformat(given["as_of"])}
        numbers = {name: _number(given[name]) for name in _NUMBERS}
        low, high = (_number(one) for one in given["band"])
        texts = {name: tuple(map(str, given[name])) for name in ("series", "strategy")}
        return cls(**given | moments | as_of | numbers | texts | {"band": (low, high)})


_NUMBERS = ("total_return", "sharpe", "deflated_sharpe", "max_drawdown", "hold_return")


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs, newest first; how many there are in all (without a series: damaged ones too); what is damaged."""

    runs: tuple[RunSummary, ...]
    total: int
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredRun:
    """A run as it was kept; its report and tables are read when they are asked for."""

    documents: Documents
    moment: str
    summary: RunSummary
    parts: Mapping[str, str] = field(hash=False)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of its tables."""
        return tuple(name.removesuffix(".parquet") for name in self.parts if name.endswith(".parquet"))

    @functools.cached_property
    def report(self) -> dict[str, Any]:
        """The figures as plain values: what is not a number is None, and moments are texts.

        Raises
        ------
        DamagedError
            If its file is damaged or missing.
        """
        import zstandard  # noqa: PLC0415

        body, place = self._part(_REPORT)
        try:
            return unseal(place, zstandard.ZstdDecompressor().decompress(body))
        except zstandard.ZstdError:
            raise damage("a file is damaged", place) from None

    def table(self, name: str) -> pl.DataFrame:
        """Return a table: ``equity``, ``trades``, ``fills``, ``orders``.

        Raises
        ------
        NoDataError
            If it has no such table.
        DamagedError
            If its file is damaged or missing.
        """
        import polars as pl  # noqa: PLC0415

        if f"{name}.parquet" not in self.parts:
            raise NoDataError("this backtest has no such table", value=name, todo=f"it has {', '.join(self.tables)}")
        return pl.read_parquet(io.BytesIO(self._part(f"{name}.parquet")[0]))

    def _part(self, name: str) -> tuple[bytes, str]:
        """Return a part, held against its hash, and where it lies."""
        file = f"{_PARTS}/{self.summary.run}/{self.moment}/{name}"
        place = self.documents.place(file)
        try:
            body = self.documents.read(file)
        except FileNotFoundError:
            newest = read_run(self.documents, self.summary.run)  # somebody may have made or removed it meanwhile
            if newest.moment != self.moment:
                return newest._part(name)
            raise damage("a file is missing", place) from None
        if hashlib.sha256(body).hexdigest() != self.parts[name]:
            raise damage("a file is damaged", place)
        return body, place


def run_id(asked: object) -> str:
    """Return the name of a run: 12 hexadecimal digits of what was asked and on which data, as plain values."""
    return identity(asked)[:_DIGITS]


def save_run(
    documents: Documents, summary: RunSummary, report: Mapping[str, object], tables: Mapping[str, pl.DataFrame]
) -> StoredRun:  # fmt: skip
    """Keep a run, whole or not at all; the same run from before gives way to it.

    Parameters
    ----------
    documents : Documents
        See :func:`assay.lake.sealed.documents_of`.
    summary : RunSummary
    report : mapping
        Its figures; dataclasses and moments may be in it, and NaN becomes None.
    tables : mapping of str to polars.DataFrame

    Raises
    ------
    BadInputError
        If an id, a kind or the name of a table is none.
    StorageError
        If the disk refuses; an older report of the same run is still there then.
    """
    wrong = [name for name in tables if not _TABLE.fullmatch(name)]
    if wrong or summary.kind not in KINDS or not re.fullmatch(r"[0-9a-f]{12}", summary.run):
        raise BadInputError("not a backtest to keep", value=wrong or f"{summary.kind} {summary.run}")
    bodies = {_REPORT: _packed(report)} | {f"{name}.parquet": _parquet(table) for name, table in tables.items()}
    parts = {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()}
    moment = _free_moment(documents, summary, bodies[_REPORT])
    for name in list(bodies)[1:]:
        documents.create(f"{_PARTS}/{summary.run}/{moment}/{name}", bodies[name])
    document = seal({"kind": _KIND, "format": FORMAT, "summary": summary.document(), "parts": parts})
    name = f"{moment}-{summary.run}-{hashlib.sha256(document).hexdigest()[:8]}.json"
    documents.create(f"{_RUNS}/{name}", document)
    _remove_older(documents, summary.run)
    return StoredRun(documents, moment, summary, parts)


def list_runs(documents: Documents, *, series: str | None = None, limit: int = 50, offset: int = 0) -> RunPage:
    """Return kept runs, newest first.

    Parameters
    ----------
    documents : Documents
    series : str, optional
        Only those of a series, or of a part of its name, such as the symbol.
    limit, offset : int

    Raises
    ------
    BadInputError
        If a number is negative.
    """
    if limit < 0 or offset < 0:
        raise BadInputError("no such part of a list", value=f"limit {limit}, offset {offset}", todo="give 0 or more")
    found: list[RunSummary] = []
    names, damaged = list(_newest(documents)), []
    total = len(names)
    for place, name in enumerate(names):
        if series is None and not offset <= place < offset + limit:
            continue
        try:
            summary, _ = _read(documents, name)
        except TerminalError as error:
            damaged.append(str(error))
            continue
        if series is None or any(series == one or series in one.split(":") for one in summary.series):
            found.append(summary)
    if series is not None:
        found, total = found[offset : offset + limit], len(found)
    strange = [name for name in documents.names(_RUNS) if not _NAME.fullmatch(name.rpartition("/")[2])]
    damaged += [str(damage("a file is no backtest run", documents.place(name))) for name in strange]
    return RunPage(tuple(found), total, tuple(damaged))


def read_run(documents: Documents, run: str) -> StoredRun:
    """Return the run whose id begins like `run`, of which 6 digits are enough if they are the beginning of one only.

    Raises
    ------
    NoDataError
        If there is none.
    BadInputError
        If there are several, or `run` is too short.
    DamagedError
        If its document is damaged.
    """
    name = _find(documents, run)
    return StoredRun(documents, _match(name)["moment"], *_read(documents, name))


def remove_run(documents: Documents, run: str) -> str:
    """Remove a run with all its parts, damaged or not; return its whole id. Its trials stay counted.

    Raises
    ------
    NoDataError, BadInputError
        As :func:`read_run`.
    """
    whole = _run_of(_find(documents, run))
    for name in _all_of(documents, whole):  # the newest last: who is stopped has removed nothing or all
        documents.remove(name)
    documents.remove(f"{_PARTS}/{whole}")
    return whole


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _packed(report: Mapping[str, object]) -> bytes:
    import zstandard  # noqa: PLC0415

    told: Any = plain(report)
    return zstandard.ZstdCompressor(level=9).compress(seal(told))


def _parquet(table: pl.DataFrame) -> bytes:
    body = io.BytesIO()
    table.write_parquet(body, compression="zstd")
    return body.getvalue()


def _free_moment(documents: Documents, summary: RunSummary, report: bytes) -> str:
    """Create the first part under a moment later than all others; return the moment, which is ours from then on.

    A clock that stands still, as that of a simulated market may, would not tell which of two is newer.
    """
    moment = summary.made_at.astimezone(UTC)
    taken = (_match(name)["moment"] for name in _names(documents))
    newest = max((*taken, *_moments_of_parts(documents, summary.run)), default="")
    if newest >= moment.strftime(_MOMENT):
        moment = datetime.strptime(newest, _MOMENT).replace(tzinfo=UTC) + timedelta(microseconds=1)
    while not documents.create(f"{_PARTS}/{summary.run}/{moment.strftime(_MOMENT)}/{_REPORT}", report):
        moment += timedelta(microseconds=1)
    return moment.strftime(_MOMENT)


def _remove_older(documents: Documents, run: str) -> None:
    """Remove all of a run but its newest; who keeps the same run at the same time finds the newer one there as well."""
    *older, newest = _all_of(documents, run)
    for name in older:
        documents.remove(name)
    for moment in sorted(one for one in _moments_of_parts(documents, run) if one < _match(newest)["moment"]):
        documents.remove(f"{_PARTS}/{run}/{moment}")


def _moments_of_parts(documents: Documents, run: str) -> set[str]:
    """Return the moments at which parts of a run were written, also of those that were never finished."""
    return {name.split("/")[3] for name in documents.names(f"{_PARTS}/{run}")}


def _names(documents: Documents) -> list[str]:
    return [name for name in documents.names(_RUNS) if _NAME.fullmatch(name.rpartition("/")[2])]


def _match(name: str) -> re.Match[str]:
    found = _NAME.fullmatch(name.rpartition("/")[2])
    assert found is not None
    return found


def _run_of(name: str) -> str:
    return _match(name)["run"]


def _all_of(documents: Documents, run: str) -> list[str]:
    return [name for name in _names(documents) if _run_of(name) == run]


def _newest(documents: Documents) -> Iterator[str]:
    """Yield the name of the newest document of each run, newest first."""
    known: set[str] = set()
    for name in reversed(_names(documents)):
        if (run := _run_of(name)) not in known:
            known.add(run)
            yield name


def _find(documents: Documents, run: str) -> str:
    if not re.fullmatch(rf"[0-9a-f]{{{_LEAST_DIGITS},{_DIGITS}}}", run):
        todo = f"give {_LEAST_DIGITS} to {_DIGITS} of its hexadecimal digits; `assay backtests list` shows them"
        raise BadInputError("not the id of a backtest", value=run, todo=todo)
    found = [name for name in _newest(documents) if _run_of(name).startswith(run)]
    if not found:
        todo = "`assay backtests list` shows those that are kept"
        raise NoDataError("there is no such backtest", value=run, todo=todo)
    if len(found) > 1:
        some = ", ".join(_run_of(name) for name in found[:8])
        raise BadInputError("several backtests begin like that", value=run, todo=f"say which: {some}")
    return found[0]


@functools.lru_cache(maxsize=4_096)  # a name has the hash of what is in it
def _read(documents: Documents, name: str) -> tuple[RunSummary, Mapping[str, str]]:
    document: Any = read_sealed(documents, name, kind=_KIND, version=FORMAT)
    try:
        summary, parts = RunSummary.read(document["summary"]), dict(document["parts"])
    except (KeyError, TypeError, ValueError):
        raise damage("a file is no backtest run", documents.place(name)) from None
    if summary.run != _run_of(name):
        raise damage("a file has the name of another one", documents.place(name))
    return summary, parts


__all__ = [
    "FOLDER", "KINDS", "DamagedError", "RunPage", "RunSummary", "StoredRun", "list_runs", "read_run", "remove_run",
    "run_id", "save_run",
]  # fmt: skip
