"""What faults do to an answer that would have been right: to its rows, or to its bytes.

>>> bend_rows([1, 2, 3], None, Kind.MISSING, draw=1)
[1, 3]
>>> cut(b'[[1499040000000,"0.01634790"]]', draw=5)
b'[[149904'
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from assay.venues.sandbox.answers import Document
from assay.venues.sandbox.faults import Kind

_PRICES = ("lastPrice", "current_price", "p", "status", "serverTime")
_CLOSE = 4
Rows = list[Document]


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
    if isinstance(document, dict) and rows_at:
        return {**document, rows_at: bend_rows(document[rows_at], None, kind, draw=draw)}
    if isinstance(document, dict) and "bids" in document:
        return {**document, "bids": bend_rows(document["bids"], None, kind, draw=draw)}
    if isinstance(document, dict):
        return _retyped(document) if kind is Kind.WRONG_TYPES else document
    if not isinstance(document, list) or not document:
        return document
    return _BENDS[kind](document, draw)


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
