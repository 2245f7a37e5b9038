"""The one way a shape and its fields are written.

>>> class Price(Shape):
...     last: Annotated[float | None, said("Last price, in the quote.", 64_210.5)]
>>> Price(last=float("nan")).model_dump_json()
'{"last":null}'
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Part of an answer; made from a selector's dataclass by the names of its fields. NaN becomes null."""

    model_config = ConfigDict(from_attributes=True, frozen=True, json_schema_serialization_defaults_required=True)


def said(description: str, *examples: object) -> Any:  # noqa: ANN401  # pydantic's own return type
    """Return the metadata of a field: what it is, in which unit, and examples."""
    return Field(description=description, examples=list(examples) or None)


Number = float | None
Moment = Annotated[datetime, said("UTC, ISO 8601.", "2026-05-01T09:00:00Z")]
Milliseconds = Annotated[int, said("Milliseconds since 1970-01-01T00:00:00Z.", 1_714_521_600_000)]
Series = Annotated[str, said("`venue:market:SYMBOL`.", "binance:spot:BTC-USDT")]
Venue = Annotated[str, said("Venue.", "binance")]
Market = Annotated[str, said("Kind of market: `spot`, or `usdm` for perpetuals.", "spot")]
Symbol = Annotated[str, said("`BASE-QUOTE`.", "BTC-USDT")]
IntervalCode = Annotated[str, said("Length of a bar; `1m` is a minute and `1M` a month.", "1h")]
KnownAt = Annotated[datetime, said("When this became known, UTC.", "2026-05-01T09:00:02Z")]
