"""Settings of features: where people's own feature sets are."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import field_validator as validates
from pydantic_settings import NoDecode


class FeatureSettings(BaseModel):
    """What is there beside the feature sets that are shipped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sets: Annotated[tuple[str, ...], NoDecode] = ()

    @validates("sets", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value
