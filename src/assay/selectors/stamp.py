"""What every answer is stamped with: which state of the data it is from, seen from when, and what market that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from assay.domain.interval import utc
from assay.lake.origin import REAL, read_origin
from assay.pipelines.workspace import Workspace


@dataclass(frozen=True, slots=True)
class DataStamp:
    """Where an answer is from.

    Attributes
    ----------
    version : int
        Number of the lake's newest snapshot; 0 if nothing was ever built.
    tag : str
        Text that no other state of this home has, for an ETag.
    as_of : datetime or None
        The moment whose knowledge was asked for; None is now.
    now : datetime
        By the home's clock, which a simulated market may run ahead.
    origin : str
        What market the home holds; empty if no venue has filled it yet.
    is_simulated : bool
        Whether that is not the real one.
    """

    version: int
    tag: str
    as_of: datetime | None
    now: datetime
    origin: str
    is_simulated: bool


def stamp(workspace: Workspace, as_of: datetime | None = None) -> DataStamp:
    """Return the stamp of an answer that is given now.

    Raises
    ------
    BadInputError
        If `as_of` has no time zone.
    """
    moment = None if as_of is None else utc(as_of)
    version = workspace.data_version()
    origin = read_origin(workspace.home) or ""
    is_simulated = origin not in ("", REAL)
    return DataStamp(version.number, version.tag, moment, workspace.clock.now(), origin, is_simulated)
