"""The coverage ledger of a venue as it was at a moment: of the answers that had been received by then.

The cache (:mod:`assay.lake.coverage_cache`) holds what is proven now and cannot go back, so the headers are read again;
those of later days are not opened. A header takes a fraction of a millisecond, which bounds how many are gone through.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from assay.domain.instrument import check_venue
from assay.lake import bronze
from assay.lake.bronze_store import BronzeFile, batches_of, store_of
from assay.lake.coverage import CoverageLedger
from assay.lake.home import Home
from assay.lake.storage import storage_errors

MOST_ANSWERS = 20_000
"""How many answers are gone through; some seconds."""


def read_coverage_then(
    home: Home, venue: str, as_of: datetime, *, settle: timedelta | None, confirmations: int
) -> CoverageLedger | None:
    """Return what the answers of `venue` about bars proved at `as_of`; None if they are more than are gone through.

    Raises
    ------
    HomeError
        If a batch in bronze is damaged.
    StorageError
        If the disk refuses.
    """
    found: dict[str, BronzeFile] = {}
    with storage_errors(home.bronze_store):
        store = store_of(home.bronze_store)
        for day, _ in store.days(bronze.KLINES, check_venue(venue)):
            if day.rpartition("/")[2] <= f"known_date={as_of:%Y-%m-%d}":
                found |= batches_of(store, day)
            if len(found) > MOST_ANSWERS:
                return None
    ledger = CoverageLedger(settle, confirmations)
    for header, _ in bronze.read_headers_of(found):
        if header.known_at <= as_of:
            ledger.add(header)
    return ledger
