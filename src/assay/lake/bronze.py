"""Bronze: what was received, exactly as it was received, and the typed rows read from it.

A batch is one body (a file, a response). Its id is a hash of where it came from and of the bytes, so the same body
from the same place is the same batch however often it arrives. Three files are written, in this order: the body
(zstd), the rows that could not be used with the cause of each, and the typed Parquet file, whose appearance commits
the batch. A writer that dies in between leaves nothing that any reader looks at, and its re-run writes the same names.

Layout: ``<dataset>/venue=<venue>/known_date=<YYYY-MM-DD>/<batch_id>.parquet``.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import zstandard

from assay.domain.errors import HomeError
from assay.domain.points import Point, reached
from assay.lake.storage import storage_errors, write_if_absent

KLINES = "klines"
POISON = "poison"
"""Answers that could not be read at all; each has one quarantined row, numbered 0."""
FAILURES = "failures"
"""Questions to which no answer came; the rows say which, and why."""
SETTLED_NS = 2_000_000_000
"""A directory that changed this shortly before it was listed may get another file within the same clock tick."""
_HEADER_KEY = b"assay.batch"
QUARANTINE = "quarantine"
"""Folder of the rows that were set aside, beside those of the datasets."""


@dataclass(frozen=True, slots=True)
class BatchRange:
    """The open times of one series that a batch speaks about; first and last are both included."""

    market: str
    symbol: str
    interval: str
    first_open_time: datetime
    last_open_time: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class AskedRange:
    """What one question asked of one series, and what its answer proves.

    Attributes
    ----------
    market, symbol, interval : str
        The series, at the batch's venue.
    start, end : datetime
        The bars that open in ``[start, end)`` were asked for.
    complete : tuple of (datetime, datetime)
        Runs of finished bars without a hole, ``[open time of the first, close time of the last)``, in order.
    """

    market: str
    symbol: str
    interval: str
    start: datetime
    end: datetime
    complete: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """What a batch is, kept in its Parquet file's metadata so that a batch explains itself.

    `counts` holds the importer's or client's tallies (accepted, quarantined, ...); `ranges` is empty for a batch that
    answered with no rows. `asked` says what was asked of which series, so that an answer without rows proves something
    too; it is empty for a file. `slot` is the slot of the schedule that asked, or empty.
    """

    batch_id: str
    dataset: str
    venue: str
    endpoint: str
    parameters: Mapping[str, str]
    known_at: datetime
    body_sha256: str
    content_format: str
    counts: Mapping[str, int]
    ranges: tuple[BatchRange, ...]
    asked: tuple[AskedRange, ...] = ()
    slot: str = ""

    def to_json(self) -> bytes:
        """Return the header as JSON."""
        return json.dumps(asdict(self), default=datetime.isoformat, sort_keys=True).encode()

    @classmethod
    def from_json(cls, text: bytes) -> BatchHeader:
        """Read what :meth:`to_json` wrote."""
        fields = json.loads(text)
        fields["known_at"] = datetime.fromisoformat(fields["known_at"])
        fields["ranges"] = tuple(
            BatchRange(**one | _moments(one, "first_open_time", "last_open_time")) for one in fields["ranges"]
        )
        # Batches that were written before questions were kept have none.
        fields["asked"] = tuple(
            AskedRange(**one | _moments(one, "start", "end") | {"complete": _runs(one["complete"])})
            for one in fields.get("asked", ())
        )
        return cls(**fields)


def _moments(fields: Mapping[str, str], *names: str) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(fields[name]) for name in names}


def _runs(texts: Iterable[Sequence[str]]) -> tuple[tuple[datetime, datetime], ...]:
    return tuple((datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in texts)


def batch_id(venue: str, endpoint: str, parameters: Mapping[str, str], *, slot: str, body_sha256: str) -> str:
    """Return the id of a batch: 32 hexadecimal digits.

    Parameters
    ----------
    venue, endpoint : str
        Where the body came from.
    parameters : mapping
        What was asked; its order does not matter.
    slot : str
        The schedule slot of a repeated request, or empty: what tells two equal answers at two times apart.
    body_sha256 : str
        Hash of the body.
    """
    identity = json.dumps([venue, endpoint, sorted(parameters.items()), slot, body_sha256])
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def ranges_of(rows: pl.DataFrame) -> tuple[BatchRange, ...]:
    """Return the ranges of the rows, one a series; columns market, symbol, interval and open_time."""
    series = ["market", "symbol", "interval"]
    spans = rows.group_by(series).agg(
        pl.col("open_time").min().alias("first"), pl.col("open_time").max().alias("last"), pl.len().alias("rows")
    )
    return tuple(BatchRange(*row) for row in spans.sort(series).iter_rows())


def write_batch(
    bronze: Path, header: BatchHeader, *, body: bytes, rows: pl.DataFrame, quarantined: pl.DataFrame
) -> bool:
    """Write a batch; return whether it is new.

    Parameters
    ----------
    bronze : Path
        The bronze directory.
    header : BatchHeader
        Goes into the Parquet file's metadata.
    body : bytes
        As received.
    rows : pl.DataFrame
        The typed rows, any column set that the dataset agrees on.
    quarantined : pl.DataFrame
        Rows that could not be used, with their causes; no file is written when it is empty.

    Raises
    ------
    StorageError
        If the disk refuses; the batch is then absent.
    """
    if find_batch(bronze, header):
        return False
    place = Path(f"venue={header.venue}") / f"known_date={header.known_at:%Y-%m-%d}"
    folder = bronze / header.dataset / place
    name = header.batch_id
    compressed = zstandard.ZstdCompressor(level=3).compress(body)
    write_if_absent(folder / f"{name}.body.{header.content_format}.zst", compressed)
    reached(Point.BODY_KEPT)
    if quarantined.height:
        write_if_absent(bronze / QUARANTINE / place / f"{name}.parquet", to_parquet(quarantined, header))
        reached(Point.QUARANTINE_KEPT)
    is_new = write_if_absent(folder / f"{name}.parquet", to_parquet(rows, header))
    reached(Point.BATCH_COMMITTED)
    return is_new


def find_batch(bronze: Path, header: BatchHeader) -> Path | None:
    """Return where the batch was committed, on whatever date, or ``None``."""
    days = (bronze / header.dataset / f"venue={header.venue}").glob("known_date=*")
    found = (day / f"{header.batch_id}.parquet" for day in sorted(days))
    return next((path for path in found if path.exists()), None)


def read_header(path: Path) -> BatchHeader:
    """Read the header of a committed batch from its Parquet file.

    Raises
    ------
    HomeError
        If the file is damaged, or none of Assay's.
    """
    try:
        with storage_errors(path):
            return BatchHeader.from_json(pq.read_metadata(path).metadata[_HEADER_KEY])
    except (ValueError, KeyError, TypeError) as error:
        todo = "move it away, import its recording again, and run `assay build --full-refresh`"
        raise HomeError("a batch of bronze is damaged", value=path, todo=todo) from error


def read_body(bronze: Path, header: BatchHeader) -> bytes:
    """Return the body of a batch as it was received."""
    folder = bronze / header.dataset / f"venue={header.venue}" / f"known_date={header.known_at:%Y-%m-%d}"
    path = folder / f"{header.batch_id}.body.{header.content_format}.zst"
    with storage_errors(path):
        return zstandard.ZstdDecompressor().decompress(path.read_bytes())


def partitions(bronze: Path, dataset: str, *, venue: str = "*") -> Iterator[tuple[str, int]]:
    """Yield each day's directory of one venue or all, below `bronze`, with the time of its last change in ns."""
    root = bronze / dataset
    for day in sorted(root.glob(f"venue={venue}/known_date=*")):
        yield str(day.relative_to(bronze)), day.stat().st_mtime_ns


def committed(bronze: Path, partition: str) -> Iterator[Path]:
    """Yield the committed batch files of one day's directory, in a fixed order."""
    with os.scandir(bronze / partition) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        if name.endswith(".parquet") and not name.startswith("."):
            yield bronze / partition / name


def to_parquet(rows: pl.DataFrame, header: BatchHeader) -> bytes:
    """Return the typed rows as a Parquet file with the header in its metadata.

    Each type has the encoding that suits it: prices hardly repeat, so a dictionary of them is larger than they are and
    costs most of the time; bytes of floats compress apart, moments and counts as differences.
    """
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    table = table.replace_schema_metadata({_HEADER_KEY: header.to_json()})
    types = rows.schema.items()
    words = [name for name, dtype in types if dtype == pl.String()]
    encodings = {name: "DELTA_BINARY_PACKED" for name, dtype in types if dtype.is_temporal() or dtype == pl.Int64()}
    encodings |= {name: "BYTE_STREAM_SPLIT" for name, dtype in types if dtype == pl.Float64()}
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd", use_dictionary=words, column_encoding=encodings)
    return buffer.getvalue()


def file_time_ns(bronze: Path) -> int:
    """Return what a file written now gets as its time: the disk's clock, the only one its entries compare with."""
    probe = bronze / f".probe-{os.getpid()}-{threading.get_ident()}"
    with storage_errors(probe):
        probe.touch()
        moment = probe.stat().st_mtime_ns
        probe.unlink(missing_ok=True)
    return moment
