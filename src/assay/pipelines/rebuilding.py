"""A lake where the settings say it is, made from bronze: how a home outgrows its own disk and its SQLite.

What the home itself holds is taken over first: batches of bronze, trials, models and backtests, and the forecasts,
which nothing could make again because they say what was said at the time. Everything else is computed, and its content
hash is held against the old.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assay.lake import backtest_runs, content, model_store, prediction_tables, trial_ledger
from assay.lake.bronze_copy import copy_bronze
from assay.lake.bronze_store import store_of
from assay.lake.catalog import connect, is_made
from assay.lake.home import Home
from assay.lake.origin import claim_origin, read_origin
from assay.lake.sealed import documents_of, take_over
from assay.pipelines.building import BuildResult, build
from assay.pipelines.workspace import Workspace

_TABLES = (*content.SILVER, *content.GOLD)


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """What a rebuild did.

    Attributes
    ----------
    batches : int
        Batches of the home's own bronze; 0 if that is where bronze is.
    copied : int
        How many of them were new where bronze is.
    forecasts : dict
        Rows that were taken over from the home's own catalogue, by table.
    built : BuildResult
    content_hash : str
        Of silver and gold.
    hash_before : str
        The same of the home's own catalogue as it was; empty if it has none, or is the one that was rebuilt.
    """

    batches: int
    copied: int
    forecasts: dict[str, int]
    built: BuildResult
    content_hash: str
    hash_before: str

    @property
    def is_same(self) -> bool | None:
        """Whether silver and gold say what they said before; None if there was nothing before."""
        return self.content_hash == self.hash_before if self.hash_before else None


def rebuild(workspace: Workspace, *, on_batch: Callable[[int, int], None] | None = None) -> RebuildResult:
    """Make silver and gold anew from bronze where the settings say they are.

    It can be stopped at any moment and run again.

    Parameters
    ----------
    workspace : Workspace
    on_batch : callable, optional
        Told how many more batches were looked at, and 0.

    Raises
    ------
    AssayError
        As :func:`~assay.pipelines.building.build`; HomeError also if the place of bronze holds another market.
    """
    own = Home(workspace.home.root)
    batches, copied = _take_bronze(workspace, own, on_batch) if workspace.home.places.bronze else (0, 0)
    built = build(workspace, full_refresh=True)
    is_another = workspace.home.postgres is not None or workspace.home.catalog != own.catalog
    forecasts, before = _take_forecasts(workspace, own) if is_another and is_made(own) else ({}, "")
    with workspace.lake() as lake:
        after = content.content_hash(lake, _TABLES)
    return RebuildResult(batches, copied, forecasts, built, after, before)


def _take_bronze(workspace: Workspace, own: Home, on_batch: Callable[[int, int], None] | None) -> tuple[int, int]:
    workspace.say("copying batches")
    origin = read_origin(own)
    if origin is not None:
        claim_origin(workspace.home, origin)
    batches = copied = 0
    for is_new in copy_bronze(own.bronze, store_of(workspace.home.bronze_store)):
        batches, copied = batches + 1, copied + is_new
        if on_batch:
            on_batch(1, 0)
    _take_documents(workspace, own)
    return batches, copied


def _take_documents(workspace: Workspace, own: Home) -> None:
    """Take over trials, models and backtests, which lie where bronze does and could not be made again."""
    for folder in (trial_ledger.FOLDER, model_store.FOLDER, backtest_runs.FOLDER):
        _, left = take_over(documents_of(own), documents_of(workspace.home), folder)
        if left:
            workspace.say(f"{len(left)} files of {folder} stay behind: others are there under their names ({left[0]})")


def _take_forecasts(workspace: Workspace, own: Home) -> tuple[dict[str, int], str]:
    """Take over the forecasts of the home's own catalogue; return how many rows, and the content hash there."""
    workspace.say("taking over the forecasts")
    lake = workspace.settings.lake
    with (
        connect(own, read_only=True, threads=lake.threads, memory_limit=lake.memory_limit) as old,
        workspace.writing(),
        workspace.lake(read_only=False) as new,
    ):
        prediction_tables.prepare(new)
        return prediction_tables.take_over(new, old), content.content_hash(old, _TABLES)
