"""Importing recordings: files of klines that somebody saved, into bronze."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl

from assay.domain.errors import AssayError, BadInputError, StorageError
from assay.lake import bronze
from assay.lake.disk import check_budget
from assay.lake.recordings import Recording, RecordingSpec, find_files, read_recording
from assay.lake.recordings.recording import ImportReport
from assay.lake.storage import check_free_space
from assay.pipelines.workspace import Workspace

ENDPOINT = "import"
SHOWN_ROWS = 20
"""How many of the rows that were set aside are named one by one."""
PUBLICATION_DELAY = timedelta(0)
"""How long after its close a bar of an imported file counts as available; nothing in such a file says otherwise."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file.

    Attributes
    ----------
    file : str
        The path as given.
    batch_id : str or None
        Its batch in bronze; None if it was refused.
    is_new : bool
        False if the same file was imported before, in which case nothing was changed.
    report : ImportReport or None
        What was found in it; None if it was refused.
    error : AssayError or None
        Why it was refused as a whole.
    quarantined : tuple of (int, str)
        Row number and cause of the first rows that were set aside; all are in ``silver.quarantined_rows``.
    """

    file: str
    batch_id: str | None
    is_new: bool
    report: ImportReport | None
    error: AssayError | None = None
    quarantined: tuple[tuple[int, str], ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the result as plain values for JSON."""
        error = None if self.error is None else {"what": self.error.what, "text": str(self.error)}
        report = None if self.report is None else dataclasses.asdict(self.report)
        quarantined = [{"row": row, "cause": cause} for row, cause in self.quarantined]
        told = {"file": self.file, "batch_id": self.batch_id, "is_new": self.is_new}
        return told | {"report": report, "quarantined": quarantined, "error": error}


def import_path(workspace: Workspace, path: Path, spec: RecordingSpec) -> Iterator[Imported]:
    """Import a file, or every recording below a folder, and yield what became of each.

    A file that is refused as a whole does not keep the others of a folder from being imported.

    Raises
    ------
    BadInputError
        If there is nothing to import, or the one file that was named is refused.
    StorageError
        If the disk refuses; files imported before stay.
    """
    files = find_files(path)
    for file in files:
        try:
            yield import_file(workspace, file, spec)
        except AssayError as error:
            if len(files) == 1 or isinstance(error, StorageError):
                raise
            yield Imported(str(file), None, False, None, error)


def import_file(workspace: Workspace, file: Path, spec: RecordingSpec) -> Imported:
    """Import one file; importing the same file in the same way again changes nothing."""
    check_free_space(workspace.home.root, int(workspace.settings.lake.min_free_bytes))
    check_budget(workspace.home, int(workspace.settings.lake.disk_budget))
    if spec.recorded_at and spec.recorded_at > workspace.clock.now():
        todo = "it is when the file was fetched; leave it out if nobody knows"
        raise BadInputError("recorded-at lies in the future", value=spec.recorded_at.isoformat(), todo=todo)
    recording = read_recording(file, spec)
    header = _header(workspace, file, spec, recording)
    known_at = pl.lit(header.known_at).cast(pl.Datetime("us", "UTC"))
    place = [pl.lit(header.venue).alias("venue"), pl.lit(header.batch_id).alias("batch_id")]
    rows = recording.klines.with_columns(
        *place, known_at.alias("known_at"), (pl.col("close_time") + PUBLICATION_DELAY).alias("available_at")
    )
    quarantined = recording.quarantined.with_columns(*place, known_at.alias("known_at"))
    store = workspace.home.bronze_store
    is_new = bronze.write_batch(store, header, body=recording.body, rows=rows, quarantined=quarantined)
    shown = recording.quarantined.head(SHOWN_ROWS).select("row_number", "cause").rows()
    return Imported(str(file), header.batch_id, is_new, recording.report, quarantined=tuple(shown))


def _readable(name: str) -> str:
    r"""Return a file's name as text that any table can hold: bytes that are no UTF-8 become ``\xff``."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")


def _header(workspace: Workspace, file: Path, spec: RecordingSpec, recording: Recording) -> bronze.BatchHeader:
    parameters = {
        "market": spec.market.value,
        "interval": spec.interval.code,
        "symbol": str(spec.symbol or ""),
        "columns": ",".join(f"{name}={column}" for name, column in sorted(spec.columns.items())),
        "recorded_at": spec.recorded_at.isoformat() if spec.recorded_at else "",
    }
    sha256 = hashlib.sha256(recording.body).hexdigest()
    identity = bronze.batch_id(spec.venue, ENDPOINT, parameters, slot="", body_sha256=sha256)
    counts = {
        field.name: value
        for field in dataclasses.fields(recording.report)
        if isinstance(value := getattr(recording.report, field.name), int)
    }
    on_grid = recording.klines.filter(pl.col("defect").is_null())
    return bronze.BatchHeader(
        batch_id=identity,
        dataset=bronze.KLINES,
        venue=spec.venue,
        endpoint=ENDPOINT,
        # The name is for people and not part of the identity: a renamed copy is the same recording.
        parameters=parameters | {"file": _readable(file.name)},
        known_at=workspace.clock.now(),
        body_sha256=sha256,
        content_format=recording.content_format,
        counts=counts,
        ranges=bronze.ranges_of(on_grid),
    )
