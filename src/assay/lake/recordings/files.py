"""Finding files and getting their bytes; every way in which a file can be no file ends here, in one clear line."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

from assay.domain.errors import BadInputError

FOLDER_SUFFIXES = (".csv", ".csv.gz", ".parquet")
"""What is taken from a folder; a file that is named outright may also be ``.txt``, ``.tsv`` or ``.txt.gz``."""

_FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".csv.gz": "csv.gz",
    ".txt.gz": "csv.gz",
    ".tsv.gz": "csv.gz",
    ".parquet": "parquet",
}
_GZIP_MAGIC = b"\x1f\x8b"
_PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file's bytes as they are on the disk, and what its name says they are."""

    path: Path
    body: bytes
    content_format: str


def find_files(path: Path) -> list[Path]:
    """Return the recordings at `path`: itself if it is a file, else all that lie in the folder or below it, sorted.

    Raises
    ------
    BadInputError
        If there is nothing at `path`, or the folder holds no recording.
    """
    if not path.exists():
        raise BadInputError("no such file or folder", value=path)
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.rglob("*") if one.is_file() and one.name.lower().endswith(FOLDER_SUFFIXES))
    if not found:
        raise BadInputError("no recording in the folder", value=path, todo=f"it takes {', '.join(FOLDER_SUFFIXES)}")
    return found


def load_file(path: Path) -> SourceFile:
    """Return the bytes of one file.

    Raises
    ------
    BadInputError
        If it is missing, a folder, unreadable, empty, or of a kind that is not read.
    """
    content_format = _format_of(path)
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        raise BadInputError("no such file", value=path) from None
    except IsADirectoryError:
        raise BadInputError("a folder where a file is expected", value=path) from None
    except OSError as error:
        raise BadInputError("cannot read the file", value=path, todo=error.strerror or "") from None
    if not body:
        raise BadInputError("the file is empty", value=path)
    return SourceFile(path, body, content_format)


def _format_of(path: Path) -> str:
    if path.is_dir():
        raise BadInputError("a folder where a file is expected", value=path)
    if not path.exists():
        raise BadInputError("no such file", value=path)
    if not path.is_file():  # a pipe or a device would be waited for, perhaps for ever
        raise BadInputError("not a file", value=path)
    name = path.name.lower()
    for suffix in sorted(_FORMATS, key=len, reverse=True):
        if name.endswith(suffix):
            return _FORMATS[suffix]
    todo = "unpack it first" if name.endswith((".zip", ".7z", ".rar")) else f"it takes {', '.join(FOLDER_SUFFIXES)}"
    raise BadInputError("not a kind of file that is read", value=path, todo=todo)


def text_of(source: SourceFile) -> str:
    """Return the text of a CSV file, unpacked if need be.

    Raises
    ------
    BadInputError
        If the file is damaged, or holds something else than UTF-8 text.
    """
    body = source.body
    if source.content_format == "csv.gz":
        body = _unpack(source)
    elif body.startswith(_GZIP_MAGIC):
        raise BadInputError("a gzip file that is not named so", value=source.path, todo="name it .csv.gz")
    if body.startswith(_PARQUET_MAGIC):
        raise BadInputError("a Parquet file that is named like text", value=source.path, todo="name it .parquet")
    if b"\0" in body:
        raise BadInputError("a binary file, not text", value=source.path, todo="save it as CSV in UTF-8")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        todo = f"byte {error.start:,} is not UTF-8; save it as CSV in UTF-8"
        raise BadInputError("a binary file, not text", value=source.path, todo=todo) from None
    if not text.strip():
        raise BadInputError("the file is empty", value=source.path)
    return text


def _unpack(source: SourceFile) -> bytes:
    """Unpack all members of a gzip file; the standard library's reader does not say how far it came."""
    if not source.body.startswith(_GZIP_MAGIC):
        raise BadInputError("not a gzip file, though named .gz", value=source.path)
    parts: list[bytes] = []
    rest = source.body
    while rest:
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            parts.append(stream.decompress(rest))
        except zlib.error:
            raise BadInputError("the gzip file is damaged", value=source.path, todo="fetch it again") from None
        if not stream.eof:
            size = sum(map(len, parts))
            todo = f"only {size:,} bytes of text could be unpacked; fetch it again"
            raise BadInputError("the gzip file is truncated", value=source.path, todo=todo)
        rest = stream.unused_data.lstrip(b"\0")  # tapes and some tools pad with zeros
    return b"".join(parts)
