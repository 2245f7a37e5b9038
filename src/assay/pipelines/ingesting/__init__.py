"""Ingestion: venues asked in parallel for what bronze lacks, and every answer kept as it came.

>>> from assay.pipelines.ingesting import Wanted, plan_ingest
>>> from assay.settings import Settings
>>> from datetime import datetime, UTC
>>> plan = plan_ingest(Settings(), Wanted(("wazirx:klines",), ("btcinr",)), datetime(2024, 5, 1, tzinfo=UTC))
>>> [str(one.series) for one in plan.venues[0].series]
['wazirx:spot:BTC-INR:1h']
"""

from assay.pipelines.ingesting.access import Access, access_of
from assay.pipelines.ingesting.ingest import ingest
from assay.pipelines.ingesting.plan import IngestPlan, VenuePlan, plan_ingest
from assay.pipelines.ingesting.progress import Progress, silent
from assay.pipelines.ingesting.report import IngestResult, Outcome, VenueReport
from assay.pipelines.ingesting.wanted import Wanted

__all__ = [
    "Access",
    "IngestPlan",
    "IngestResult",
    "Outcome",
    "Progress",
    "VenuePlan",
    "VenueReport",
    "Wanted",
    "access_of",
    "ingest",
    "plan_ingest",
    "silent",
]
