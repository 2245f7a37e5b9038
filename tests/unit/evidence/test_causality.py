"""The prover on computations of known faults: its promises, and edges where the planted leaks do not look."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import polars as pl
import pytest

from assay.domain.errors import BadInputError
from assay.evidence.causality import Check, Leak, Subject, audit, audit_fit, audit_label, audit_split
from assay.evidence.causality.frames import FloatArray
from assay.evidence.causality.subject import Compute
from assay.testing import assert_causal

HOUR = 3_600_000_000


@functools.cache
def bars(count: int = 500) -> pl.DataFrame:
    rng = np.random.default_rng(4)
    opened = np.datetime64("2026-01-05T00:00:00", "us") + np.arange(count) * np.timedelta64(1, "h")
    close = 100.0 + rng.normal(size=count).cumsum() / 10
    frame = pl.DataFrame({"open_time": opened, "close": close, "volume": rng.random(count) + 1.0})
    return frame.filter(~pl.int_range(pl.len()).is_in([120, 121, 300]))


def next_close(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("open_time", ahead=pl.col("close").shift(-1), behind=pl.col("close").shift(1))


def mean(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("open_time", mean=pl.col("close").rolling_mean(5))


def total(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("open_time", total=pl.col("volume").cum_sum())


def test_names_column_row_lag_values_and_what_is_read() -> None:
    found = audit(next_close, bars())
    (finding,) = found.findings
    assert (finding.kind, finding.column, finding.lag) == (Leak.FUTURE_VALUE, "ahead", 1)
    assert finding.row is not None
    assert finding.evidence is not None
    assert finding.evidence.reads == ("close",)
    assert finding.evidence.lags == (1,)
    assert finding.before is None
    assert finding.after == bars()["close"][finding.row + 1]
    assert finding.time is not None
    assert finding.time.replace(tzinfo=None) == bars()["open_time"][finding.row]
    assert "ahead" in found.text()
    assert found.certificate is None


def test_same_arguments_give_the_same_audit() -> None:
    # As text: NaN is not itself.
    assert repr(audit(next_close, bars()).about()) == repr(audit(next_close, bars()).about())
    assert audit(mean, bars()).certificate == audit(mean, bars()).certificate


def test_sampled_audit_covers_every_row_of_what_forgets_and_says_so_of_what_does_not() -> None:
    def density(function: Compute) -> float:
        found = audit(function, bars())
        assert found.is_causal
        assert found.certificate is not None
        return found.certificate.density

    assert density(mean) == 1.0
    assert density(total) < 0.5


def test_full_audit_covers_every_row_of_what_never_forgets() -> None:
    found = audit(total, bars(80), density="full")
    assert found.certificate is not None
    assert found.certificate.density == 1.0


@pytest.mark.parametrize("row", [1, 97, 250, 402])
def test_any_single_row_that_reads_the_next_is_found(row: int) -> None:
    def one_row(frame: pl.DataFrame) -> pl.DataFrame:
        ahead = pl.col("close").shift(-1)
        is_row = pl.int_range(pl.len()) == row
        return frame.select("open_time", mean=pl.when(is_row).then(ahead).otherwise("close").rolling_mean(2))

    (finding,) = audit(one_row, bars()).findings
    assert finding.column == "mean"


def test_certificate_is_stale_when_code_or_configuration_changes() -> None:
    subject = Subject.of(mean, config="n=5")
    made = audit(subject, bars()).certificate
    assert made is not None
    assert made.why_stale(code=subject.source, config="n=5") == ""
    assert "configuration" in made.why_stale(code=subject.source, config="n=6")
    assert "code" in made.why_stale(code=Subject.of(total).source, config="n=5")
    other = audit(subject, bars(400)).certificate
    assert other is not None
    assert other.data_version != made.data_version
    assert other.content_hash != made.content_hash


def test_source_changes_with_what_the_function_calls_and_not_with_comments() -> None:
    def source_of_module(text: str) -> str:
        space: dict[str, Any] = {"__name__": "made"}
        exec(compile(text, "made", "exec"), space)
        return Subject.of(space["f"]).source

    first = "def g(x): return x + 1\ndef f(x): return g(x)\n"
    assert source_of_module(first) == source_of_module(first)
    assert source_of_module(first) != source_of_module(first.replace("+ 1", "+ 2"))


def test_a_late_row_is_not_there_before_it_came_and_waiting_for_it_is_honest() -> None:
    late = bars().with_columns(available_at=pl.col("open_time") + pl.duration(hours=1))
    is_late = pl.int_range(pl.len()).is_in([50, 51, 200])
    late = late.with_columns(
        pl.when(is_late).then(pl.col("available_at") + pl.duration(hours=9)).otherwise("available_at")
    )
    assert audit(mean, late).is_causal

    def at_once(frame: pl.DataFrame) -> pl.DataFrame:
        known = pl.col("open_time") + pl.duration(hours=1)
        return frame.select("open_time", known.alias("known_at"), mean=pl.col("close").rolling_mean(5))

    assert [one.kind for one in audit(at_once, late).findings if one.column] == [Leak.EVENT_TIME_JOIN]


@pytest.mark.parametrize("kind", ["array", "series", "frame", "lazy"])
def test_takes_whatever_a_function_returns(kind: str) -> None:
    def ahead(frame: pl.DataFrame) -> object:
        column = frame["close"].shift(-2)
        made = frame.select("open_time", close=column)
        return {"array": column.to_numpy(), "series": column, "frame": made, "lazy": made.lazy()}[kind]

    (finding,) = audit(ahead, bars()).findings
    assert (finding.kind, finding.lag) == (Leak.FUTURE_VALUE, 2)


def test_pandas_with_index_or_column_of_time_or_none() -> None:
    by_column = bars().to_pandas()
    for frame in (by_column, by_column.set_index("open_time"), by_column.drop(columns="open_time")):
        (finding,) = audit(lambda given: given["close"].shift(-3), frame).findings
        assert (finding.kind, finding.lag) == (Leak.FUTURE_VALUE, 3)
        assert audit(lambda given: given["close"].rolling(4).mean().dropna(), frame).is_causal


def test_frame_within_reach_of_the_function_is_cut_as_well() -> None:
    everything = bars()

    def beside(frame: pl.DataFrame) -> pl.DataFrame:
        other = everything.select("open_time", next=pl.col("close").shift(-1))
        return frame.select("open_time").join(other, on="open_time", how="left")

    assert [one.kind for one in audit(beside, bars()).findings] == [Leak.FUTURE_VALUE]
    assert everything.equals(bars())


def test_target_may_look_ahead_and_other_columns_may_not() -> None:
    def table(frame: pl.DataFrame, shift: int) -> pl.DataFrame:
        change = pl.col("close").pct_change(4)
        return frame.select("open_time", change=change.shift(shift), answer=change.shift(-4))

    assert audit(Subject("table", functools.partial(table, shift=0), target="answer"), bars()).is_causal
    (finding,) = audit(Subject("table", functools.partial(table, shift=-4), target="answer"), bars()).findings
    assert (finding.kind, finding.column) == (Leak.TARGET_COPY, "change")


def test_label_that_is_known_when_its_span_begins_overlaps_the_features() -> None:
    def label(frame: pl.DataFrame) -> pl.DataFrame:
        closes = pl.col("open_time") + pl.duration(hours=1)
        value = (pl.col("close") > pl.col("close").shift(4)).cast(pl.Float64)
        return frame.select("open_time", value=value, start=closes, end=closes + pl.duration(hours=4))

    (finding,) = audit_label(label, bars()).findings
    assert finding.kind is Leak.LABEL_FEATURE_OVERLAP


def test_part_without_a_seed_is_not_accused() -> None:
    class Noisy:
        def fit(self, x: FloatArray, y: None) -> Noisy:
            self.offset_ = np.random.default_rng().normal()
            return self

        def transform(self, x: FloatArray) -> FloatArray:
            return x + self.offset_

    x, rows = np.arange(40.0)[:, None], np.arange(40)
    found = audit_fit(Noisy().fit(x, None), x, None, train=rows[:20], test=rows[20:])
    assert found.is_causal
    assert found.checks[0].checked == 0


def test_split_that_learns_from_after_the_test_is_named() -> None:
    known = np.arange(90) * HOUR
    found = audit_split(known, train=np.r_[0:30, 60:90], test=np.arange(30, 60))
    assert [one.kind for one in found.findings] == [Leak.SHUFFLED_SPLIT]
    assert audit_split(known, train=np.arange(57), test=np.arange(60, 90), until=known + 3 * HOUR).is_causal


def test_assert_causal_fails_with_the_reason() -> None:
    assert assert_causal(mean, bars()).is_causal
    with pytest.raises(AssertionError, match="future_value in ahead: the value of 1 bar later"):
        assert_causal(next_close, bars())


def _fails(frame: pl.DataFrame) -> pl.DataFrame:
    raise ValueError("no such thing")


@pytest.mark.parametrize(
    ("subject", "frame", "what"),
    [
        (mean, pl.DataFrame(), "without rows"),
        (mean, [1, 2], "no frame"),
        (3, bars(), "can be audited"),
        (_fails, bars(), "fails on the whole"),
        (lambda frame: "text", bars(), "returns no table"),
        (lambda frame: frame.head(3).drop("open_time"), bars(), "without a time"),
        (Subject("mean", mean, target="answer"), bars(), "no such target"),
        (Subject("mean", mean, known_at="then"), bars(), "no such column"),
        (Subject("mean", mean, key=("coin",)), bars(), "no such column"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(subject: Compute | Subject, frame: object, what: str) -> None:
    with pytest.raises(BadInputError, match=what):
        audit(subject, frame)


def test_row_numbers_that_are_none_are_refused() -> None:
    known = np.arange(10)
    for train, test in (([], [1]), ([0, 1], [1, 2]), ([0], [99])):
        with pytest.raises(BadInputError):
            audit_split(known, train=np.array(train, dtype=int), test=np.array(test))


def test_label_on_bars_that_came_a_little_after_their_close_is_honest() -> None:
    came = bars().with_columns(available_at=pl.col("open_time") + pl.duration(hours=1, seconds=2))

    def label(frame: pl.DataFrame) -> pl.DataFrame:
        closes = pl.col("open_time") + pl.duration(hours=1)
        follows = pl.col("open_time").shift(-4) == pl.col("open_time") + pl.duration(hours=4)
        value = pl.when(follows).then(pl.col("close").shift(-4) / pl.col("close"))
        return frame.select("open_time", value=value, start=closes, end=closes + pl.duration(hours=4))

    assert audit_label(label, came).is_causal


@pytest.mark.parametrize(
    ("rows", "checked", "is_passed", "outcome"),
    [(10, 10, True, "passed"), (10, 0, True, "not done"), (10, 1, False, "failed"), (0, 0, True, "passed")],
)
def test_check_that_looked_at_no_row_does_not_say_that_it_passed(
    rows: int, checked: int, is_passed: bool, outcome: str
) -> None:
    assert Check("comb", "", rows, checked, is_passed).outcome == outcome
