"""What was set aside, for people: which batches, why, and what has become of them since."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import islice

from assay.lake import bronze
from assay.lake.quarantine import Quarantined, find_quarantined, quarantined_batches
from assay.pipelines.retrying import states
from assay.pipelines.workspace import Workspace


@dataclass(frozen=True, slots=True)
class QuarantinedBatch:
    """One batch of which something was set aside.

    Attributes
    ----------
    batch_id, venue, endpoint : str
    known_at : datetime
    is_whole : bool
        Whether nothing of the answer could be read.
    rows : int
        Rows that were set aside; 1 for a whole answer.
    cause : str
        Of the first of them.
    state : str
        ``open``, ``retried`` or ``healed``.
    asked : dict
        What was asked, or which file was imported.
    """

    batch_id: str
    venue: str
    endpoint: str
    known_at: datetime
    is_whole: bool
    rows: int
    cause: str
    state: str
    asked: dict[str, str]

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class QuarantineDetail:
    """One batch with all that was set aside, and the body it came in.

    Attributes
    ----------
    batch : QuarantinedBatch
    rows : list of dict
        row_number (from 1; 0 is the whole answer), cause, raw.
    body : str
        As received; bytes that are no text are replaced.
    """

    batch: QuarantinedBatch
    rows: list[dict[str, object]]
    body: str


def quarantine(
    workspace: Workspace, *, venue: str = "", since: date | None = None, limit: int = 20
) -> list[QuarantinedBatch]:
    """Return the latest batches of which something was set aside, at most `limit`; 0 is no limit."""
    found = list(islice(quarantined_batches(workspace.home.bronze_store, venue=venue, since=since), limit or None))
    return [_told(one, state) for one, state in zip(found, states(workspace, found), strict=True)]


def quarantined(workspace: Workspace, batch: str) -> QuarantineDetail:
    """Return everything about the batch whose id begins with `batch`.

    Raises
    ------
    BadInputError, NoDataError
        If there is no such batch, or more than one.
    """
    found = find_quarantined(workspace.home.bronze_store, batch)
    received = bronze.read_body(workspace.home.bronze_store, found.header)
    is_text = found.header.content_format != "zip"
    body = received.decode("utf-8", errors="replace") if is_text else f"a zip of {len(received):,} bytes"
    return QuarantineDetail(_told(found, states(workspace, [found])[0]), found.rows().to_dicts(), body)


def _told(one: Quarantined, state: str) -> QuarantinedBatch:
    header, rows = one.header, one.rows()
    return QuarantinedBatch(
        header.batch_id,
        header.venue,
        header.endpoint,
        header.known_at,
        header.dataset == bronze.POISON,
        rows.height,
        str(rows["cause"][0]),
        state,
        {name: text for name, text in header.parameters.items() if text},
    )
