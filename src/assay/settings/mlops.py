"""Settings of what is told to other programs about models."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic import field_validator as validates

_STORES = r"(sqlite:///|https?://[^\s/]|postgresql(\+\w+)?://|mysql(\+\w+)?://|mssql(\+\w+)?://)"


class MlopsSettings(BaseModel):
    """Where models are mirrored to MLflow, and under which names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tracking_uri: SecretStr | None = None
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")] = "assay"

    @validates("tracking_uri")
    @classmethod
    def _is_a_store(cls, uri: SecretStr | None) -> SecretStr | None:
        if uri is None or not uri.get_secret_value():
            return None
        if not re.match(_STORES, uri.get_secret_value()):
            raise ValueError("write http://host:5000, sqlite:////path/mlflow.db or postgresql://user@host/database")
        return uri
