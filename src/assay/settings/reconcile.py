"""Settings of the reconciliation of sources."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import field_validator as validates
from pydantic_settings import NoDecode

_STAND_IN = re.compile(r"[a-z][a-z0-9_]{0,31}:(spot|usdm):[A-Z0-9]+=(spot|usdm):[A-Z0-9]+")


class ReconcileSettings(BaseModel):
    """What may be held against what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stand_ins: Annotated[tuple[str, ...], NoDecode] = ()

    @validates("stand_ins", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @validates("stand_ins")
    @classmethod
    def _are_stand_ins(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            source, _, target = text.partition("=")
            if not _STAND_IN.fullmatch(text) or source.partition(":")[2] == target:
                raise ValueError(
                    f"write venue:market:QUOTE=market:QUOTE, like binance:spot:USDT=spot:USD, and not {text!r}"
                )
        return texts
