"""Every setting, its type and its default, and the one function that reads them.

Only the command line, the site and the pipelines import this package; what lies below gets plain values.
"""

from assay.settings.documents import load_document
from assay.settings.ingest import IngestSettings, TradingVenueSettings, VenueSettings, VenuesSettings
from assay.settings.load import SettingRow, Source, describe, load_settings, secret_keys
from assay.settings.schema import LakeSettings, ModelSettings, Settings, setting_keys, variable_of
from assay.settings.serve import ServeSettings

__all__ = [
    "IngestSettings",
    "LakeSettings",
    "ModelSettings",
    "ServeSettings",
    "SettingRow",
    "Settings",
    "Source",
    "TradingVenueSettings",
    "VenueSettings",
    "VenuesSettings",
    "describe",
    "load_document",
    "load_settings",
    "secret_keys",
    "setting_keys",
    "variable_of",
]
