"""What the files of a pack look like: many small batches of one day of one dataset and one venue, put together.

A pack is up to four files beside the batches of its day, and two more beside what was set aside of them:

- ``pack-<hash>.parquet``: the rows of its batches, each with its batch id, and in the metadata their headers. Its
  appearance commits the pack.
- ``packs/pack-<hash>.ids``: which batches are in it, a line each, sorted. In a folder of its own, so that one need
  not list a day to find a batch.
- ``pack-<hash>.body.zst``, ``pack-<hash>.body.kept.zst``: the bodies byte for byte as they were compressed one by one,
  one after the other, and where each of them is. Together they are one file of zstd as well. The second file holds
  those that are read again, because something of them was set aside; they have no time after which they go.

The hash is of the ids: who packs the same batches makes the same names.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

import zstandard

PREFIX = "pack-"
FOLDER, IDS = "packs", ".ids"
BODIES, KEPT_BODIES = ".body.zst", ".body.kept.zst"
_TAIL_BYTES = 65_536
# A frame that whoever decompresses zstd skips; it begins with this and the length of what is in it.
_SKIPPED = (0x184D2A50).to_bytes(4, "little")
_LENGTH_BYTES = 4


class _Ranged(Protocol):
    """A file of an object store."""

    def read_tail(self, least: int) -> bytes: ...

    def read_range(self, start: int, length: int) -> bytes: ...


def is_pack(stem: str) -> bool:
    """Return whether a file of that name is one of a pack rather than of one batch."""
    return stem.startswith(PREFIX)


def pack_stem(batch_ids: Iterable[str]) -> str:
    """Return what the names of the files of a pack begin with.

    >>> pack_stem(["b", "a"]) == pack_stem(["a", "b"])
    True
    """
    return PREFIX + hashlib.sha256("\n".join(sorted(batch_ids)).encode()).hexdigest()[:32]


def write_ids(batch_ids: Iterable[str]) -> bytes:
    """Return the list of the batches of a pack.

    >>> write_ids(["b", "a"]).split()
    [b'a', b'b']
    """
    return "\n".join(["", *sorted(batch_ids), ""]).encode()


def read_ids(listed: bytes) -> list[str]:
    """Return the batches that :func:`write_ids` listed, sorted."""
    return listed.decode().split()


def holds(listed: bytes, batch_id: str) -> bool:
    """Return whether a list names a batch; it is searched as it is, which takes no memory of its own."""
    return f"\n{batch_id}\n".encode() in listed


def write_headers(headers: Sequence[bytes]) -> bytes:
    """Return the headers of a pack as its metadata has them: text, because not every reader takes bytes there."""
    return base64.b64encode(zstandard.ZstdCompressor(level=9).compress(b"\n".join(headers)))


def read_headers(text: bytes) -> list[bytes]:
    """Return what :func:`write_headers` wrote."""
    return zstandard.ZstdDecompressor().decompress(base64.b64decode(text, validate=True)).split(b"\n")


def join_bodies(bodies: Mapping[str, bytes]) -> bytes:
    """Return compressed bodies by batch id as one file, which says at its end where each of them is."""
    places, start = {}, 0
    for batch_id, body in bodies.items():
        places[batch_id] = (start, len(body))
        start += len(body)
    listed = json.dumps(places).encode()
    told = listed + len(listed).to_bytes(_LENGTH_BYTES, "little")
    return b"".join([*bodies.values(), _SKIPPED, len(told).to_bytes(_LENGTH_BYTES, "little"), told])


def body_places(file: object) -> dict[str, tuple[int, int]]:
    """Return where in a file that :func:`join_bodies` made the body of each batch begins, and how long it is.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ValueError
        If it is damaged.
    """
    tail = _tail(file, _TAIL_BYTES)
    length = int.from_bytes(tail[-_LENGTH_BYTES:], "little") + _LENGTH_BYTES
    if length > len(tail):
        tail = _tail(file, length)
    places = json.loads(tail[-length:-_LENGTH_BYTES])
    return {str(batch_id): (int(start), int(size)) for batch_id, (start, size) in places.items()}


def read_body(file: object, batch_id: str) -> bytes | None:
    """Return the body of a batch, still compressed, from a file of bodies; None if it holds none of that batch."""
    place = body_places(file).get(batch_id)
    if place is None:
        return None
    start, length = place
    if not isinstance(file, Path):
        return cast("_Ranged", file).read_range(start, length)
    with file.open("rb") as opened:
        opened.seek(start)
        return opened.read(length)


def _tail(file: object, least: int) -> bytes:
    if not isinstance(file, Path):
        return cast("_Ranged", file).read_tail(least)
    with file.open("rb") as opened:
        size = opened.seek(0, 2)
        opened.seek(max(0, size - least))
        return opened.read()
