"""What Prometheus is told: requests by route and status, how long they took, and how the lake is.

Routes are named by their template (``/api/v1/history/{symbol}``), never by the address that was asked for: a stranger
who makes addresses up would make a time series of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from assay import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The figures of one server; each has its own, so that two in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        named = ("route", "status")
        self._requests = Counter("assay_http_requests", "Requests answered.", named, registry=self.registry)
        self._seconds = Histogram(
            "assay_http_request_seconds", "From the first byte of a request to the last of its answer.", ("route",),
            registry=self.registry, buckets=_BUCKETS,
        )  # fmt: skip
        self._kept = Counter("assay_api_answers_kept", "Answers given from memory.", registry=self.registry)
        self._version = Gauge(
            "assay_lake_data_version", "Number of the lake's newest snapshot.", registry=self.registry
        )
        self._is_ready = Gauge("assay_lake_ready", "1 when the lake can be read.", registry=self.registry)
        self._missing = Gauge("assay_lake_missing_bars", "Bars missing inside the series.", registry=self.registry)
        source = ("venue", "dataset")
        self._age = Gauge(
            "assay_lake_newest_answer_age_seconds", "Since a venue last answered.", source, registry=self.registry
        )
        self._bar_age = Gauge(
            "assay_lake_newest_bar_age_seconds", "Since the newest bar of a venue opened.", ("venue", "interval"),
            registry=self.registry,
        )  # fmt: skip
        about = Gauge("assay_build_info", "Always 1.", ("version",), registry=self.registry)
        about.labels(__version__).set(1)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def was_kept(self) -> None:
        """Count one answer that was given from memory."""
        self._kept.inc()

    def set_lake(self, version: int, *, is_ready: bool, missing_bars: int) -> None:
        """Say how the lake is."""
        self._version.set(version)
        self._is_ready.set(is_ready)
        self._missing.set(missing_bars)

    def set_ages(self, answers: Iterable[tuple[str, str, float]], bars: Iterable[tuple[str, str, float]]) -> None:
        """Say how old the newest answers (venue, dataset) and bars (venue, interval) are, in seconds."""
        for gauge, rows in ((self._age, answers), (self._bar_age, bars)):
            gauge.clear()
            for venue, name, seconds in rows:
                gauge.labels(venue, name).set(seconds)

    def text(self) -> bytes:
        """Return all figures in Prometheus's text format."""
        return generate_latest(self.registry)
