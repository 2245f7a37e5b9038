"""The main job: recordings in, a proven answer out, and one document that says everything on the way."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assay.lake import content
from assay.lake.manifest import has_table
from assay.lake.reads import EVERYTHING, Span
from assay.pipelines.building import COUNTED, BuildResult, build
from assay.pipelines.direction import DirectionAnswer, answer_direction
from assay.pipelines.importing import Imported
from assay.pipelines.plans import import_plan, read_plan
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb


@dataclasses.dataclass(frozen=True, slots=True)
class RunResult:
    """Everything one run of the main job has to say.

    Attributes
    ----------
    imported : list of Imported
    build : BuildResult
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
    build: BuildResult
    rows: dict[str, int]
    gaps: dict[str, int]
    answer: DirectionAnswer
    silver_hash: str
    gold_hash: str
    seconds: dict[str, float]

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        answer = self.answer
        return {
            "imported": [one.to_dict() for one in self.imported],
            "build": dataclasses.asdict(self.build),
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


def run_recorded(
    workspace: Workspace, plan_file: Path, symbol: str, *, interval: str = "1h", span: Span = EVERYTHING
) -> RunResult:
    """Import what a plan names, build, evaluate the direction model on `symbol`, and predict.

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
    started = time.perf_counter()
    built = build(workspace)
    seconds["build"] = _since(started)
    started = time.perf_counter()
    workspace.say("evaluating the model")
    answer = answer_direction(workspace, symbol, interval=interval, span=span)
    seconds["evaluate"] = _since(started)
    started = time.perf_counter()
    with workspace.lake() as lake:
        rows = {name: _count(lake, name) for name in COUNTED if has_table(lake, name)}
        gaps = dict(
            zip(
                ("holes", "missing_bars", "provisional_bars", "outliers", "restated_bars"),
                _one(lake, _GAPS),
                strict=True,
            )
        )
        silver_hash = content.content_hash(lake, content.SILVER)
        gold_hash = content.content_hash(lake, content.GOLD)
    seconds["hash"] = _since(started)
    return RunResult(imported, built, rows, gaps, answer, silver_hash, gold_hash, seconds)


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
