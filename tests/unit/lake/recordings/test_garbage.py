"""Whatever stands in a file: a clear refusal or a balanced account, never a traceback."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.domain.errors import BadInputError
from assay.lake.recordings import Recording
from tests.unit.lake.recordings.writing import HEADER, csv_of, read_text, row, spec

field = st.one_of(
    st.sampled_from(
        ["", " ", "nan", "inf", "-1", "0", "1e400", '"', "null", "2024-01-01", "1704067200000", "\x1f", "é"]
    ),
    st.floats().map(repr),
    st.integers().map(str),
    st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=8),
)
garbage = st.one_of(
    st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=60),
    st.lists(field, min_size=1, max_size=9).map(",".join),
    st.lists(field, min_size=6, max_size=6).map(",".join),
    st.just(HEADER),
)


def is_blank(line: str) -> bool:
    # Python counts the separators U+001C to U+001F as spaces; Unicode, and the reader, do not.
    return all(one.isspace() and one not in "\x1c\x1d\x1e\x1f" for one in line)


def read(text: str | bytes, symbol: str | None = "BTC-USDT") -> Recording | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return read_text(Path(folder), text, spec(symbol))
        except BadInputError:
            return None


@settings(max_examples=150, deadline=None)
@given(st.lists(garbage, max_size=12), st.randoms(use_true_random=False))
@example(['"'], None)
@example([",,,,,"], None)
def test_good_rows_survive_garbage_between_them(lines: list[str], rng: object) -> None:
    good = [row(hour) for hour in range(24)]
    mixed = good + lines
    if rng is not None:
        rng.shuffle(mixed)  # type: ignore[attr-defined]
    recording = read(csv_of(*mixed))
    assert recording is not None
    report = recording.report
    assert report.is_balanced
    assert report.rows_read == len(good) + sum(not is_blank(line) for line in lines)
    assert len(recording.klines) + len(recording.quarantined) == report.rows_read
    assert recording.quarantined["cause"].null_count() == 0
    kept = set(recording.klines["row_number"]) | set(recording.quarantined["row_number"])
    assert len(kept) == report.rows_read
    by_line = dict(enumerate(mixed, start=2))
    good_numbers = {number for number, line in by_line.items() if line in good}
    assert good_numbers <= set(recording.klines["row_number"])


@settings(max_examples=150, deadline=None)
@given(st.lists(garbage, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["BTC-USDT", None]))
def test_file_of_nothing_but_garbage_is_refused_or_balanced(lines: list[str], end: str, symbol: str | None) -> None:
    recording = read(end.join(lines), symbol)
    assert recording is None or recording.report.is_balanced


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_or_balanced(body: bytes) -> None:
    for text in (body, csv_of(row(0)).encode() + body):
        recording = read(text)
        assert recording is None or recording.report.is_balanced
