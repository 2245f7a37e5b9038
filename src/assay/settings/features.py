"""Settings of features: where people's own indicators and feature sets are."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import field_validator as validates
from pydantic_settings import NoDecode


class FeatureSettings(BaseModel):
    """What is there beside what is shipped; paths that are relative begin in the home."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: Annotated[tuple[str, ...], NoDecode] = ()
    sets: Annotated[tuple[str, ...], NoDecode] = ()

    @validates("steps", "sets", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
