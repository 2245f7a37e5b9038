"""The coverage ledger of a venue, read from bronze at the price of what is new there.

The ledger folded so far lies below the home's cache, with the state of each day's directory that went into it. Only
directories that changed since are listed, and only files that were not seen are opened. The cache holds nothing that
is not in bronze: it may be deleted at any time, and one that is damaged, of another version or of other settings is
made anew. So it is when a batch that went into it is gone from bronze, because what is not held must be asked again.

Processes may do this at once, without a lock. Each replaces the file in one step by a state that is true of what it
saw; if an older state comes last, the next reader finds the directories changed and reads again what it lacks, and a
ledger does not mind to be told something twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from assay.domain.instrument import SeriesId, check_venue
from assay.domain.interval import CODES, EPOCH, Interval
from assay.domain.spans import Spans
from assay.lake import bronze
from assay.lake.bronze_store import Bronze, BronzeFile, BronzeStore, batches_of, store_of
from assay.lake.coverage import Asked, CoverageLedger
from assay.lake.coverage_proof import SeriesCoverage
from assay.lake.home import Home
from assay.lake.storage import storage_errors, write_atomically

_FORMAT = 4
_MICROSECOND = timedelta(microseconds=1)
_UNSETTLED = 0
# Batches go into the directory of the day, one a dataset; of those that changed last the ids are kept, of the others a
# hash tells whether they are as they were. So the cache does not grow with every batch.
_KEPT_IDS = 12
_PROVES_NOTHING = frozenset({"quarantine", bronze.POISON, bronze.FAILURES})


@dataclass(frozen=True, slots=True)
class _Day:
    """One day's directory as it was listed: the time of its last change, a hash of its batch ids, and the ids."""

    modified_ns: int
    digest: str
    ids: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look into bronze found: the directories, the batches that are new, and whether old ones are gone."""

    days: Mapping[str, _Day]
    batches: Mapping[str, BronzeFile]
    has_lost: bool


def read_coverage(home: Home, venue: str, *, settle: timedelta | None, confirmations: int) -> CoverageLedger:
    """Return the ledger of all batches of `venue` that bronze holds, and keep it for the next time.

    Parameters
    ----------
    home : Home
        Its bronze is read, its cache written.
    venue : str
        Name of the venue.
    settle, confirmations
        As :class:`~assay.lake.coverage.CoverageLedger` takes them.

    Raises
    ------
    HomeError
        If a batch in bronze is damaged.
    StorageError
        If the disk refuses.
    """
    path = home.cache / "coverage" / f"{check_venue(venue)}.json"
    ledger = CoverageLedger(settle, confirmations)
    days = _restore(path, ledger)
    with storage_errors(home.bronze_store):
        seen = _look(home.bronze_store, venue, days)
        if seen.has_lost:
            ledger = CoverageLedger(settle, confirmations)
            seen = _look(home.bronze_store, venue, {})
    for header, _ in bronze.read_headers_of(seen.batches):
        ledger.add(header)
    if seen.days != days:
        write_atomically(path, _sealed(_to_json(ledger, seen.days)))
    return ledger


def _look(root: Bronze, venue: str, known: Mapping[str, _Day]) -> _Seen:
    """Look into the directories that are not as they are known."""
    store = store_of(root)
    listed = dict(_directories(store, venue))
    has_lost = not known.keys() <= listed.keys()
    changed = {name: at for name, at in listed.items() if name not in known or known[name].modified_ns != at}
    days = {name: known[name] for name in listed if name not in changed}
    new: dict[str, BronzeFile] = {}
    now_ns = store.now_ns() if changed else 0
    for name, listed_ns in changed.items():
        # The clock was read before: what comes after this listing is later, and changes a settled directory's time.
        found = batches_of(store, name)
        ids, before = frozenset(found), known.get(name)
        day = _Day(listed_ns if now_ns - listed_ns > store.settle_ns else _UNSETTLED, _digest(ids), ids)
        if before is None:
            new |= found
        elif before.ids is not None:
            has_lost |= not before.ids <= ids
            new |= {one: file for one, file in found.items() if one not in before.ids}
        else:
            has_lost |= before.digest != day.digest
        days[name] = day
    return _Seen(_with_ids_of_the_latest(days), new, has_lost)


def _directories(store: BronzeStore, venue: str) -> Iterator[tuple[str, int]]:
    for name, at in store.days(venue=venue):
        if name.partition("/")[0] not in _PROVES_NOTHING:
            yield name, at


def _with_ids_of_the_latest(days: Mapping[str, _Day]) -> dict[str, _Day]:
    by_age = sorted(days, key=lambda name: (days[name].modified_ns == _UNSETTLED, days[name].modified_ns), reverse=True)
    kept = {name for rank, name in enumerate(by_age) if rank < _KEPT_IDS or days[name].modified_ns == _UNSETTLED}
    return {name: days[name] if name in kept else replace(days[name], ids=None) for name in sorted(days)}


def _digest(ids: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


def _restore(path: Path, ledger: CoverageLedger) -> dict[str, _Day]:
    """Put what the cache holds into `ledger`, which is empty; return the directories that went into it."""
    text = _unsealed(path)
    if text is None:
        return {}
    fields: dict[str, Any] = json.loads(text)
    if any(fields.get(name) != value for name, value in _identity(ledger).items()):
        return {}
    coverages = [_coverage(SeriesId.parse(name), ledger, spans) for name, spans in fields["series"].items()]
    slots = {(venue, endpoint, tuple(map(tuple, asked))): kept for venue, endpoint, asked, kept in fields["slots"]}
    asked = {SeriesId.parse(name): list(map(_asked, kept)) for name, kept in fields["asked"].items()}
    ledger.restore(coverages, slots, asked)
    return {
        name: _Day(at, digest, None if ids is None else frozenset(ids))
        for name, (at, digest, ids) in fields["days"].items()
    }


def _identity(ledger: CoverageLedger) -> dict[str, object]:
    """Return what a cache has to agree with to be of use."""
    # What is usual may change with the program.
    settle_us = [ledger.settle_of(interval) // _MICROSECOND for interval in map(Interval.parse, CODES)]
    return {"format": _FORMAT, "settle_us": settle_us, "confirmations": ledger.confirmations}


def _to_json(ledger: CoverageLedger, days: Mapping[str, _Day]) -> bytes:
    series = {
        str(one.series): {
            "settled": _stamps(one.settled),
            "held": _stamps(one.held),
            "confirmed_empty": _stamps(one.confirmed_empty),
            "no_trades": _stamps(one.no_trades),
            "in_vain": {batch_id: _stamps(spans) for batch_id, spans in sorted(one.in_vain.items())},
        }
        for one in ledger.all_series()
    }
    listed = {
        name: (day.modified_ns, day.digest, None if day.ids is None else sorted(day.ids)) for name, day in days.items()
    }
    slots = [(*asked, kept) for asked, kept in sorted(ledger.slots.items())]
    asked = {
        str(one): [(each.mark, *_stamps_of((each.start, each.end)), each.has_open) for each in kept]
        for one, kept in sorted(ledger.asked.items())
    }
    document = {**_identity(ledger), "days": listed, "series": series, "slots": slots, "asked": asked}
    return json.dumps(document).encode()


def _coverage(series: SeriesId, ledger: CoverageLedger, fields: Mapping[str, Any]) -> SeriesCoverage:
    return SeriesCoverage(
        series,
        ledger.confirmations,
        settled=_spans(fields["settled"]),
        held=_spans(fields["held"]),
        confirmed_empty=_spans(fields["confirmed_empty"]),
        no_trades=_spans(fields["no_trades"]),
        in_vain={batch_id: _spans(stamps) for batch_id, stamps in fields["in_vain"].items()},
    )


def _stamps(spans: Spans) -> list[int]:
    """Return the edges in microseconds since the epoch."""
    return _stamps_of(spans.edges)


def _stamps_of(moments: Iterable[datetime]) -> list[int]:
    return [(moment - EPOCH) // _MICROSECOND for moment in moments]


def _spans(stamps: Iterable[int]) -> Spans:
    return Spans(_moments_of(stamps))


def _moments_of(stamps: Iterable[int]) -> tuple[datetime, ...]:
    return tuple(EPOCH + timedelta(microseconds=stamp) for stamp in stamps)


def _asked(fields: tuple[str, int, int, bool]) -> Asked:
    mark, *edges, has_open = fields
    start, end = _moments_of(map(int, edges))
    return Asked(mark, start, end, bool(has_open))


def _sealed(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode() + b"\n" + text


def _unsealed(path: Path) -> bytes | None:
    """Return the text of the cache, or None if there is none or not a bit of it is certain."""
    with storage_errors(path):
        try:
            seal, _, text = path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
    return text if seal == hashlib.sha256(text).hexdigest().encode() else None
