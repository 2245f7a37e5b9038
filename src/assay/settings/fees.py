"""Settings of fees: what a person pays where it is not what a venue charges everybody."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import field_validator as validates
from pydantic_settings import NoDecode

_FEE = re.compile(r"[a-z][a-z0-9_]{0,31}:(spot|usdm)=-?\d{1,4}(\.\d{1,4})?/-?\d{1,4}(\.\d{1,4})?(@\d{4}-\d\d-\d\d)?")


class FeeSettings(BaseModel):
    """What is paid for trading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    own: Annotated[tuple[str, ...], NoDecode] = ()

    @validates("own", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @validates("own")
    @classmethod
    def _are_fees(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            if not _FEE.fullmatch(text):
                raise ValueError(
                    "write venue:market=maker/taker in basis points, with @date if from then on, "
                    f"like binance:spot=7.5/7.5@2024-01-31, and not {text!r}"
                )
        return texts
