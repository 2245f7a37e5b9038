"""What an audit says: the kinds of leak, one finding, one check, and the audit as a whole.

>>> finding = Finding(Leak.FUTURE_VALUE, "next_return", "the next bar is read", "shift by a positive number")
>>> audit = Audit("features.py:next_return", (Check("truncation", "data cut at moments", 100, 100, False),), (finding,))
>>> audit.is_causal
False
>>> print(audit.text())
features.py:next_return: sees the future
  future_value in next_return: the next bar is read
    todo: shift by a positive number
  truncation: failed; 100 of 100 rows; data cut at moments
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from assay.evidence.causality.certificate import Certificate


class Leak(StrEnum):
    """How the future came in."""

    FUTURE_VALUE = "future_value"
    CENTRED_WINDOW = "centred_window"
    FULL_SAMPLE_STATISTIC = "full_sample_statistic"
    HIGHER_INTERVAL_BY_OPEN_TIME = "higher_interval_by_open_time"
    SESSION_TOTAL = "session_total"
    FILL = "fill"
    LAST_ROW_DEFAULT = "last_row_default"
    EVENT_TIME_JOIN = "event_time_join"
    ROWS_CHOSEN_BY_THE_FUTURE = "rows_chosen_by_the_future"
    UNIVERSE_WITH_HINDSIGHT = "universe_with_hindsight"
    TARGET_COPY = "target_copy"
    TARGET_NEAR_COPY = "target_near_copy"
    TARGET_ENCODING = "target_encoding"
    FITTED_ON_THE_FUTURE = "fitted_on_the_future"
    SHUFFLED_SPLIT = "shuffled_split"
    LABEL_SPAN = "label_span"
    LABEL_FEATURE_OVERLAP = "label_feature_overlap"
    HIDDEN_STATE = "hidden_state"
    NOT_DETERMINISTIC = "not_deterministic"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row as it came out with the future and without it, and the rows around it.

    Attributes
    ----------
    probe : str
        Which check showed it: ``truncation``, ``perturbation``, ``comb``, ``stream``, ``fit``, ``split``, ``target``.
    cut : int, optional
        Microseconds: what was known after this was taken away or changed.
    times : tuple of int
        Microseconds: when each row around was known.
    with_future, without : tuple of float
        The column in these rows, computed on everything, and with the future taken away or changed; NaN for no value.
    lags : tuple of int
        Which later bars the row reads, counted in bars from its own, as far as measured one by one.
    reads : tuple of str
        Columns of the input that are read from the future.
    leaking, checked : int
        Rows that were seen to leak, of those for which such a leak would have shown.
    """

    probe: str
    cut: int | None = None
    times: tuple[int, ...] = ()
    with_future: tuple[float, ...] = ()
    without: tuple[float, ...] = ()
    lags: tuple[int, ...] = ()
    reads: tuple[str, ...] = ()
    leaking: int = 0
    checked: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One leak.

    Attributes
    ----------
    kind : Leak
    column : str
        The column that leaks; empty where it is about rows or the computation as a whole.
    cause, todo : str
        What it probably is and what to do, in words a person acts on.
    row : int, optional
        The row of the output that shows it, from 0.
    lag : int, optional
        How many bars ahead it reads, the most that was seen.
    time : datetime, optional
        The row's time, in UTC.
    series : str
        The row's series, such as ``BTC-USDT``; empty where there is but one.
    before, after : float, optional
        The value as it stood with what was known, and as it is when the future is there; of what is not the same twice,
        in the first call and in the second.
    evidence : Evidence, optional
    """

    kind: Leak
    column: str
    cause: str
    todo: str
    row: int | None = None
    lag: int | None = None
    time: datetime | None = None
    series: str = ""
    before: float | None = None
    after: float | None = None
    evidence: Evidence | None = None

    def text(self) -> str:
        """Return the finding as lines for people."""
        lines = [f"{self.kind} in {self.column}: {self.cause}" if self.column else f"{self.kind}: {self.cause}"]
        if self.row is not None:
            when = f" at {self.time:%Y-%m-%d %H:%M:%S} UTC" if self.time else ""
            whose = f" of {self.series}" if self.series else ""
            lines.append(f"  row {self.row}{whose}{when}{self._values()}")
        if self.evidence and self.evidence.reads:
            lines.append(f"  reads: {', '.join(self.evidence.reads)}")
        return "\n".join([*lines, f"  todo: {self.todo}"])

    def _values(self) -> str:
        """Return both values in words; nothing where the finding is about whether the row is there at all."""
        if self.before is None and self.after is None:
            return ""
        is_repeated = self.evidence is not None and self.evidence.probe == "repeated"
        first, second = ("in the first call", "in the second") if is_repeated else ("then", "in hindsight")
        return f": {_shown(self.before)} {first}, {_shown(self.after)} {second}"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked, and how densely.

    Attributes
    ----------
    name : str
    what : str
        In words.
    rows, checked : int
        Rows there are, and rows for which this check would have shown a leak.
    is_passed : bool
    """

    name: str
    what: str
    rows: int
    checked: int
    is_passed: bool

    @property
    def density(self) -> float:
        """Part of the rows that was checked."""
        return self.checked / self.rows if self.rows else 1.0

    @property
    def outcome(self) -> str:
        """``failed``, ``passed``, or ``not done`` where no row could be looked at: that proves nothing."""
        if not self.is_passed:
            return "failed"
        return "passed" if self.checked or not self.rows else "not done"

    def text(self) -> str:
        """Return the check as one line."""
        return f"{self.name}: {self.outcome}; {self.checked:,} of {self.rows:,} rows; {self.what}"


@dataclass(frozen=True, slots=True)
class Audit:
    """What was checked of one subject, what was found, and a certificate if nothing was."""

    subject: str
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    certificate: Certificate | None = None

    @property
    def is_causal(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def sees_future(self) -> bool:
        """Whether a leak was found; what gives something else at each call is not causal, and shows none either."""
        return any(finding.kind is not Leak.NOT_DETERMINISTIC for finding in self.findings)

    @property
    def verdict(self) -> str:
        """In words."""
        if self.is_causal:
            return "no look into the future was found"
        return "sees the future" if self.sees_future else "not proven: no two calls agree"

    def text(self) -> str:
        """Return the audit as lines for people."""
        lines = [f"{self.subject}: {self.verdict}"]
        for finding in self.findings:
            lines += [f"  {line}" for line in finding.text().splitlines()]
        lines += [f"  {check.text()}" for check in self.checks]
        if self.certificate:
            lines.append(f"  certificate {self.certificate.content_hash}")
        return "\n".join(lines)

    def about(self) -> dict[str, object]:
        """Return all of it as plain values for JSON."""
        return {
            "subject": self.subject,
            "is_causal": self.is_causal,
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
            "checks": [dataclasses.asdict(check) | {"density": check.density} for check in self.checks],
            "certificate": None if self.certificate is None else dataclasses.asdict(self.certificate),
        }


def _shown(value: float | None) -> str:
    return "no value" if value is None or math.isnan(value) else f"{value:.8g}"
