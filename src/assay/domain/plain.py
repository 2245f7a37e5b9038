"""Answers made of what JSON knows: one way for what is printed, served and kept.

>>> plain({"sharpe": float("nan"), "at": datetime(2024, 1, 1), "band": (0.5, 1)})
{'sharpe': None, 'at': '2024-01-01T00:00:00', 'band': [0.5, 1]}
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta


def plain(value: object) -> object:
    """Return `value` made of what JSON knows, as deep as it goes.

    Moments become ISO 8601 with their offset, durations seconds, dataclasses mappings; NaN and infinities become None,
    which JSON lacks; what is nothing of this becomes its text.
    """
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Iterable):
        return [plain(each) for each in value]
    return _scalar(value)


def _scalar(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    item = getattr(value, "item", None)  # a NumPy scalar, without importing NumPy for it
    return plain(item()) if callable(item) else str(value)
