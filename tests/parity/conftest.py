"""What the parity tests share: the command line, called in this process, and two lakes that were made with it.

Both lakes come from the same files. `lake` got them in two waves with a build after each, as a lake does that is used
every day; `at_once` got them all by one `assay run --recorded`.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from tests.integration.homes import made_once, one_thread, share_caches_of
from tests.made_klines import Row, hourly, write_csv

HOLE = (300, 333)
LATE = (325, 333)
OUTLIER = 700
RESTATED = slice(1_000, 1_005)
FIRST_WAVE = 2_400
COUNT = 2_500
TABLES = ("silver.crypto_prices_cleaned", "silver.technical_indicators", "gold.daily_crypto_metrics")
BTC = "venue = 'binance' and symbol = 'BTC-USDT'"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401  # what JSON holds is known by the test alone
        """The one document on stdout."""
        return json.loads(self.out)


def assay(home: Path, *words: str) -> Answer:
    """Run a command of the program on a home."""
    out, err = io.StringIO(), io.StringIO()
    share_caches_of(home)
    with one_thread(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["--home", str(home), *words])
    return Answer(code, out.getvalue(), err.getvalue())


def done(home: Path, *words: str) -> Any:  # noqa: ANN401  # see above
    """Run a command that has to work and return its document."""
    answer = assay(home, *words, "--json")
    assert answer.code == 0, answer.err
    return answer.document


def select(home: Path, sql: str, *more: str) -> list[dict[str, Any]]:
    """Return the rows of a query."""
    rows: list[dict[str, Any]] = done(home, "query", sql, *more)
    return rows


def made_rows() -> list[Row]:
    """Return all hours of BTC-USDT, those of the hole included, with one outlier."""
    rows = hourly(COUNT)
    rows[OUTLIER] = rows[OUTLIER].restated(1.2)
    return rows


def write_recordings(folder: Path) -> Path:
    """Write the recordings of both waves and return their plan."""
    rows = made_rows()
    first = [*rows[: HOLE[0]], *rows[HOLE[1] : FIRST_WAVE]]
    history = write_csv(folder / "BTCUSDT-history.csv", first)
    shifted = rows[10].line().replace(str(_milliseconds(rows[10])), str(_milliseconds(rows[10]) + 60_000), 1)
    impossible = rows[20].line().replace(f",{rows[20].high:.2f},", ",1.00,", 1)
    extra = [first[5].line(), shifted, impossible, "what,is,this"]
    # In the middle, because the last row of a file is special.
    lines = history.read_text().splitlines()
    history.write_text("\n".join([*lines[:50], *extra, *lines[50:]]) + "\n")
    # One row more than is late: nothing shows that the last row of a file is finished, but of this one history does.
    write_csv(folder / "BTCUSDT-late.csv", rows[LATE[0] : LATE[1] + 1])
    write_csv(folder / "BTCUSDT-next.csv", rows[FIRST_WAVE - 1 :])
    write_csv(folder / "BTCUSDT-restated.csv", [row.restated(1.02) for row in rows[RESTATED]])
    write_csv(folder / "BTCUSD-coinbase.csv", hourly(60, seed=2))
    write_csv(folder / "btcinr.csv", hourly(60, seed=3))
    write_csv(folder / "ETHUSDT.csv", hourly(60, seed=4))
    plan = folder / "plan.yaml"
    plan.write_text(
        "root: .\nimports:\n"
        + "".join(
            f"  - {{path: {name}.csv, venue: {venue}, symbol: {symbol}, interval: 1h}}\n"
            for name, venue, symbol in RECORDINGS
        )
    )
    return plan


RECORDINGS = (
    ("BTCUSDT-history", "binance", "BTC-USDT"),
    ("BTCUSD-coinbase", "coinbase", "BTC-USD"),
    ("btcinr", "wazirx", "BTC-INR"),
    ("ETHUSDT", "binance", "ETH-USDT"),
    ("BTCUSDT-late", "binance", "BTC-USDT"),
    ("BTCUSDT-next", "binance", "BTC-USDT"),
    ("BTCUSDT-restated", "binance", "BTC-USDT"),
)
FIRST_FILES = 4


@dataclass(frozen=True, slots=True)
class Lake:
    """A lake made in two waves.

    Attributes
    ----------
    home, folder : Path
        The lake and the files that went in.
    imported : dict
        What `assay import` said of each file.
    between : datetime
        A moment after the first build and before the second wave.
    then : mapping
        Every table, row by row, as `assay query` showed it at that moment.
    built : list
        What the two builds said.
    """

    home: Path
    folder: Path
    imported: Mapping[str, dict[str, Any]]
    between: datetime
    then: Mapping[str, list[dict[str, Any]]]
    built: list[dict[str, Any]]


@pytest.fixture(scope="session")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "recordings", write_recordings)


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory, plan: Path) -> Lake:
    return made_once(tmp_path_factory, "lake", lambda made: _in_two_waves(made / "home", plan.parent))


def _in_two_waves(home: Path, folder: Path) -> Lake:
    imported = {one[0]: _import(home, folder, *one) for one in RECORDINGS[:FIRST_FILES]}
    built = [done(home, "build")]
    then = {name: select(home, f"select * from {name} order by all") for name in TABLES}
    between = datetime.now(UTC)
    imported |= {one[0]: _import(home, folder, *one) for one in RECORDINGS[FIRST_FILES:]}
    built.append(done(home, "build"))
    return Lake(home, folder, imported, between, then, built)


@dataclass(frozen=True, slots=True)
class Run:
    """A lake that one command made, and what that command said."""

    home: Path
    document: dict[str, Any]


@pytest.fixture(scope="session")
def at_once(tmp_path_factory: pytest.TempPathFactory, plan: Path) -> Run:
    def make(folder: Path) -> Run:
        home = folder / "home"
        return Run(home, done(home, "run", "--recorded", "--plan", str(plan), "--symbol", "BTCUSDT"))

    return made_once(tmp_path_factory, "at_once", make)


def _import(home: Path, folder: Path, name: str, venue: str, symbol: str) -> dict[str, Any]:
    words = ("import", str(folder / f"{name}.csv"), "--venue", venue, "--symbol", symbol, "--interval", "1h")
    imported: dict[str, Any] = done(home, *words)["imported"][0]
    return imported


def _milliseconds(row: Row) -> int:
    return round(row.open_time.timestamp() * 1000)
