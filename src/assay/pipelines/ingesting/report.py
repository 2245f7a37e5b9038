"""What ingesting did, venue by venue and series by series: one document for people and programs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from assay.lake.coverage_proof import CoverageProof
from assay.pipelines.ingesting.batches import Batch, Failure
from assay.pipelines.ingesting.client import Traffic


class Outcome(StrEnum):
    """How it went, for a venue or for all of them."""

    COMPLETE = "complete"
    """Every question has a usable answer in bronze."""
    RETRY = "retry"
    """Some have not, and asking again may help."""
    REFUSED = "refused"
    """Some will not have one, however often they are asked."""


@dataclass(slots=True)
class DatasetTally:
    """What came of one dataset at one venue."""

    new: int = 0
    known: int = 0
    skipped: int = 0
    rows: int = 0
    quarantined: int = 0


@dataclass(slots=True)
class VenueReport:
    """What came of one venue.

    Attributes
    ----------
    venue, base_url : str
    traffic : Traffic
    datasets : dict of str to DatasetTally
        `skipped` are questions that bronze already answers for the slot.
    poison : int
        Pages that could not be read.
    failures : list of Failure
        Questions without an answer.
    not_traded : list of str
        Pairs that the venue does not know and that nobody named.
    proofs : list of CoverageProof
        One a series.
    """

    venue: str
    base_url: str
    traffic: Traffic
    datasets: dict[str, DatasetTally] = field(default_factory=dict)
    poison: int = 0
    failures: list[Failure] = field(default_factory=list)
    not_traded: list[str] = field(default_factory=list)
    proofs: list[CoverageProof] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """How it went."""
        if self.poison or any(one.kind != "refused" for one in self.failures):
            return Outcome.RETRY
        return Outcome.REFUSED if self.failures else Outcome.COMPLETE

    def tally(self, dataset: str) -> DatasetTally:
        """Return the tally of a dataset, to be counted up."""
        return self.datasets.setdefault(dataset, DatasetTally())

    def count(self, batch: Batch, *, is_new: bool) -> None:
        """Count a batch that is in bronze."""
        tally = self.tally(batch.header.dataset)
        tally.new += is_new
        tally.known += not is_new
        if is_new:
            tally.rows += batch.rows.height
            tally.quarantined += batch.quarantined.height

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        totals = {
            name: sum(getattr(one, name) for one in self.datasets.values())
            for name in ("new", "known", "skipped", "rows", "quarantined")
        }
        return {
            "venue": self.venue,
            "base_url": self.base_url,
            "outcome": self.outcome.value,
            **{name: round(value, 3) for name, value in dataclasses.asdict(self.traffic).items()},
            **{f"batches_{name}": totals[name] for name in ("new", "known")},
            **{name: totals[name] for name in ("skipped", "rows", "quarantined")},
            "poison_pages": self.poison,
            "datasets": {name: dataclasses.asdict(one) for name, one in sorted(self.datasets.items())},
            "failures": [_failure(one) for one in self.failures],
            "not_traded": self.not_traded,
            "series": [proof.to_dict() for proof in self.proofs],
        }


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What ingesting did.

    Attributes
    ----------
    venues : tuple of VenueReport
    slot : str
        The schedule's slot, as ISO time.
    started_at : datetime
    """

    venues: tuple[VenueReport, ...]
    slot: str
    started_at: datetime

    @property
    def outcome(self) -> Outcome:
        """How it went: the worst of the venues."""
        outcomes = {one.outcome for one in self.venues}
        return next(one for one in (Outcome.RETRY, Outcome.REFUSED, Outcome.COMPLETE) if one in {*outcomes, "complete"})

    @property
    def new_batches(self) -> int:
        """Batches that are in bronze now and were not before."""
        return sum(tally.new for venue in self.venues for tally in venue.datasets.values())

    @property
    def unknown(self) -> list[str]:
        """Assets of which no venue that was asked for bars has a pair."""
        known: dict[str, bool] = {}
        for venue in self.venues:
            for proof in venue.proofs:
                symbol = proof.series.symbol
                known[symbol.base] = known.get(symbol.base, False) or str(symbol) not in venue.not_traded
        return sorted(asset for asset, is_known in known.items() if not is_known)

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {
            "outcome": self.outcome.value,
            "slot": self.slot,
            "started_at": self.started_at.isoformat(),
            "new_batches": self.new_batches,
            "unknown": self.unknown,
            "venues": [one.to_dict() for one in self.venues],
        }


def _failure(failure: Failure) -> dict[str, object]:
    asked = {"endpoint": failure.request.endpoint, "parameters": dict(failure.request.params)}
    return {**asked, "kind": failure.kind, "cause": failure.cause, "asked_at": failure.asked_at.isoformat()}
