"""Child of a test: searches and promotions in a process of its own, which may be killed at a named point.

Usage: python registry_child.py WHAT FOLDER NAME [POINT HIT]

It says ``ready`` and waits for a line before it begins, so that several begin together.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from assay.domain.model_key import ModelKey
from assay.domain.points import Point, observed
from assay.lake import model_aliases
from assay.lake.model_aliases import MovedError, read_aliases
from assay.lake.model_store import find_version
from assay.lake.sealed import Author, Documents, LocalDocuments
from assay.lake.trial_ledger import recorded
from assay.lake.trials import Configuration, Search, Value

KEY = ModelKey("direction_24h", "binance:spot:BTC-USDT:1h")
MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
BUDGET, COMMON = 40, 10
TRIES = 20


def configuration(who: str, number: int) -> Configuration:
    """Return the configuration of that number: the first ones are everybody's, the others each process's own."""
    mine: dict[str, Value] = {"number": number, "who": "" if number < COMMON else who}
    return Configuration(KEY, "logistic", mine, "direction/1#00ff", data_version="a1", seed=7)


def search_of(who: str) -> Search:
    """Return the search of a process."""
    return Search("a race", budget=BUDGET, keys=(KEY,), space={"who": who, "seed": 7, "data_version": "a1"})


def search(documents: Documents, who: str) -> str:
    """Try twenty of the forty announced, ten of which everybody tries."""
    with recorded(documents, search_of(who), Author(who, MOMENT)) as record:
        for number in range(TRIES):
            record(configuration(who, number), {"accuracy": 0.5})
    return "searched"


def promote(documents: LocalDocuments, version: str) -> str:
    """Promote a version from what was read before the others began."""
    found = find_version(documents, KEY, version)
    known = read_aliases(documents, KEY)
    wait()
    try:
        moved = model_aliases.promote(
            documents, KEY, found.version, known=known, author=Author(version, MOMENT), why="a race"
        )
    except MovedError as error:
        return f"moved: {error}"
    return f"champion {moved.champion}"


def wait() -> None:
    """Say that all is ready, and wait to be told to go on."""
    print("ready", flush=True)
    sys.stdin.readline()


def main() -> None:
    """Do what the command line says."""
    what, folder, name, *killed_at = sys.argv[1:]
    hits = 0

    def kill(point: Point) -> None:
        nonlocal hits
        hits += bool(killed_at) and point == killed_at[0]
        if killed_at and hits == int(killed_at[1]):
            os.kill(os.getpid(), signal.SIGKILL)

    documents = LocalDocuments(Path(folder))
    with observed(kill):
        if what == "search":
            wait()
            print(search(documents, name))
        else:
            print(promote(documents, name))


if __name__ == "__main__":
    main()
