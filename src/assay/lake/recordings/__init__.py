"""Reading recordings: a file of bars in, typed bars, quarantined rows and honest counts out. Nothing is written here.

Start with `read.py`, which names the steps in order.
"""

from assay.lake.recordings.files import find_files
from assay.lake.recordings.numbers import to_float64
from assay.lake.recordings.read import Progress, read_recording
from assay.lake.recordings.recording import (
    IDENTICAL_DUPLICATE,
    KLINE_SCHEMA,
    OFF_GRID,
    QUARANTINE_SCHEMA,
    ImportReport,
    Recording,
    RecordingSpec,
    SeriesReport,
)

__all__ = [
    "IDENTICAL_DUPLICATE",
    "KLINE_SCHEMA",
    "OFF_GRID",
    "QUARANTINE_SCHEMA",
    "ImportReport",
    "Progress",
    "Recording",
    "RecordingSpec",
    "SeriesReport",
    "find_files",
    "read_recording",
    "to_float64",
]
