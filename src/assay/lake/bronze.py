"""Bronze: what was received, exactly as it was received, and the typed rows read from it.

A batch is one body (a file, a response). Its id is a hash of where it came from and of the bytes, so the same body
from the same place is the same batch however often it arrives. Three files are written, in this order: the body
(zstd), the rows that could not be used with the cause of each, and the typed Parquet file, whose appearance commits
the batch. A writer that dies in between leaves nothing that any reader looks at, and its re-run writes the same names.

Layout: ``<dataset>/venue=<venue>/known_date=<YYYY-MM-DD>/<batch_id>.parquet``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, overload

import zstandard

from assay.domain.errors import HomeError
from assay.domain.points import Point, reached
from assay.lake import packs
from assay.lake.bronze_store import Bronze, BronzeFile, BronzeStore, Day, store_of
from assay.lake.packs import BODIES, KEPT_BODIES, is_pack
from assay.lake.s3_bronze import S3File
from assay.lake.storage import storage_errors

# Polars and PyArrow are imported where rows are read or written: what only asks which batches there are, such as
# `assay status`, starts in half the time without them.
if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

KLINES = "klines"
POISON = "poison"
"""Answers that could not be read at all; each has one quarantined row, numbered 0."""
FAILURES = "failures"
"""Questions to which no answer came; the rows say which, and why."""
_HEADER_KEY, _PACK_KEY = b"assay.batch", b"assay.pack"
QUARANTINE = "quarantine"
"""Folder of the rows that were set aside, beside those of the datasets."""
_READ_AT_ONCE = 32
"""Headers asked of an object store at a time: each takes a round trip, and nearly no work."""
_TAIL_BYTES, _FOOTER_BYTES = 65_536, 8


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
    omits_empty : bool
        Whether the venue leaves bars out in which nothing was traded, and all rows of the answer could be used: then
        the bars that the answer lacks are empty.
    has_open : bool
        Whether the bar that was open was asked for as well, and is not in the rows though the answer says what there
        is of it: nothing was traded in it yet, or it is told in another way than as a bar.
    """

    market: str
    symbol: str
    interval: str
    start: datetime
    end: datetime
    complete: tuple[tuple[datetime, datetime], ...] = ()
    omits_empty: bool = False
    has_open: bool = False


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
    import polars as pl  # noqa: PLC0415

    series = ["market", "symbol", "interval"]
    spans = rows.group_by(series).agg(
        pl.col("open_time").min().alias("first"), pl.col("open_time").max().alias("last"), pl.len().alias("rows")
    )
    return tuple(BatchRange(*row) for row in spans.sort(series).iter_rows())


def write_batch(
    bronze: Bronze, header: BatchHeader, *, body: bytes, rows: pl.DataFrame, quarantined: pl.DataFrame
) -> bool:
    """Write a batch; return whether it is new.

    Parameters
    ----------
    bronze : Path or BronzeStore
        Where bronze is.
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
        If the disk or the object store refuses; the batch is then absent.
    """
    if find_batch(bronze, header):
        return False
    store = store_of(bronze)
    store.create(body_name(header), zstandard.ZstdCompressor(level=3).compress(body))
    reached(Point.BODY_KEPT)
    if quarantined.height:
        store.create(f"{QUARANTINE}/{_day(header)}/{header.batch_id}.parquet", to_parquet(quarantined, header))
        reached(Point.QUARANTINE_KEPT)
    is_new = store.create(f"{header.dataset}/{_day(header)}/{header.batch_id}.parquet", to_parquet(rows, header))
    reached(Point.BATCH_COMMITTED)
    return is_new


def _day(header: BatchHeader) -> str:
    return f"venue={header.venue}/known_date={header.known_at:%Y-%m-%d}"


def body_name(header: BatchHeader) -> str:
    """Return the name below bronze of the body of a batch."""
    return f"{header.dataset}/{_day(header)}/{header.batch_id}.body.{header.content_format}.zst"


@overload
def find_batch(bronze: Path, header: BatchHeader) -> Path | None: ...
@overload
def find_batch(bronze: Bronze, header: BatchHeader) -> BronzeFile | None: ...
def find_batch(bronze: Bronze, header: BatchHeader) -> BronzeFile | None:
    """Return where the batch was committed, on whatever date, or ``None``."""
    return store_of(bronze).find(header.dataset, header.venue, header.batch_id)


def read_header(file: BronzeFile) -> BatchHeader:
    """Read the header of a committed batch from its own Parquet file.

    Raises
    ------
    HomeError
        If the file is damaged, or none of Assay's.
    """
    with _damage(file):
        return BatchHeader.from_json(_metadata(file)[_HEADER_KEY])


def read_batch(file: BronzeFile) -> tuple[BatchHeader, pa.Table]:
    """Read the header and all rows of a batch from its own file, or those that were set aside of it.

    Raises
    ------
    HomeError
        If the file is damaged, or none of Assay's.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415

    with _damage(file), storage_errors(file):
        opened = pq.ParquetFile(BytesIO(file.read_bytes()))
        header = BatchHeader.from_json(opened.metadata.metadata[_HEADER_KEY])
        return header, opened.read(use_threads=False).replace_schema_metadata(None)


def read_pack_headers(file: BronzeFile) -> dict[str, BatchHeader]:
    """Read the headers of the batches of a pack, by id; HomeError if the file is damaged."""
    with _damage(file):
        headers = map(BatchHeader.from_json, packs.read_headers(_metadata(file)[_PACK_KEY]))
        return {header.batch_id: header for header in headers}


def read_headers(files: Sequence[BronzeFile]) -> Iterator[BatchHeader]:
    """Yield the headers of these batches in order; those of an object store are asked for many at a time."""
    if not any(isinstance(file, S3File) for file in files):
        yield from map(read_header, files)
        return
    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        yield from pool.map(read_header, files)


def read_headers_of(batches: Mapping[str, BronzeFile]) -> Iterator[tuple[BatchHeader, BronzeFile]]:
    """Yield the header of each batch and the file that it is in, those of one pack together.

    Parameters
    ----------
    batches : mapping of str to BronzeFile
        As :func:`~assay.lake.bronze_store.batches_of` gives them.
    """
    alone = [file for file in batches.values() if not is_pack(file.stem)]
    yield from zip(read_headers(alone), alone, strict=True)
    for file, wanted in _by_pack(batches).items():
        headers = read_pack_headers(file)
        if not wanted <= headers.keys():
            raise _damaged(file)
        yield from ((headers[one], file) for one in sorted(wanted))


def _by_pack(batches: Mapping[str, BronzeFile]) -> dict[BronzeFile, set[str]]:
    packed: dict[BronzeFile, set[str]] = {}
    for batch_id, file in batches.items():
        if is_pack(file.stem):
            packed.setdefault(file, set()).add(batch_id)
    return packed


def _metadata(file: BronzeFile) -> Mapping[bytes, bytes]:
    import pyarrow.parquet as pq  # noqa: PLC0415

    with storage_errors(file):
        source = BytesIO(_end_of(file)) if isinstance(file, S3File) else str(file)
        return pq.read_metadata(source).metadata or {}


@contextlib.contextmanager
def _damage(file: BronzeFile) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, zstandard.ZstdError) as error:
        raise _damaged(file) from error


def _damaged(file: BronzeFile) -> HomeError:
    todo = "move it away, import its recording again, and run `assay build --full-refresh`"
    if is_pack(file.stem):
        todo = "restore it from a backup (see `assay restore`), and run `assay build --full-refresh`"
    return HomeError("a batch of bronze is damaged", value=file, todo=todo)


def _end_of(file: S3File) -> bytes:
    """Return the end of a Parquet file with all of its metadata in it, which is found from behind."""
    tail = file.read_tail(_TAIL_BYTES)
    needed = int.from_bytes(tail[-_FOOTER_BYTES:-4], "little") + _FOOTER_BYTES
    return tail if needed <= len(tail) else file.read_tail(needed)


def read_body(bronze: Bronze, header: BatchHeader) -> bytes:
    """Return the body of a batch as it was received.

    Raises
    ------
    StorageError
        If it is not kept any more.
    """
    store = store_of(bronze)
    file = store.at(body_name(header))
    with storage_errors(file):
        try:
            body = file.read_bytes()
        except FileNotFoundError:
            packed = _packed_body(store, header)
            if packed is None:
                raise
            body = packed
        return zstandard.ZstdDecompressor().decompress(body)


def _packed_body(store: BronzeStore, header: BatchHeader) -> bytes | None:
    day = f"{header.dataset}/{_day(header)}"
    for pack, listed in store.packs(day).items():
        for ending in (BODIES, KEPT_BODIES) if packs.holds(listed, header.batch_id) else ():
            with contextlib.suppress(FileNotFoundError):
                body = packs.read_body(store.at(f"{day}/{pack}{ending}"), header.batch_id)
                if body is not None:
                    return body
    return None


def read_batches(batches: Mapping[str, BronzeFile], columns: Sequence[str]) -> pl.DataFrame:
    """Return the rows of batches of one dataset and one store, of which there is at least one, packed or not.

    Parameters
    ----------
    batches : mapping of str to BronzeFile
        As :func:`~assay.lake.bronze_store.batches_of` gives them.
    columns : sequence of str
    """
    import polars as pl  # noqa: PLC0415

    alone = [file for file in batches.values() if not is_pack(file.stem)]
    parts = [read_rows(alone, columns)] if alone else []
    for file, wanted in _by_pack(batches).items():
        rows = read_rows([file], [*columns, *({"batch_id"} - set(columns))])
        parts.append(rows.filter(pl.col("batch_id").is_in(sorted(wanted))).select(columns))
    return pl.concat(parts)


def read_rows(files: Sequence[BronzeFile], columns: Sequence[str]) -> pl.DataFrame:
    """Return the rows of batches of one dataset and one store, of which there is at least one."""
    import polars as pl  # noqa: PLC0415

    addresses = [str(file) for file in files if not isinstance(file, S3File)]
    objects = [file for file in files if isinstance(file, S3File)]
    wanted = list(columns)
    if objects:
        with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
            bodies: list[IO[bytes]] = [BytesIO(body) for body in pool.map(S3File.read_bytes, objects)]
        return pl.read_parquet(bodies, columns=wanted, hive_partitioning=False)
    return pl.read_parquet(addresses, columns=wanted, hive_partitioning=False)


def partitions(bronze: Bronze, dataset: str = "", *, venue: str = "") -> Iterator[Day]:
    """Yield each day of one dataset and one venue, or of all, with the time of its last change in ns."""
    return store_of(bronze).days(dataset, venue)


def committed(bronze: Bronze, partition: str) -> Iterator[BronzeFile]:
    """Yield the committed files of one day, of batches and of packs, in a fixed order."""
    return store_of(bronze).committed(partition)


def to_parquet(rows: pl.DataFrame, header: BatchHeader) -> bytes:
    """Return the typed rows as a Parquet file with the header in its metadata.

    Each type has the encoding that suits it: prices hardly repeat, so a dictionary of them is larger than they are and
    costs most of the time; bytes of floats compress apart, moments and counts as differences.
    """
    return _to_parquet(rows, {_HEADER_KEY: header.to_json()})


def to_pack(rows: pl.DataFrame, headers: Sequence[BatchHeader]) -> bytes:
    """Return the typed rows of many batches as one Parquet file with all of their headers in its metadata."""
    return _to_parquet(rows, {_PACK_KEY: packs.write_headers([header.to_json() for header in headers])})


def _to_parquet(rows: pl.DataFrame, metadata: Mapping[bytes, bytes]) -> bytes:
    import polars as pl  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    table = table.replace_schema_metadata(metadata)
    types = rows.schema.items()
    words = [name for name, dtype in types if dtype == pl.String()]
    encodings = {name: "DELTA_BINARY_PACKED" for name, dtype in types if dtype.is_temporal() or dtype == pl.Int64()}
    encodings |= {name: "BYTE_STREAM_SPLIT" for name, dtype in types if dtype == pl.Float64()}
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd", use_dictionary=words, column_encoding=encodings)
    return buffer.getvalue()
