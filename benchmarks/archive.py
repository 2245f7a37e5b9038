"""Files of the archive to silver: rows a second, peak memory and bytes a row of years of one-minute bars.

    python -m benchmarks.archive --rows 20000000 --folder DIR

Months of made minutes are zipped as Binance zips them, with their checksums. Then ``assay backfill`` loads them over a
transport that reads them from disk, so that no network is measured, and ``assay build`` makes silver of them; each in a
process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl

from assay.domain.clock import Clock, FrozenClock
from assay.domain.interval import Interval
from assay.pipelines.backfilling import Backfill, backfill, plan_backfill
from assay.pipelines.building import build
from assay.pipelines.ingesting import IngestPlan, VenuePlan, access_of
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import IngestSettings, Settings
from assay.venues.spec import Request
from assay.venues.transport import Response, Transport
from benchmarks.harness import Figure
from benchmarks.lakes import Stage
from benchmarks.made_bars import walk

ROWS, QUICK_ROWS = 2_000_000, 200_000
_MONTHS_A_SYMBOL = 48
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)
_NOW = datetime(2025, 6, 20, tzinfo=UTC)
_MONTH, _MINUTE = Interval("1M"), timedelta(minutes=1)
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Phase:
    """What one process did: its seconds, of the wall and of the processors, and the most memory that it held."""

    seconds: float
    cpu_s: float
    peak_mib: float


def run(stage: Stage) -> Iterator[Figure]:
    """Measure once."""
    yield from measured(stage.scratch / "archive", QUICK_ROWS if stage.is_quick else ROWS)


def measured(folder: Path, rows: int) -> Iterator[Figure]:
    """Make the files, and measure both phases.

    Parameters
    ----------
    folder : Path
        Where everything goes; about 150 bytes a row.
    rows : int
        How many at least; whole months are made.
    """
    made = make_files(folder / "files", rows)
    zips = sum(path.stat().st_size for path in (folder / "files").rglob("*.zip"))
    for phase, part in (("load", "bronze"), ("build", "lake")):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.archive", "--phase", phase, "--folder", str(folder)],
            check=True,
            capture_output=True,
            text=True,
        )
        told = Phase(**json.loads(done.stdout.splitlines()[-1]))
        held = sum(path.stat().st_size for path in (folder / "home" / part).rglob("*") if path.is_file())
        work = (
            f"{made:,} one-minute rows, {'zips to bronze' if phase == 'load' else 'bronze to silver and gold'}: "
            f"{made / told.seconds:,.0f} rows/s, {told.cpu_s:.0f} s of processors, peak {told.peak_mib:,.0f} MiB, "
            f"{held / made:.1f} bytes a row in {part} ({zips / made:.1f} as zips)"
        )
        seconds = told.seconds
        yield Figure(
            "archive", work, f"assay {'backfill' if phase == 'load' else 'build'}", "", seconds, float("nan"), "s",
            seconds, seconds, seconds, None, 1,
        )  # fmt: skip


def make_files(folder: Path, rows: int) -> int:
    """Write months of minutes of as many symbols as `rows` need, and return how many rows there are."""
    made = number = 0
    while made < rows:
        symbol, opened = f"S{number // _MONTHS_A_SYMBOL:02d}USDT", _FIRST
        for _ in range(number % _MONTHS_A_SYMBOL):
            opened = _MONTH.close_time(opened)
        count = (_MONTH.close_time(opened) - opened) // _MINUTE
        name = f"{symbol}-1m-{opened:%Y-%m}"
        place = folder / symbol
        place.mkdir(parents=True, exist_ok=True)
        body = _zipped(_text(walk(count, seed=number, first=opened, bar=_MINUTE)), f"{name}.csv")
        (place / f"{name}.zip").write_bytes(body)
        (place / f"{name}.zip.CHECKSUM").write_text(f"{hashlib.sha256(body).hexdigest()}  {name}.zip\n")
        made += count
        number += 1
    return made


def _text(bars: pl.DataFrame) -> bytes:
    """Return the rows as the archive writes them: eight decimals, of which prices use two and amounts five."""
    opened_ms = bars["open_time"].dt.epoch("ms")
    prices = bars.select(pl.col("open", "high", "low", "close").round(2))
    prices = prices.with_columns(high=pl.max_horizontal(pl.all()), low=pl.min_horizontal(pl.all()))
    lines = pl.DataFrame(
        [
            opened_ms,
            *prices.get_columns(),
            bars["volume"].round(5),
            (opened_ms + 59_999).alias("close_time"),
            *bars.select("quote_volume", "num_trades").get_columns(),
            bars["taker_buy_volume"].round(5),
            bars["taker_buy_quote_volume"],
            pl.Series("ignore", [0]).new_from_index(0, bars.height),
        ]
    )
    return lines.write_csv(include_header=False, float_precision=8).encode()


def _zipped(text: bytes, name: str) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, text)
    return packed.getvalue()


class FilesTransport:
    """A transport that answers with files of a folder; of the exchange itself only where a series begins."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    async def send(self, request: Request) -> Response:
        """Return the file, or 404."""
        now = self._clock.now()
        if request.endpoint == "klines":
            opened = int(request.param("startTime") or 0)
            row = [opened, "1", "1", "1", "1", "1", opened + 59_999, "1", 1, "1", "1", "0"]
            return Response(200, {}, json.dumps([row]).encode(), asked_at=now, received_at=now)
        path = self._folder / (request.param("symbol") or "") / request.path.rsplit("/", 1)[1]
        status, body = (200, path.read_bytes()) if path.exists() else (404, b"")
        return Response(status, {}, body, asked_at=now, received_at=now)


def _workspace(folder: Path) -> Workspace:
    ingest = IngestSettings(limits_dir=folder / "limits")
    return open_workspace(Settings(home=folder / "home", ingest=ingest), clock=FrozenClock(_NOW))


def load(folder: Path) -> None:
    """Load all files into bronze."""
    workspace = _workspace(folder)

    def connect(_plan: VenuePlan, clock: Clock) -> AbstractAsyncContextManager[Transport]:
        return contextlib.nullcontext(FilesTransport(folder / "files", clock))

    access = access_of(workspace.settings.ingest, workspace.clock, connect=connect)
    for place in sorted((folder / "files").iterdir()):
        last = max(path.stem for path in place.glob("*.zip"))
        end = _MONTH.close_time(datetime.fromisoformat(f"{last[-7:]}-01").replace(tzinfo=UTC))
        wanted = Backfill((place.name,), "1m", f"{_FIRST:%Y-%m}", end.isoformat())
        plan = plan_backfill(workspace.settings, wanted, _NOW)
        result = backfill(workspace, IngestPlan(tuple(_without_limits(one) for one in plan.venues)), access=access)
        assert result.is_proven, result.to_dict()


def _without_limits(plan: VenuePlan) -> VenuePlan:
    archive = _without_limits(plan.archive) if plan.archive else None
    return replace(plan, spec=replace(plan.spec, limits=()), archive=archive)


def main() -> int:
    """Measure, and print a line for each phase."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--folder", type=Path, required=True, help="an empty one; what is made stays there")
    parser.add_argument("--phase", choices=("load", "build"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not asked.phase:
        for figure in measured(asked.folder, asked.rows):
            print(figure.work)
        return 0
    begun = time.perf_counter()
    if asked.phase == "load":
        load(asked.folder)
    else:
        build(_workspace(asked.folder))
    seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {"seconds": seconds, "cpu_s": used.ru_utime + used.ru_stime, "peak_mib": used.ru_maxrss * 1024 / _MIB}
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
