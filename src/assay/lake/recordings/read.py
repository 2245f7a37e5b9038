"""Reading one recording from end to end; the steps in order, each in its own file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl

from assay.domain.errors import BadInputError
from assay.lake.recordings.defects import mark
from assay.lake.recordings.delimited import read_delimited
from assay.lake.recordings.files import load_file
from assay.lake.recordings.grid import check_interval
from assay.lake.recordings.judge import judge
from assay.lake.recordings.pairs import read_pairs
from assay.lake.recordings.parquet import read_parquet
from assay.lake.recordings.recording import Recording, RecordingSpec
from assay.lake.recordings.rows import SourceRows
from assay.lake.recordings.tally import tally

Progress = Callable[[float], None]
"""Is told which fraction of a file is done, in [0, 1]."""


def read_recording(path: Path, spec: RecordingSpec, *, progress: Progress | None = None) -> Recording:
    r"""Read the bars of one file; nothing is written, repaired or filled.

    Parameters
    ----------
    path : pathlib.Path
        A CSV, CSV.gz or Parquet file.
    spec : RecordingSpec
        What the file itself may not say.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    Recording
        Bytes, bars, quarantined rows and counts; ``report.is_balanced`` holds.

    Raises
    ------
    BadInputError
        If the file as a whole is of no use: not there, damaged, without recognisable columns, of another symbol or
        interval, or without a single acceptable row. Single bad rows are quarantined instead.

    Examples
    --------
    >>> import tempfile
    >>> from assay.domain.instrument import Market
    >>> from assay.domain.interval import Interval
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "BTCUSDT.csv"
    ...     _ = path.write_text("time,open,high,low,close,volume\n1704067200,1,2,1,2,5\n1704070800,4,9,5,7,5\n")
    ...     recording = read_recording(path, RecordingSpec("binance", Market.SPOT, Interval.parse("1h")))
    >>> recording.report.accepted, recording.quarantined["cause"].to_list()
    (1, ["low '5' is above open '4'"])
    """
    tell = progress or (lambda _: None)
    source = load_file(path)
    tell(0.1)
    rows = read_parquet(source, spec) if source.content_format == "parquet" else read_delimited(source, spec)
    tell(0.5)
    pairs = read_pairs(rows.fields, path, spec)
    others = int(pairs.is_other.sum())
    if others:
        rows, pairs = _without(rows, pairs.is_other), replace(pairs, symbols=pairs.symbols.filter(~pairs.is_other))
    judged = judge(rows, pairs.symbols)
    _check_any(judged.bars, judged.quarantined["cause"].head(1).to_list(), path)
    tell(0.7)
    check_interval(judged.bars, spec.interval)
    klines = mark(judged.bars, spec)
    _check_any(
        klines.filter(pl.col("defect").is_null()), [f"no bar opens on the {spec.interval} grid, which is in UTC"], path
    )
    tell(0.9)
    report = tally(
        klines,
        spec.interval,
        quarantined=judged.quarantined.height,
        others=others,
        notes=[*rows.notes, *judged.notes, *pairs.notes],
    )
    tell(1.0)
    return Recording(source.body, source.content_format, klines, judged.quarantined, report)


def _without(rows: SourceRows, is_other: pl.Series) -> SourceRows:
    kept = (~is_other).arg_true()
    return replace(rows, fields=rows.fields.filter(~is_other), raw=lambda some: rows.raw(kept.gather(some).to_list()))


def _check_any(bars: pl.DataFrame, causes: list[str], path: Path) -> None:
    if bars.is_empty():
        raise BadInputError("not a single acceptable row in the file", value=path, todo=causes[0] if causes else "")
