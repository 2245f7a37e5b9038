from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.domain.errors import BadInputError
from assay.lake.recordings import KLINE_SCHEMA, QUARANTINE_SCHEMA
from tests.unit.lake.recordings.writing import HOUR_MS, START_MS, csv_of, read_text, row, spec

START = datetime(2024, 1, 1, tzinfo=UTC)


def test_columns_and_types_are_exactly_those_promised(tmp_path: Path) -> None:
    recording = read_text(tmp_path, csv_of(row(0), "broken"))
    assert recording.klines.schema == KLINE_SCHEMA
    assert recording.quarantined.schema == QUARANTINE_SCHEMA


def test_every_count_of_a_small_file_by_hand(tmp_path: Path) -> None:
    recording = read_text(
        tmp_path,
        csv_of(
            row(0),  # line 2
            row(1, volume=0),  # 3: nothing traded
            row(1, volume=0),  # 4: says the same
            row(1, volume=8),  # 5: says something else
            row(1.5),  # 6: half past
            row(4),  # 7: 2 and 3 are missing
            "rubbish",  # 8
            row(9),  # 9: 5 to 8 are missing; the last bar
            row(9, volume=7),  # 10: the last bar again
        ),
    )
    report = recording.report
    assert (report.rows_read, report.accepted) == (9, 6)  # 0, 1, 1 again with 8, 4, 9, 9 again with 7
    assert (report.identical_duplicates, report.off_grid, report.quarantined) == (1, 1, 1)
    assert (report.restated, report.provisional, report.zero_volume) == (2, 2, 1)
    assert (report.missing_bars, report.gaps, report.longest_gap_bars) == (2 + 4, 2, 4)
    assert (report.first_open_time, report.last_open_time) == (START, START + timedelta(hours=9))
    assert recording.klines.select("row_number", "defect", "is_provisional").rows() == [
        (2, None, False),
        (3, None, False),
        (4, "identical_duplicate", False),
        (5, None, False),
        (6, "off_grid", False),
        (7, None, False),
        (9, None, True),
        (10, None, True),
    ]
    assert report.is_balanced


def test_close_time_is_the_next_open_time_and_the_files_own_is_kept(tmp_path: Path) -> None:
    text = f"open_time,open,high,low,close,volume,close_time\n{row(0)},{START_MS + HOUR_MS - 1}\n"
    found = read_text(tmp_path, text).klines.row(0, named=True)
    assert found["close_time"] == START + timedelta(hours=1)
    assert found["source_close_time"] == START + timedelta(hours=1) - timedelta(milliseconds=1)


def test_months_close_on_the_first_of_the_next(tmp_path: Path) -> None:
    days = ["2024-01-01", "2024-02-01", "2024-04-01", "2024-05-01", "2024-05-15"]
    text = csv_of(*(f"{day},10,12,9,11,5" for day in days))
    recording = read_text(tmp_path, text, spec(interval="1M"))
    assert recording.klines["close_time"][1] == datetime(2024, 3, 1, tzinfo=UTC)
    assert (recording.report.missing_bars, recording.report.off_grid) == (1, 1)  # March lacks


@pytest.mark.parametrize(
    ("recorded_at", "provisional"),
    [
        (None, [False, False, True]),
        (START + timedelta(hours=3), [False, False, False]),  # exactly at its close: finished
        (START + timedelta(hours=3) - timedelta(microseconds=1), [False, False, True]),
        (START + timedelta(hours=1, minutes=30), [False, True, True]),
    ],
)
def test_bar_is_provisional_unless_it_was_recorded_after_its_close(
    tmp_path: Path, recorded_at: datetime | None, provisional: list[bool]
) -> None:
    recording = read_text(tmp_path, csv_of(row(0), row(1), row(2)), spec(recorded_at=recorded_at))
    assert recording.klines["is_provisional"].to_list() == provisional
    assert recording.klines["recorded_at"].to_list() == [recorded_at] * 3
    assert recording.report.provisional == sum(provisional)


def test_recorded_at_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="without a zone"):
        read_text(tmp_path, csv_of(row(0)), spec(recorded_at=datetime(2024, 1, 1)))


def test_last_bar_is_the_latest_wherever_it_stands_and_off_grid_bars_do_not_count(tmp_path: Path) -> None:
    recording = read_text(tmp_path, csv_of(row(2), row(1), row(0), row(2.5)))
    assert recording.klines.filter("is_provisional")["row_number"].to_list() == [2]


def test_newest_first_with_reversed_spots_is_the_same_file(tmp_path: Path) -> None:
    hours = [9, 8, 7, 5, 6, 4, 3, 2, 1, 0]
    report = read_text(tmp_path, csv_of(*(row(hour) for hour in hours))).report
    assert (report.missing_bars, report.order_reversals) == (0, 1)  # 5 → 6 is the one step up
    assert "newest first" in report.notes
    assert "the order in time reverses in 1 places" in report.notes


def test_equal_rows_written_differently_are_identical(tmp_path: Path) -> None:
    recording = read_text(tmp_path, csv_of(row(0, 10, 12, 9, 11), row(0, "10.000", "1.2e1", "09", "11.0"), row(1)))
    assert recording.report.identical_duplicates == 1
    assert recording.report.restated == 0


def test_duplicate_is_dropped_even_when_a_restated_copy_stands_between(tmp_path: Path) -> None:
    recording = read_text(tmp_path, csv_of(row(0), row(0, volume=6), row(0), row(1)))
    assert recording.klines["defect"].to_list() == [None, None, "identical_duplicate", None]
    assert recording.report.restated == 1


def test_duplicates_with_absent_optional_columns_are_found(tmp_path: Path) -> None:
    header = "open_time,open,high,low,close,volume,num_trades\n"
    recording = read_text(tmp_path, header + f"{row(0)},\n{row(0)},\n{row(0)},4\n{row(1)},4\n")
    assert recording.report.identical_duplicates == 1


@pytest.mark.parametrize("early_ms", [0, 1, 1000])
def test_close_time_may_be_inclusive_or_exclusive(tmp_path: Path, early_ms: int) -> None:
    lines = [f"{row(hour)},{START_MS + (hour + 1) * HOUR_MS - early_ms}" for hour in range(3)]
    text = "open_time,open,high,low,close,volume,close_time\n" + "\n".join(lines)
    assert read_text(tmp_path, text).report.close_time_mismatches == 0


def test_close_time_that_ends_elsewhere_is_counted(tmp_path: Path) -> None:
    ends = [HOUR_MS - 1, 2 * HOUR_MS - 1, 2 * HOUR_MS + 5, 4 * HOUR_MS, 5 * HOUR_MS - 1]
    # The third ends in its own first second; the fourth is exclusive in a file of inclusive ends.
    lines = [f"{row(hour)},{START_MS + end}" for hour, end in enumerate(ends)]
    text = "open_time,open,high,low,close,volume,close_time\n" + "\n".join(lines)
    report = read_text(tmp_path, text).report
    assert (report.close_time_mismatches, report.accepted) == (2, 5)


def test_file_entirely_off_the_grid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no bar opens on the 1h grid"):
        read_text(tmp_path, csv_of(row(0.5), row(1.5)))


def test_file_of_another_interval_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="bars are 1d apart, not 1h"):
        read_text(tmp_path, csv_of(*(row(24 * day) for day in range(5))))
