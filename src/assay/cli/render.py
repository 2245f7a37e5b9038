"""How answers are shown: text for people, one JSON document for programs, both from the same object.

>>> print(table(("key", "rows"), [("bronze", 120), ("silver", 7)]))
key     rows
bronze   120
silver     7
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

from assay.domain.plain import plain


def emit(document: object, *, as_json: bool, text: Callable[[], str]) -> None:
    """Print one answer.

    Parameters
    ----------
    document : object
        Dicts, lists, dataclasses and plain values, as deep as needed.
    as_json : bool
        Whether to print `document` as JSON rather than the text.
    text : callable
        Makes the text for people; called only if it is shown.
    """
    print(to_json(document) if as_json else text())


def to_json(document: object) -> str:
    """Return `document` as JSON text.

    Moments become ISO 8601 with their offset, durations seconds; NaN and infinities become null, which JSON lacks.

    >>> to_json({"accuracy": float("nan"), "n": 3})
    '{"accuracy": null, "n": 3}'
    """
    return json.dumps(plain(document), ensure_ascii=False, allow_nan=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an aligned plain-text table: a header, then `rows`; numbers to the right, ``None`` as a dash."""
    body = [list(row) for row in rows]
    cells = [list(columns)] + [[_cell(value) for value in row] for row in body]
    widths = [max(len(row[position]) for row in cells) for position in range(len(columns))]
    is_right = [
        bool(body) and all(isinstance(row[position], int | float | None) for row in body)
        for position in range(len(columns))
    ]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_right, strict=True)
        ).rstrip()
        for row in cells
    )


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.10g}"  # enough for a price with eight decimals of a cheap coin and two of a dear one
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return printable(str(value))


def printable(text: str) -> str:
    r"""Return `text` on one line and without what a terminal would obey: files and their rows come from strangers.

    >>> print(printable("a\x1b[31m\nb"))
    a\x1b[31m\nb
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
