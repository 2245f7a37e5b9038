"""The trial ledger: every configuration that was ever tried, counted, whether or not anything came of it.

Whoever tries a thousand useless models finds one that looks skilled; only who knows of the thousand can tell. So a
search says what it is about to try *before* it begins, and an interrupted one counts like any other:

``trials/<search>/<run>.json``
    What is about to be tried, and by whom: the configurations, where they are known, and how many more at most. The
    folder is named after what is searched; each run of the same search has a file of its own.
``trials/<search>/<run>.tried.json``
    What that run tried in the end, with its scores.

A search of ten thousand trials is two files. A run that is killed between them counts as many trials as it announced,
until the same search is run to its end: then it is known what there is to try. Files are documents of
:mod:`assay.lake.sealed`: never changed, never half there, written by many at once without a lock. A damaged one is
named, and nothing is counted; nothing here can tell that a file was deleted.

>>> from tempfile import TemporaryDirectory
>>> from datetime import UTC, datetime
>>> from assay.lake.sealed import LocalDocuments
>>> key = ModelKey("direction_24h", "binance:spot:BTC-USDT:1h")
>>> def logistic(penalty):
...     return Configuration(key, "logistic", {"penalty": penalty}, "direction/1#00ff", data_version="a1", seed=7)
>>> search = Search("a grid", planned=(logistic(1.0), logistic(0.1)))
>>> with TemporaryDirectory() as folder:
...     ledger = LocalDocuments(Path(folder))
...     with recorded(ledger, search, Author("ada", datetime(2024, 1, 1, tzinfo=UTC))) as tried:
...         tried(logistic(1.0), {"accuracy": 0.51})
...     counts = count_trials(ledger)
>>> counts.total.trials, counts.of(key).trials
(2, 2)
"""

from __future__ import annotations

import contextlib
import itertools
import math
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path  # noqa: F401  # for the example above

from assay.domain.errors import BadInputError
from assay.domain.model_key import ModelKey
from assay.lake.sealed import Author, Documents, damage, identity, read_sealed, seal
from assay.lake.trials import Configuration, Search, Tried, packed, read_search, unpacked

FOLDER = "trials"
FORMAT = 1
_RUN, _TRIED = "run of a search", "record of trials"
_NAME = re.compile(FOLDER + r"/(?P<search>[0-9a-f]{16})/(?P<run>[0-9a-f]{16})(?P<tried>\.tried)?\.json")


@dataclass(frozen=True, slots=True)
class KeptSearch:
    """A search as the ledger has it.

    Attributes
    ----------
    search_id : str
        16 hexadecimal digits of what is searched.
    search : Search
    runs : tuple of Author
        Who ran it and when, in order of time.
    tried : mapping of str to Tried
        Everything that is known by name: what was planned and what was tried, by the names of the trials, with the
        scores of the latest run that has any.
    unknown : int
        How many more trials its killed runs may have made, which nobody knows by name.
    """

    search_id: str
    search: Search
    runs: tuple[Author, ...]
    tried: Mapping[str, Tried] = field(hash=False)
    unknown: int


@dataclass(frozen=True, slots=True)
class TrialCount:
    """How many.

    Attributes
    ----------
    trials : int
        Configurations on data: other rows or another seed make another trial.
    ideas : int
        Configurations with their seeds, whatever the data.
    unknown : int
        How many of both are those of killed searches which nobody knows by name: at most so many were made.
    """

    trials: int = 0
    ideas: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class TrialCounts:
    """Of each task and series, and over all."""

    total: TrialCount
    by_key: Mapping[ModelKey, TrialCount] = field(hash=False)

    def of(self, key: ModelKey) -> TrialCount:
        """Return the count of a key; zero if nothing was tried."""
        return self.by_key.get(key, TrialCount())


class Recorder:
    """Takes down what a search tries; may be called by several threads."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._about = frozenset(search.about)
        self._planned = frozenset(one.trial for one in search.planned)
        self._tried: dict[str, Tried] = {}
        self._chosen = 0
        self._lock = threading.Lock()

    def __call__(self, configuration: Configuration, scores: Mapping[str, float]) -> None:
        """Take down a trial and its scores; a score that is not finite is left out.

        Raises
        ------
        BadInputError
            If the search did not announce it: it is of another key, or beyond the budget. It counts all the same.
        """
        trial = configuration.trial
        seen = {name: float(value) for name, value in scores.items() if math.isfinite(value)}
        with self._lock:
            self._chosen += trial not in self._tried and trial not in self._planned
            self._tried[trial] = Tried(configuration, seen)
            is_too_many = trial not in self._planned and self._chosen > self._search.budget
        if configuration.key not in self._about:
            raise BadInputError("a trial of what the search is not about", value=configuration.key)
        if is_too_many:
            todo = "announce as many trials as will be made, or more"
            raise BadInputError("more trials than the search announced", value=self._search.budget, todo=todo)

    def tried(self) -> list[Tried]:
        """Return what was taken down so far."""
        with self._lock:
            return list(self._tried.values())


@contextlib.contextmanager
def recorded(ledger: Documents, search: Search, author: Author) -> Iterator[Recorder]:
    """Try what `search` says in the block: the only way into the ledger.

    The ledger has the search before the block begins. However the block ends, by itself or by an error, what was tried
    is written then; a process that is killed has at least announced it.

    Parameters
    ----------
    ledger : Documents
        See :func:`assay.lake.sealed.documents_of`.
    search : Search
    author : Author

    Yields
    ------
    Recorder
        To be called with each configuration and its scores.

    Raises
    ------
    BadInputError
        If there is something in `search` that JSON does not know.
    StorageError
        If the disk refuses before anything was tried, or when it is written down: it counts as announced then.
    """
    plan = search.document()
    folder = f"{FOLDER}/{identity(plan)}"
    run = _begin(ledger, folder, {"kind": _RUN, "format": FORMAT, "search": plan, **author.document()})
    recorder, is_whole = Recorder(search), False
    try:
        yield recorder
        is_whole = True
    finally:
        tried = {"run": run, "is_whole": is_whole, "tried": packed(recorder.tried())}
        ledger.create(f"{folder}/{run}.tried.json", seal({"kind": _TRIED, "format": FORMAT, **tried}))


def read_searches(ledger: Documents) -> list[KeptSearch]:
    """Return all searches, in the order in which they were begun.

    Raises
    ------
    DamagedError
        If a file of the ledger is damaged, or is none of it; the error names it.
    BadInputError
        If a newer program wrote one.
    """
    runs: dict[str, set[str]] = {}
    ended: set[str] = set()
    for name in ledger.names(FOLDER):
        found = _NAME.fullmatch(name)
        if found is None:
            raise damage("a file is none of the trial ledger", ledger.place(name))
        # Also from its end: what is written during a listing may be listed without what came before it.
        runs.setdefault(found["search"], set()).add(found["run"])
        if found["tried"]:
            ended.add(name)
    kept = [_kept_search(ledger, search_id, found, ended) for search_id, found in runs.items()]
    return sorted(kept, key=lambda one: (one.runs[0].at, one.search_id))


def read_trials(ledger: Documents, key: ModelKey | None = None) -> list[Tried]:
    """Return the trials of a key, or all, each once, in the order of their searches; Raises as :func:`read_searches`.

    Of one that was scored several times the scores of the latest search stand.
    """
    found: dict[str, Tried] = {}
    for search in read_searches(ledger):
        _merge(found, ((trial, one) for trial, one in search.tried.items() if key in (None, one.configuration.key)))
    return list(found.values())


def count_trials(ledger: Documents) -> TrialCounts:
    """Return how many trials there were of each key and over all; Raises as :func:`read_searches`.

    What a killed search announced and nobody knows by name counts for each of its keys, since it may have been any.
    """
    trials: dict[ModelKey | None, set[str]] = {None: set()}
    ideas: dict[ModelKey | None, set[str]] = {None: set()}
    unknown: dict[ModelKey | None, int] = {None: 0}
    for search in read_searches(ledger):
        for trial, one in search.tried.items():
            idea = one.configuration.idea
            for key in (None, one.configuration.key):
                trials.setdefault(key, set()).add(trial)
                ideas.setdefault(key, set()).add(idea)
        for key in (None, *search.search.about):
            unknown[key] = unknown.get(key, 0) + search.unknown

    def count(key: ModelKey | None) -> TrialCount:
        more = unknown.get(key, 0)
        return TrialCount(len(trials.get(key, ())) + more, len(ideas.get(key, ())) + more, more)

    keys = sorted(key for key in trials.keys() | unknown.keys() if key is not None)
    return TrialCounts(count(None), {key: count(key) for key in keys})


def _begin(ledger: Documents, folder: str, begun: dict[str, object]) -> str:
    """Write that a search begins, and return the name of this run.

    One that began at the same moment, as it does where clocks stand still, is another run.
    """
    for number in itertools.count(1):
        document = begun | {"number": number}
        run = identity(document)
        name = f"{folder}/{run}.json"
        if ledger.stamp(name) is None and ledger.create(name, seal(document)):
            return run
    raise AssertionError  # numbers do not end


def _kept_search(ledger: Documents, search_id: str, runs: set[str], ended: set[str]) -> KeptSearch:
    begun: list[tuple[Author, str]] = []
    search: Search | None = None
    for run in sorted(runs):
        name = f"{FOLDER}/{search_id}/{run}.json"
        document = read_sealed(ledger, name, kind=_RUN, version=FORMAT)
        if run != identity(document) or search_id != identity(document["search"]):
            raise damage("a file has the name of another one", ledger.place(name))
        begun.append((Author.read(document), run))
        search = search or read_search(document["search"])
    assert search is not None
    begun.sort(key=lambda one: (one[0].at, one[1]))
    known: dict[str, Tried] = {}
    _merge(known, ((one.trial, Tried(one, {})) for one in search.planned))
    planned, is_whole, is_open = len(known), False, False
    for _, run in begun:
        name = f"{FOLDER}/{search_id}/{run}.tried.json"
        if name not in ended:
            is_open = True
            continue
        document = read_sealed(ledger, name, kind=_TRIED, version=FORMAT)
        if document["run"] != run:
            raise damage("a file has the name of another one", ledger.place(name))
        is_whole |= document["is_whole"] is True
        _merge(known, ((one.configuration.trial, one) for one in unpacked(document["tried"])))
    unknown = max(0, search.budget - (len(known) - planned)) if is_open and not is_whole else 0
    return KeptSearch(search_id, search, tuple(author for author, _ in begun), known, unknown)


def _merge(known: dict[str, Tried], more: Iterator[tuple[str, Tried]]) -> None:
    """Add trials by their names; of one that is there already the last scores that anybody saw stand."""
    for trial, one in more:
        if one.scores or trial not in known:
            known[trial] = one
