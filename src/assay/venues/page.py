"""Taking a page apart into rows: the whole page at once if it is as documented, else row by row.

The page is decoded by msgspec straight into the documented types. Only when that fails is it cut into its rows and
each row decoded alone, so that the price of finding the bad row is paid by bad pages.

>>> from typing import NamedTuple
>>> class Trade(NamedTuple):
...     id: int
...     price: str
>>> page = read_list(b'[[1,"a"],[2],[3,"c"]]', Trade, request=Request("v", "e", "/e", (), 1))
>>> page.rows, page.positions
([Trade(id=1, price='a'), Trade(id=3, price='c')], [0, 2])
>>> page.rejected[0].cause
'not as documented: Expected `array` of length 2'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

import msgspec
from numpy.typing import NDArray

from assay.venues.errors import PoisonPageError
from assay.venues.parsed import ErrorReader
from assay.venues.scan import scan
from assay.venues.spec import Request

# 2009-01-03, when there was nothing to trade yet, to 2200: outside of it a stamp is in another unit, or nonsense.
Milliseconds = Annotated[int, msgspec.Meta(ge=1_230_940_800_000, lt=7_289_654_400_000)]
Seconds = Annotated[int, msgspec.Meta(ge=1_230_940_800, lt=7_289_654_400)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Id = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
"""-1 stands for no trade, as in a day without one."""
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""ISO 8601 text with its zone."""

T = TypeVar("T")
Row_co = TypeVar("Row_co", covariant=True)
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was set aside."""

    position: int
    cause: str
    raw: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where in a page the rows of the documented form stood, and the rows that are not."""

    positions: Sequence[int]
    rejected: Sequence[Rejected]
    cut: Callable[[], list[msgspec.Raw]]
    """Cuts the page into the texts of its rows; called only if a row has to be shown."""

    def raws(self, positions: Iterable[int]) -> list[str]:
        """Return the texts of the rows at `positions`, as received."""
        cut = self.cut()
        return [_shown(bytes(cut[position])) for position in positions]


@dataclass(frozen=True, slots=True)
class Page(Places, Generic[Row_co]):
    """The rows of a page that are of the documented form, with their places."""

    rows: Sequence[Row_co]


def read_columns(
    body: bytes, row_type: type[tuple[Any, ...]], *, request: Request, read_error: ErrorReader | None = None
) -> tuple[Places, Mapping[str, Sequence[Any] | NDArray[Any]]]:
    """Read a page that is a list of rows, each a list, into columns by the names of `row_type`.

    A column is an array of numbers where the page was scanned (:mod:`assay.venues.scan`): of float64 where the row has
    text. What the numbers are does not depend on that.

    Raises
    ------
    PoisonPageError, VenueError
        As :func:`read_list` does.
    """
    scanned = scan(body, row_type)
    if scanned is not None:
        count = len(next(iter(scanned.values())))
        return Places(range(count), [], partial(split, body)), scanned
    page = read_list(body, row_type, request=request, read_error=read_error)
    return page, transposed(page.rows, list(get_type_hints(row_type)))


def read_list(body: bytes, row_type: type[T], *, request: Request, read_error: ErrorReader | None = None) -> Page[T]:
    """Read a page that is a list of rows.

    Raises
    ------
    PoisonPageError
        If it is no list.
    VenueError
        If it is no list but an error of the venue, which `read_error` knows.
    """
    try:
        rows = msgspec.json.decode(body, type=list[row_type])  # type: ignore[valid-type]
        return Page(range(len(rows)), [], partial(split, body), rows)
    except UNREADABLE:
        pass
    try:
        raws = split(body)
    except UNREADABLE as error:
        raise poison(body, error, request=request, read_error=read_error) from None
    return read_rows(raws, row_type)


def read_rows(raws: list[msgspec.Raw], row_type: type[T]) -> Page[T]:
    """Read rows that were cut out of a page one by one."""
    decoder = msgspec.json.Decoder(row_type)
    rows: list[T] = []
    positions: list[int] = []
    rejected: list[Rejected] = []
    for position, raw in enumerate(raws):
        try:
            rows.append(decoder.decode(raw))
            positions.append(position)
        except UNREADABLE as error:
            rejected.append(Rejected(position, f"not as documented: {_said(error)}", _shown(bytes(raw))))
    return Page(positions, rejected, lambda: raws, rows)


def read_one(body: bytes, page_type: type[T], *, request: Request, read_error: ErrorReader | None = None) -> T:
    """Read a page that stands or falls as one.

    Raises
    ------
    PoisonPageError
        If it is not of that type.
    VenueError
        If it is an error of the venue.
    """
    try:
        return msgspec.json.decode(body, type=page_type)
    except UNREADABLE as error:
        raise poison(body, error, request=request, read_error=read_error) from None


def read_row(body: bytes, row_type: type[T], *, request: Request, read_error: ErrorReader | None = None) -> Page[T]:
    """Read a page that is a single row, without a list around it; raises as :func:`read_one` does."""
    row = read_one(body, row_type, request=request, read_error=read_error)
    return Page(range(1), [], lambda: [msgspec.Raw(body)], [row])


def split(body: bytes) -> list[msgspec.Raw]:
    """Cut a list into the texts of its elements; what they hold is not looked at beyond its brackets."""
    return msgspec.json.decode(body, type=list[msgspec.Raw])


def transposed(rows: Sequence[tuple[object, ...]], names: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return the columns of rows that are tuples.

    >>> transposed([(1, "a"), (2, "b")], ("number", "letter"))
    {'number': (1, 2), 'letter': ('a', 'b')}
    """
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return dict(zip(names, columns, strict=True))


def poison(body: bytes, error: Exception, *, request: Request, read_error: ErrorReader | None = None) -> Exception:
    """Return what to raise for a body that cannot be read: the venue's own error if it is one."""
    own = read_error(body) if read_error else None
    if own is not None:
        return own
    start = body.lstrip()[:1]
    if not start:
        return PoisonPageError(request, "the page is empty", body)
    if start == b"<":
        return PoisonPageError(request, "the page is HTML or XML", body)
    if isinstance(error, msgspec.ValidationError):
        return PoisonPageError(request, f"not as documented: {_said(error)}", body)
    return PoisonPageError(request, f"not JSON: {_said(error)}", body)


def _said(error: Exception) -> str:
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _shown(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")
