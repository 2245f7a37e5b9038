"""The main job: market data in, a proven answer out, and one document that says everything on the way.

The data comes from recordings (:func:`run_recorded`) or from venues (:func:`run_venues`); all that follows is the same.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assay.domain.errors import NoDataError
from assay.lake import content
from assay.lake.manifest import has_table
from assay.lake.reads import EVERYTHING, Span
from assay.pipelines.building import COUNTED, BuildResult, build
from assay.pipelines.direction import DirectionAnswer, answer_direction
from assay.pipelines.importing import Imported
from assay.pipelines.ingesting import Access, IngestPlan, IngestResult, Progress, ingest, silent
from assay.pipelines.plans import import_plan, read_plan
from assay.pipelines.predicting import PredictResult, predict
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb


@dataclasses.dataclass(frozen=True, slots=True)
class RunResult:
    """Everything one run of the main job has to say.

    Attributes
    ----------
    imported : list of Imported
        What became of each recording.
    ingested : IngestResult or None
        What came from the venues, if they were asked.
    build : BuildResult
    predicted : PredictResult
        What was foretold of all series.
    rows : dict
        Rows of every layer.
    gaps : dict
        Holes and missing bars in silver.
    answer : DirectionAnswer
    silver_hash, gold_hash : str
        Content hashes.
    seconds : dict
        Time of each part.
    """

    imported: list[Imported]
    ingested: IngestResult | None
    build: BuildResult
    predicted: PredictResult
    rows: dict[str, int]
    gaps: dict[str, int]
    answer: DirectionAnswer
    silver_hash: str
    gold_hash: str
    seconds: dict[str, float]

    @property
    def lacking(self) -> str:
        """What the venues did not answer, in words; empty if nothing."""
        venues = () if self.ingested is None else self.ingested.venues
        lacking = [(one.venue, len(one.failures) + one.poison) for one in venues if one.failures or one.poison]
        if not lacking:
            return ""
        told = ", ".join(f"{count} of {venue}" for venue, count in lacking)
        return f"questions without a usable answer: {told}; run it again later, what arrived is kept"

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        answer = self.answer
        return {
            "imported": [one.to_dict() for one in self.imported],
            "ingested": None if self.ingested is None else self.ingested.to_dict(),
            "build": dataclasses.asdict(self.build),
            "predicted": dataclasses.asdict(self.predicted),
            "rows": self.rows,
            "gaps": self.gaps,
            "series": str(answer.resolution.series),
            "requested": answer.resolution.requested,
            "is_stand_in": answer.resolution.is_stand_in,
            "model": {"name": answer.model, "features": answer.features, "feature_set": answer.feature_set},
            "labelled_rows": answer.labelled_rows,
            "evidence": answer.evidence.to_dict(),
            "prediction": dataclasses.asdict(answer.prediction),
            "silver_hash": self.silver_hash,
            "gold_hash": self.gold_hash,
            "seconds": self.seconds,
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What the answer is wanted for: a symbol in any spelling, the bars the model looks at, and which of them."""

    symbol: str
    interval: str = "1h"
    span: Span = EVERYTHING


def run_recorded(workspace: Workspace, plan_file: Path, asked: Asked) -> RunResult:
    """Import what a plan names, build, evaluate the direction model, and predict.

    Raises
    ------
    AssayError
        As importing, building and evaluating do. What was done until then stays and is not done again.
    """
    plan = read_plan(plan_file)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    imported = list(import_plan(workspace, plan))
    seconds["import"] = _since(started)
    return _concluded(workspace, asked, imported=imported, ingested=None, seconds=seconds)


def run_venues(
    workspace: Workspace, plan: IngestPlan, asked: Asked, *, access: Access | None = None, progress: Progress = silent
) -> RunResult:
    """Ingest what venues have, build, evaluate the direction model, and predict.

    A venue that cannot be had keeps nobody from an answer out of what is there; the result says what is lacking.

    Raises
    ------
    AssayError
        As ingesting, building and evaluating do. What was done until then stays and is not done again.
    """
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    ingested = ingest(workspace, plan, access=access, progress=progress)
    seconds["ingest"] = _since(started)
    try:
        return _concluded(workspace, asked, imported=[], ingested=ingested, seconds=seconds)
    except NoDataError as error:
        failed = [one for venue in ingested.venues for one in venue.failures]
        if not failed:
            raise
        todo = f"{len(failed)} questions to the venues were not answered, the first because {failed[0].cause}"
        raise NoDataError(error.what, value=error.value, todo=todo) from error


def _concluded(
    workspace: Workspace,
    asked: Asked,
    *,
    imported: list[Imported],
    ingested: IngestResult | None,
    seconds: dict[str, float],
) -> RunResult:
    """Build, predict, evaluate, and gather what there is to say."""
    started = time.perf_counter()
    built = build(workspace)
    seconds["build"] = _since(started)
    started = time.perf_counter()
    predicted = predict(workspace)
    seconds["predict"] = _since(started)
    started = time.perf_counter()
    workspace.say("evaluating the model")
    answer = answer_direction(workspace, asked.symbol, interval=asked.interval, span=asked.span)
    seconds["evaluate"] = _since(started)
    started = time.perf_counter()
    with workspace.lake() as lake:
        rows = {name: _count(lake, name) for name in COUNTED if has_table(lake, name)}
        names = ("holes", "missing_bars", "provisional_bars", "outliers", "restated_bars")
        gaps = dict(zip(names, _one(lake, _GAPS), strict=True))
        silver_hash = content.content_hash(lake, content.SILVER)
        gold_hash = content.content_hash(lake, content.GOLD)
    seconds["hash"] = _since(started)
    return RunResult(imported, ingested, built, predicted, rows, gaps, answer, silver_hash, gold_hash, seconds)


_GAPS = """
select count(*) filter (where is_gap_before), coalesce(sum(missing_bars_before), 0)::bigint,
    count(*) filter (where not is_closed), count(*) filter (where is_outlier), count(*) filter (where revision > 1)
from lake.silver.crypto_prices_cleaned
"""


def _one(lake: duckdb.DuckDBPyConnection, sql: str) -> Sequence[int]:
    row: Sequence[int] = lake.execute(sql).fetchall()[0]
    return row


def _count(lake: duckdb.DuckDBPyConnection, name: str) -> int:
    return int(_one(lake, f"select count(*) from lake.{name}")[0])


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)
