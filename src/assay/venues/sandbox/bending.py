"""What faults do to an answer that would have been right: to its rows, or to its bytes.

>>> bend_rows([1, 2, 3], None, Kind.MISSING, draw=1)
[1, 3]
>>> cut(b'[[1499040000000,"0.01634790"]]', draw=5)
b'[[149904'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from assay.venues.sandbox.answers import Document
from assay.venues.sandbox.faults import Kind

_PRICES = ("lastPrice", "current_price", "price", "close", "p", "status", "serverTime")
_CLOSE = 4
Rows = list[Any]


def bend_rows(document: Document, rows_at: str | None, kind: Kind, *, draw: int) -> Document:
    """Return the answer with its rows bent; as it was, if it has no rows, or too few.

    Parameters
    ----------
    document : object
        The answer.
    rows_at : str, optional
        The field that holds the rows, such as ``symbols``; empty or None: the answer itself is the list.
    kind : Kind
        One of those that concern rows.
    draw : int
        Which row.
    """
    if isinstance(document, msgspec.Raw):
        document = msgspec.json.decode(document)
    if isinstance(document, dict):
        return _bent_object(document, rows_at, kind, draw)
    if not isinstance(document, list) or not document:
        return document
    return _BENDS[kind](document, draw)


def _bent_object(document: dict[str, Any], rows_at: str | None, kind: Kind, draw: int) -> Document:
    """Bend the rows in a field of an object, or what matters most in it if it has none."""
    if "chart" in document:
        return _bent_chart(document, kind, draw)
    # Of three lists of points, [time, value], only the prices are wrong; of a book, the bids.
    name = rows_at or next((one for one in ("prices", "bids") if one in document), None)
    if name:
        return {**document, name: bend_rows(list(document[name]), None, kind, draw=draw)}
    return _retyped(document) if kind is Kind.WRONG_TYPES else document


def _bent_chart(document: dict[str, Any], kind: Kind, draw: int) -> Document:
    """Bend the bars of a chart like Yahoo's, which has a list for each column; what is missing there is null."""
    (result,) = document["chart"]["result"]
    (quote,) = result["indicators"]["quote"]
    # Wrong types concern the fifth value of a row, so that is the close.
    names = [name for name in ("open", "high", "low", "close", "volume") if name in quote]
    rows: Rows = [list(row) for row in zip(result["timestamp"], *(quote[name] for name in names), strict=True)]
    if not rows:
        return document
    if kind is Kind.MISSING:
        row = draw % len(rows)
        rows[row] = [rows[row][0], *[None] * len(names)]
    else:
        rows = _BENDS[kind](rows, draw)
    columns = [list(column) for column in zip(*rows, strict=True)]
    bent = {"timestamp": columns[0], "indicators": {"quote": [dict(zip(names, columns[1:], strict=True))]}}
    return {"chart": {"result": [{**result, **bent}], "error": None}}


def _duplicate(rows: Rows, draw: int) -> Rows:
    row = draw % len(rows)
    return [*rows[: row + 1], *rows[row:]]


def _out_of_order(rows: Rows, draw: int) -> Rows:
    if len(rows) == 1:
        return rows
    row = draw % (len(rows) - 1)
    return [*rows[:row], rows[row + 1], rows[row], *rows[row + 2 :]]


def _missing(rows: Rows, draw: int) -> Rows:
    row = draw % len(rows)
    return [*rows[:row], *rows[row + 1 :]]


def _wrong_types(rows: Rows, draw: int) -> Rows:
    row = draw % len(rows)
    return [*rows[:row], _retyped(rows[row]), *rows[row + 1 :]]


def _retyped(row: Document) -> Document:
    """Return the row with its price, or what matters most in it, of the other type."""
    if isinstance(row, dict):
        return {**row, **{name: _other_type(row[name]) for name in _PRICES if name in row}}
    if isinstance(row, list):
        place = min(_CLOSE, len(row) - 1)
        return [*row[:place], _other_type(row[place]), *row[place + 1 :]]
    return row


def _other_type(value: Document) -> Document:
    if not isinstance(value, str):
        return str(value)
    try:
        return float(value)
    except ValueError:
        return len(value)


_BENDS: dict[Kind, Callable[[Rows, int], Rows]] = {
    Kind.DUPLICATE: _duplicate,
    Kind.OUT_OF_ORDER: _out_of_order,
    Kind.MISSING: _missing,
    Kind.WRONG_TYPES: _wrong_types,
}
ROW_KINDS = tuple(_BENDS)
"""The faults that concern rows."""


def cut(body: bytes, draw: int) -> bytes:
    """Return the beginning of `body`, at least one byte if there are two, and never all of it."""
    return body[: max(1, draw % max(1, len(body) // 2) + len(body) // 10)] if len(body) > 1 else b""
