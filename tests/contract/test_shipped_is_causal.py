"""Nothing that ships sees the future: indicators, feature sets, labels of each kind; on made-up and recorded bars."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import polars as pl
import pytest

from assay.domain.interval import Interval
from assay.evidence.causality import LabelColumns, Leak, audit, audit_label
from assay.features.bars import VALUE_COLUMNS, Bars
from assay.features.labels import parse_label
from assay.features.registry import STEPS
from assay.features.sets import FEATURE_SETS, NEXT_BAR, NEXT_BAR_FLOW, FeatureSet
from assay.pipelines.auditing import SHIPPED_LABELS, label_subject, prove_by_stream, set_subject
from assay.pipelines.made_bars import made_bars
from tests.contract.step_cases import recorded_case
from tests.unit.features.made_bars import HOUR, needs_recordings

pytestmark = pytest.mark.usefixtures("shared_kernels")
ONE_HOUR = Interval.parse("1h")


def made(count: int) -> tuple[pl.DataFrame, Bars]:
    frame = made_bars(ONE_HOUR, count=count)
    times = [frame[name].dt.epoch("us").to_numpy() for name in ("open_time", "close_time")]
    return frame, Bars(*times, **{name: frame[name].to_numpy() for name in VALUE_COLUMNS})


@pytest.mark.parametrize("name", sorted(STEPS))
def test_indicator_fed_bar_by_bar_gives_what_the_batch_gives(name: str) -> None:
    found = prove_by_stream(FeatureSet(name, 1, (STEPS[name](),)), made(1_000)[1])
    assert found.is_causal, found.text()
    assert found.certificate is not None
    assert found.certificate.density == 1.0


# Every Step of `next_bar` is one of `next_bar_flow`.
@pytest.mark.parametrize("name", sorted(FEATURE_SETS.keys() - {"next_bar"}))
def test_feature_set_computed_again_without_its_future_is_the_same(name: str) -> None:
    frame, bars = made(500)
    assert prove_by_stream(FEATURE_SETS[name], bars).is_causal
    found = audit(set_subject(FEATURE_SETS[name], interval=ONE_HOUR), frame)
    assert found.is_causal, found.text()


def test_sets_for_the_next_bar_read_no_level_of_a_price_and_the_shorter_one_no_takers() -> None:
    bars = made(300)[1]
    prices = {name: 8.0 * getattr(bars, name) for name in ("open", "high", "low", "close", "quote_volume")}
    found, dearer = (NEXT_BAR_FLOW.run(one).matrix for one in (bars, dataclasses.replace(bars, **prices)))
    # A factor that is a power of two changes no digit of a ratio, so a column that sees the level differs by far more.
    np.testing.assert_allclose(dearer, found, rtol=1e-6, atol=1e-9)
    assert np.isnan(found[NEXT_BAR_FLOW.warmup - 1]).any()
    assert np.isfinite(found[NEXT_BAR_FLOW.warmup :]).all()
    assert NEXT_BAR_FLOW.steps[: len(NEXT_BAR.steps)] == NEXT_BAR.steps
    read = {column for step in NEXT_BAR.steps for column in step.inputs}
    assert read == {"high", "low", "close", "volume"}


@pytest.mark.parametrize("name", SHIPPED_LABELS)
def test_label_uses_the_span_it_declares_and_nothing_else(name: str) -> None:
    found = audit_label(label_subject(parse_label(name), ONE_HOUR), made(500)[0], columns=LabelColumns())
    assert found.is_causal, found.text()


def test_training_table_of_shipped_parts_is_causal_and_its_label_is_in_no_feature() -> None:
    subject = set_subject(FEATURE_SETS["direction"], rule=parse_label("direction_24h"), interval=ONE_HOUR)
    found = audit(subject, made(800)[0])
    assert found.is_causal, found.text()
    assert "target" in {check.name for check in found.checks}


@needs_recordings
@pytest.mark.recorded
def test_everything_is_causal_on_recorded_bars_with_their_holes() -> None:
    bars = recorded_case().bars
    for name, make in sorted(STEPS.items()):
        found = prove_by_stream(FeatureSet(name, 1, (make(),)), bars)
        assert found.is_causal, found.text()


def test_batch_that_differs_from_the_stream_is_found() -> None:
    """A set whose batch was tampered with: one value of one row is another."""
    _, bars = made(300)

    class Tampered(FeatureSet):
        def run(self, *given: object, **more: object) -> object:  # type: ignore[override]
            ran = FeatureSet.run(self, *given, **more)  # type: ignore[arg-type]
            matrix = ran.matrix.copy()
            matrix[200, 1] = np.nextafter(matrix[200, 1], math.inf)
            return dataclasses.replace(ran, matrix=matrix)

    shipped = FEATURE_SETS["direction"]
    found = prove_by_stream(Tampered("direction", 1, shipped.steps), bars)
    (finding,) = found.findings
    assert (finding.kind, finding.column, finding.row) == (Leak.UNEXPLAINED, shipped.columns[1], 200)
    assert finding.time is not None
    assert int(bars.open_time[200]) == int(finding.time.timestamp()) // 3600 * HOUR
