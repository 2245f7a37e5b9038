"""Recording plans: YAML files that say what each recording is, so that a folder of them is imported in one go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import Market, check_venue
from assay.domain.interval import Interval
from assay.domain.symbol import Symbol
from assay.lake.recordings import RecordingSpec
from assay.pipelines.importing import Imported, import_path
from assay.pipelines.workspace import Workspace
from assay.settings import load_document


class PlannedImport(BaseModel):
    """One file or folder of a plan: the arguments of ``assay import``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    venue: str
    interval: str
    market: str = "spot"
    symbol: str | None = None
    columns: dict[str, str] = {}
    recorded_at: AwareDatetime | None = None

    def spec(self) -> RecordingSpec:
        """Return the checked arguments, or raise BadInputError."""
        return RecordingSpec(
            venue=check_venue(self.venue),
            market=Market.parse(self.market),
            interval=Interval.parse(self.interval),
            symbol=None if self.symbol is None else Symbol.from_spelling(self.symbol),
            columns=self.columns,
            recorded_at=self.recorded_at,
        )


class Plan(BaseModel):
    """A plan: where the recordings are, relative to the plan's own file, and what each is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path
    imports: list[PlannedImport]


def read_plan(file: Path) -> Plan:
    """Read a plan; its root becomes absolute.

    Raises
    ------
    BadInputError
        If it is not there, not YAML, or says something a plan does not say.
    NoDataError
        If its recordings are not on this machine.
    """
    try:
        plan = Plan.model_validate(load_document(file.read_text(encoding="utf-8"), file))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError("the recordings plan cannot be read", value=file, todo=str(error)) from error
    except yaml.YAMLError as error:
        todo = " ".join(str(error).split())
        raise BadInputError("the recordings plan is not YAML", value=file, todo=todo) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInputError(f"the recordings plan is wrong at {where}", value=file, todo=first["msg"]) from error
    root = (file.parent / plan.root).resolve()
    if not root.is_dir():
        todo = "put the recordings there, or pass --plan with a plan of your own"
        raise NoDataError("the plan's recordings are not on this machine", value=root, todo=todo)
    return plan.model_copy(update={"root": root})


def import_plan(workspace: Workspace, plan: Plan) -> Iterator[Imported]:
    """Import everything a plan names, and yield what became of each file."""
    for planned in plan.imports:
        workspace.say(f"importing {planned.path}")
        yield from import_path(workspace, plan.root / planned.path, planned.spec())
