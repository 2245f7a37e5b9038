"""A recording that the sandbox serves and ``assay ingest`` fetches is in silver what ``assay import`` makes of it.

What the file lacks or says twice comes through as it is: a hole is asked for until it is confirmed and stays a hole, a
bar off the grid is a defect and no bar, and of the copies of a bar the most complete one counts.

One difference is meant. Without the time at which a file was recorded nobody knows whether its last bar was finished:
an import shows that bar as not closed, and the sandbox, which serves finished bars only, does not have it.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from assay.domain.clock import FrozenClock
from assay.domain.interval import Interval
from assay.lake.content import HISTORY, KLINES, HashedTable, content_hash
from assay.lake.coverage_proof import CoverageProof
from assay.pipelines.building import build
from assay.pipelines.importing import import_file
from assay.pipelines.ingesting import Outcome, Wanted
from assay.pipelines.plans import Plan, PlannedImport
from assay.pipelines.replaying import load_replay
from assay.pipelines.workspace import Workspace
from assay.venues.sandbox.exchange import Exchange
from tests.integration.command import child, finished
from tests.integration.conftest import NOW, open_frozen
from tests.integration.simulated import MARKET, Simulation
from tests.made_klines import HOUR, Row, hourly, write_csv

DATA = Path(__file__).parents[3] / "shared" / "data" / "klines"
ARE_THERE = pytest.mark.skipif(not DATA.is_dir(), reason="the real recordings are not beside this repository")
SLOT = timedelta(minutes=15)
POLLS = 3
"""The first one brings what there is; a hole is confirmed by three."""
HOURLY = Interval.parse("1h")
VALUES = (
    "open", "high", "low", "close", "volume", "quote_volume", "num_trades", "taker_buy_volume",
    "taker_buy_quote_volume",
)  # fmt: skip
FOLLOW_FROM_KLINES = (*KLINES, HashedTable("gold.daily_crypto_metrics", ("venue", "market", "symbol", "date")))
BARS = f"select open_time, close_time, {', '.join(VALUES)}, is_closed from lake.silver.crypto_prices_cleaned order by 1"
DEFECTS = (
    "select distinct open_time, defect, source_close_time, open, high, low, close, volume "
    "from lake.silver.kline_defects order by all"
)


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of hourly BTC-USDT of Binance, and what it says without Assay: each row's open time and values."""

    file: Path
    rows: list[tuple[datetime, tuple[float, ...]]]

    @property
    def on_grid(self) -> list[datetime]:
        """The hours that it has, each once."""
        return sorted({opened for opened, _ in self.rows if HOURLY.floor(opened) == opened})

    @property
    def holes(self) -> list[datetime]:
        """The hours that it lacks between its first and its last."""
        return sorted(set(HOURLY.opens(self.on_grid[0], self.on_grid[-1])) - set(self.on_grid))

    @property
    def current(self) -> dict[datetime, tuple[float, ...]]:
        """Of each hour the values of its most complete row."""
        best: dict[datetime, tuple[float, ...]] = {}
        for opened, values in sorted(self.rows, key=lambda row: row[1][VALUES.index("volume")]):
            best[opened] = values
        return {opened: best[opened] for opened in self.on_grid}

    @property
    def off_grid(self) -> list[datetime]:
        """The moments between hours at which a bar of it opens."""
        return sorted({opened for opened, _ in self.rows if HOURLY.floor(opened) != opened})

    @property
    def repeated(self) -> dict[int, int]:
        """How many hours it says twice, how many three times, and so on."""
        return dict(Counter(count for count in Counter(opened for opened, _ in self.rows).values() if count > 1))

    @property
    def is_over(self) -> datetime:
        """A day after its last bar."""
        return self.on_grid[-1] + timedelta(days=1)

    def planned(self, *, knows_when: bool) -> PlannedImport:
        recorded_at = self.is_over if knows_when else None
        return PlannedImport(path=self.file, venue="binance", symbol="BTC-USDT", interval="1h", recorded_at=recorded_at)


def read_file(file: Path) -> Recording:
    """Read a file of twelve columns without Assay."""
    text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    rows = []
    for row in list(csv.reader(text.decode().splitlines()))[1:]:
        opened, *texts = row[:6]
        values = [*texts, *row[7:11]]
        rows.append((_moment(opened), tuple(map(float, values))))
    return Recording(file, rows)


def _moment(text: str) -> datetime:
    if text.isdecimal():
        return datetime.fromtimestamp(int(text) // 1_000, UTC) + timedelta(milliseconds=int(text) % 1_000)
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ingested(folder: Path, recording: Recording, *, knows_when: bool = True) -> Workspace:
    """Return a built home that fetched the recording from an exchange whose clock stands still after its end."""
    replayed = load_replay(Plan(root=Path(), imports=[recording.planned(knows_when=knows_when)]))
    assert not replayed.left_out
    sim = Simulation(folder, moment=recording.is_over)
    clock = FrozenClock(recording.is_over)
    sim.exchange = Exchange(MARKET, clock, elapsed=sim.time.elapsed, replay=replayed.replay)
    home = sim.workspace()
    wanted = Wanted(
        ("binance:klines",), ("BTC-USDT",), ("1h",),
        since=recording.on_grid[0].isoformat(), until=(recording.on_grid[-1] + HOUR).isoformat(),
    )  # fmt: skip
    proofs: list[CoverageProof] = []
    for _ in range(POLLS):
        result = sim.poll(home, wanted)
        assert result.outcome is Outcome.COMPLETE
        proofs += result.venues[0].proofs
        sim.time.passes(SLOT)
    held = len(recording.on_grid) - (0 if knows_when else 1)
    assert {(proof.held, proof.settled) for proof in proofs} == {(held, held)}, "one run brings all there is"
    check_proof(proofs[-1], recording, knows_when=knows_when)
    # What is complete is asked for no more.
    assert sim.poll(home, wanted).new_batches == 0
    build(home)
    return home


def check_proof(proof: CoverageProof, recording: Recording, *, knows_when: bool) -> None:
    """Every hour is settled, or one that the file lacks and that was asked for often enough."""
    holes = recording.holes if knows_when else [*recording.holes, recording.on_grid[-1]]
    assert proof.is_complete
    assert list(_hours((hole.start, hole.end) for hole in proof.confirmed_empty)) == holes
    assert (proof.settled, proof.empty) == (proof.expected - len(holes), len(holes))


def _hours(spans: Iterable[tuple[datetime, datetime]]) -> Iterable[datetime]:
    for start, end in spans:
        yield from HOURLY.opens(start, end)


def imported(folder: Path, recording: Recording, *, knows_when: bool = True) -> Workspace:
    """Return a built home that imported the file."""
    home = open_frozen(folder, NOW)
    import_file(home, recording.file, recording.planned(knows_when=knows_when).spec())
    build(home)
    return home


def asked_of(home: Workspace, sql: str) -> pl.DataFrame:
    with home.lake() as lake:
        return lake.execute(sql).pl()


def hashes(home: Workspace) -> list[str]:
    with home.lake() as lake:
        return [content_hash(lake, [table], without=HISTORY) for table in FOLLOW_FROM_KLINES]


def check_same(one: Workspace, other: Workspace) -> None:
    """Both say the same: of the bars in every bit, of what follows from them by hash, and of what is wrong in them."""
    assert asked_of(one, BARS).equals(asked_of(other, BARS))
    assert hashes(one) == hashes(other)
    assert asked_of(one, DEFECTS).equals(asked_of(other, DEFECTS))


def check_says_what_the_file_says(home: Workspace, recording: Recording) -> None:
    """Silver has the hours of the file with the values of their most complete rows, and nothing else."""
    bars = asked_of(home, BARS)
    assert bars["is_closed"].all()
    assert bars["open_time"].to_list() == recording.on_grid
    assert bars.select(VALUES).rows() == [tuple(values) for values in recording.current.values()]
    defects = asked_of(home, DEFECTS)
    assert defects.filter(pl.col("defect") == "off_grid")["open_time"].to_list() == recording.off_grid


def off_grid(row: Row) -> Row:
    return replace(row, open_time=row.open_time + timedelta(minutes=28, seconds=14, milliseconds=789))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A made-up file with the defects of the real ones, and some that they lack.

    Pages of a thousand hours end before the rows 648, 1,648 and 2,648. The first hole is longer than a page, the second
    has bars off the grid in it, the third lies across the end of a page. The rows before that end are too many for a
    page: the thousandth is the first of two of the hour 2,643.
    """
    rows = hourly(3_200, holes=((150, 1_260), (1_500, 1_512), (2_645, 2_652), (2_900, 2_901)))
    by_hour = {round((row.open_time - rows[0].open_time) / HOUR): row for row in rows}
    strays = [off_grid(replace(by_hour[1_499], open_time=by_hour[1_499].open_time + n * HOUR)) for n in range(1, 6)]
    unfinished = [by_hour[hour].restated(factor) for hour in (1_300, 2_100) for factor in (0.25, 0.5)]
    unfinished += [by_hour[hour].restated(0.5) for hour in (2_000, 2_643)]
    again = [by_hour[100], by_hour[2_200]]
    path = tmp_path_factory.mktemp("made") / "BTCUSDT.csv"
    lines = sorted([*rows, *strays, *unfinished, *again], key=lambda row: (row.open_time, row.volume))
    return read_file(write_csv(path, lines))


def test_made_up_recording_comes_back_as_it_is_imported(made: Recording, tmp_path: Path) -> None:
    assert len(made.holes) == 1_110 + 12 + 7 + 1
    assert (len(made.off_grid), len(made.rows)) == (5, len(made.on_grid) + 5 + 6 + 2)
    fetched, brought = ingested(tmp_path / "fetched", made), imported(tmp_path / "brought", made)
    check_same(fetched, brought)
    check_says_what_the_file_says(fetched, made)


def test_last_bar_that_may_be_unfinished_is_the_only_difference(made: Recording, tmp_path: Path) -> None:
    fetched = ingested(tmp_path / "fetched", made, knows_when=False)
    brought = imported(tmp_path / "brought", made, knows_when=False)
    bars, more = asked_of(fetched, BARS), asked_of(brought, BARS)
    assert more["is_closed"].to_list() == [True] * bars.height + [False]
    assert more["open_time"][-1] == made.on_grid[-1]
    assert bars.equals(more.head(-1))
    assert asked_of(fetched, DEFECTS).equals(asked_of(brought, DEFECTS))


@contextmanager
def sandbox(home: Path, plan: Path, moment: datetime) -> Iterator[dict[str, str]]:
    """Run the sandbox's command with the recordings of a plan, and yield the settings that point to it."""
    when = ("--clock", "frozen", "--start", moment.isoformat())
    with child(home, "sandbox", "--port", "0", "--replay-plan", plan, *when, "--json") as process:
        try:
            assert process.stdout is not None
            urls = json.loads(process.stdout.readline())["base_urls"]
            yield {f"ASSAY_VENUES__{name.upper()}__BASE_URL": url for name, url in urls.items()}
        finally:
            process.kill()


def commanded(folder: Path, recording: Recording) -> tuple[Workspace, Workspace]:
    """Return two homes made by nothing but commands: one that ingested a recording over sockets, one that imported."""
    plan = folder / "plan.yaml"
    said = {"path": str(recording.file), "venue": "binance", "symbol": "BTC-USDT", "interval": "1h"}
    said["recorded_at"] = recording.is_over.isoformat()
    plan.write_text(json.dumps({"root": str(folder), "imports": [said]}), encoding="utf-8")  # JSON is YAML
    fetched, brought = folder / "fetched", folder / "brought"
    since, until = recording.on_grid[0], recording.on_grid[-1] + HOUR
    with sandbox(folder / "none", plan, recording.is_over) as places:
        words = (
            "--symbols",
            "BTC-USDT",
            "--intervals",
            "1h",
            "--since",
            since.isoformat(),
            "--until",
            until.isoformat(),
        )
        ran = finished(
            child(
                fetched, "ingest", "binance:klines", *words, "--json",
                **places, ASSAY_INGEST__LIMITS_DIR=str(folder / "limits"),
            )
        )  # fmt: skip
    assert ran.code == 0, ran.err
    (proof,) = ran.document["venues"][0]["series"]
    assert proof["is_complete"]
    words = ("--venue", "binance", "--symbol", "BTC-USDT", "--interval", "1h", "--recorded-at", said["recorded_at"])
    for home, command in ((brought, ("import", recording.file, *words)), (brought, ("build",)), (fetched, ("build",))):
        ran = finished(child(home, *command))
        assert ran.code == 0, ran.err
    return open_frozen(fetched, NOW), open_frozen(brought, NOW)


@pytest.mark.soak
def test_recording_without_holes_goes_over_sockets_in_one_command(tmp_path: Path) -> None:
    recording = read_file(write_csv(tmp_path / "BTCUSDT.csv", hourly(1_500)))
    fetched, brought = commanded(tmp_path, recording)
    check_same(fetched, brought)
    check_says_what_the_file_says(fetched, recording)


REAL = {
    "binance_spot_BTCUSDT_1h_12col_2017_2020.csv.gz": (152, 43, {3: 2, 2: 1}),
    "binance_spot_BTCUSDT_1h_12col_2024.csv.gz": (0, 0, {}),
}
"""The real recordings that have all the fields of Binance's wire: how many hours they lack, how many bars are off the
grid, and how many hours are said how often. The README beside them counts 109 hours, since it takes the bars off the
grid for bars."""


@pytest.mark.recorded
@ARE_THERE
@pytest.mark.parametrize("name", REAL)
def test_real_recording_comes_back_as_it_is_imported(name: str, tmp_path: Path) -> None:
    recording = read_file(DATA / name)
    assert (len(recording.holes), len(recording.off_grid), recording.repeated) == REAL[name]
    fetched = ingested(tmp_path / "fetched", recording)
    check_same(fetched, imported(tmp_path / "brought", recording))
    check_says_what_the_file_says(fetched, recording)


@pytest.mark.soak
@pytest.mark.recorded
@ARE_THERE
def test_real_recording_goes_over_sockets_by_commands_alone(tmp_path: Path) -> None:
    recording = read_file(DATA / list(REAL)[1])
    fetched, brought = commanded(tmp_path, recording)
    check_same(fetched, brought)
    check_says_what_the_file_says(fetched, recording)
