"""Every setting: its key, its type, its default and what it may be. A field is a setting; a model in it is a group.

>>> settings = Settings(lake={"threads": 4})
>>> settings.lake.threads, settings.model.folds
(4, 6)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, PrivateAttr, SecretStr, ValidationInfo
from pydantic import field_validator as validates
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from assay.domain.duration import parse_duration
from assay.domain.errors import BadInputError
from assay.domain.instrument import PREFERRED_PLACES, Market, check_venue
from assay.settings.features import FeatureSettings
from assay.settings.fees import FeeSettings
from assay.settings.ingest import IngestSettings, VenuesSettings
from assay.settings.mlops import MlopsSettings
from assay.settings.reconcile import ReconcileSettings
from assay.settings.serve import ServeSettings

PREFIX = "ASSAY_"
_SHORTEST_STATE = timedelta(minutes=1)
Key = tuple[str, ...]
"""Path of a setting: ``("lake", "threads")`` for ``lake.threads``."""


class S3Settings(BaseModel):
    """How an object store is spoken to; its keys are in the environment and nowhere else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint_url: Annotated[str, Field(pattern=r"^(https?://[^\s/]+/?)?$")] = ""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] = "us-east-1"
    path_style: bool = True


class LakeSettings(BaseModel):
    """How the lake uses this machine, and where its parts lie that do not lie in the home."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threads: Annotated[int, Field(ge=1, le=256)] = 2
    memory_limit: str = "2GB"
    lock_timeout_s: Annotated[float, Field(ge=0, le=86_400)] = 600.0
    min_free_bytes: ByteSize = ByteSize(200_000_000)
    disk_budget: ByteSize = ByteSize(0)
    keep_snapshots: str = "1h"
    keep_bodies: str = ""
    bronze: str = ""
    tables: str = ""
    catalog: SecretStr | None = None
    catalog_schema: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = "assay"
    s3: S3Settings = S3Settings()

    @validates("bronze", "tables")
    @classmethod
    def _is_a_place(cls, place: str) -> str:
        if re.match(r"[a-z0-9+]+://", place):
            if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\x00-\x1f?#'\"\\]*)?", place):
                raise ValueError("write a directory, or s3://bucket/prefix")
            return place.rstrip("/")
        return str(Path(place).expanduser().absolute()) if place else ""

    @validates("catalog")
    @classmethod
    def _is_postgres(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        if not re.match(r"postgres(ql)?://", url.get_secret_value()):
            raise ValueError("write it as postgresql://user@host:5432/database, or leave it empty")
        return url

    @validates("keep_snapshots", "keep_bodies")
    @classmethod
    def _is_a_length(cls, text: str, about: ValidationInfo) -> str:
        if not text and about.field_name == "keep_bodies":
            return text
        try:
            length = parse_duration(text)
        except BadInputError as error:
            raise ValueError(str(error)) from None
        if about.field_name == "keep_snapshots" and length < _SHORTEST_STATE:
            raise ValueError("write at least 1m: who reads an older state must be able to finish")
        return text

    @validates("memory_limit")
    @classmethod
    def _is_a_size(cls, text: str) -> str:
        if not re.fullmatch(r"[1-9]\d*(\.\d+)? ?[KMGT]i?B", text, flags=re.IGNORECASE):
            raise ValueError("write a size like 2GB or 512MiB")
        return text


class ModelSettings(BaseModel):
    """How a model is fitted and held against its baseline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    horizon_hours: Annotated[int, Field(ge=1, le=8_760)] = 24
    folds: Annotated[int, Field(ge=2, le=100)] = 6
    bootstrap_samples: Annotated[int, Field(ge=100, le=1_000_000)] = 2_000
    block_bars: Annotated[int, Field(ge=1)] = 168
    seed: Annotated[int, Field(ge=0)] = 7
    cost_bps: Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)] = 10.0
    confidence: Annotated[float, Field(gt=0.5, le=1.0, allow_inf_nan=False)] = 0.75
    tolerance_minutes: Annotated[int, Field(ge=0, le=43_200)] = 15


def _shipped_recordings() -> Path | None:
    """Return the recordings plan of the source tree, or ``None`` in an installation without one."""
    plan = Path(__file__).parents[3] / "examples" / "recordings.yaml"
    return plan if plan.is_file() else None


class Settings(BaseSettings):
    """All settings; immutable. Read them with ``load_settings``, or build one from defaults and arguments only."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
    )

    home: Path = Path("~/.assay")
    preferred_places: Annotated[tuple[str, ...], NoDecode] = PREFERRED_PLACES
    lake: LakeSettings = LakeSettings()
    model: ModelSettings = ModelSettings()
    mlops: MlopsSettings = MlopsSettings()
    venues: VenuesSettings = VenuesSettings()
    ingest: IngestSettings = Field(default_factory=IngestSettings)  # a default in it is below the user's home
    reconcile: ReconcileSettings = ReconcileSettings()
    fees: FeeSettings = FeeSettings()
    features: FeatureSettings = FeatureSettings()
    serve: ServeSettings = ServeSettings()
    recordings: Path | None = Field(default_factory=_shipped_recordings)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"

    _sources: dict[Key, Literal["default", "file", "environment", "argument"]] = PrivateAttr(default_factory=dict)

    def is_default(self, key: str) -> bool:
        """Return whether nobody has set the setting with this dotted key."""
        return tuple(key.split(".")) not in self._sources

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take constructor arguments only: ``load_settings`` merges, so that it can say where each value is from."""
        return (init_settings,)

    @validates("home", "recordings")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    @validates("log_level", mode="before")
    @classmethod
    def _capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @validates("preferred_places", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @validates("preferred_places")
    @classmethod
    def _are_places(cls, places: tuple[str, ...]) -> tuple[str, ...]:
        for place in places:
            venue, _, market = place.partition(":")
            try:
                check_venue(venue)
                Market.parse(market)
            except BadInputError as error:
                raise ValueError(f"write venue:market, like binance:spot ({error})") from None
        return places


def leaves(schema: type[BaseModel], above: Key = ()) -> Iterator[tuple[Key, object]]:
    """Yield the path and the annotation of every setting of `schema`, in the order they are written."""
    for name, field in schema.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, (*above, name))
        else:
            yield (*above, name), field.annotation


def setting_keys(schema: type[BaseModel] = Settings) -> tuple[str, ...]:
    """Return the dotted key of every setting.

    >>> setting_keys()[:3]
    ('home', 'preferred_places', 'lake.threads')
    """
    return tuple(".".join(key) for key, _ in leaves(schema))


def variable_of(key: str) -> str:
    """Return the environment variable of a dotted key.

    >>> variable_of("lake.threads")
    'ASSAY_LAKE__THREADS'
    """
    return PREFIX + key.upper().replace(".", "__")
