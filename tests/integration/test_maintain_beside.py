"""Maintenance during everything: killed again and again while others write, read and back up, it changes no answer."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from pydantic import SecretStr

from assay.domain.clock import FrozenClock
from assay.lake.backup import read_manifest
from assay.lake.folders import LocalFolder
from assay.pipelines.building import build
from assay.pipelines.maintaining import maintain
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import LakeSettings, Settings
from assay.venues.sandbox.server import running
from tests.integration.command import PATIENCE_S, Said, child, environment, finished
from tests.integration.conftest import NOW, hashes, open_frozen
from tests.integration.servers import postgres_server
from tests.integration.test_following import MINUTES, Following
from tests.integration.test_processes_together import (
    BINANCE,
    COINS,
    SHARES,
    SYMBOLS,
    WAZIRX,
    CountingExchange,
    Repeated,
    all_well,
    bars,
    check_batches,
    ingest_words,
)

SINCE, INTERVALS = "2024-05-24", "1m,1h"
BUILDS, PASSES, KILLS, BACKUPS, FOLLOWED = 4, 3, 5, 2, 12
"""How often each is done at least before the others may end."""
KEPT = {"ASSAY_LAKE__KEEP_SNAPSHOTS": "1m"}
"""The least there is: files go under the feet of whoever reads."""
COUNTS = """
select count(*) as bars, count(distinct (venue, market, symbol, interval, open_time)) as moments,
    (select count(*) from lake.silver.technical_indicators) as indicators
from lake.silver.crypto_prices_cleaned
"""
AS_OF = """
select interval, count(*) as bars, bit_xor(hash(venue, market, symbol, open_time, close, volume, revision)) as content
from silver.crypto_prices_cleaned group by interval order by interval
"""


@dataclass
class Killed(Repeated):
    """Commands of which every second one is killed at a random moment, if it has not ended by then.

    Without words a command is maintenance that packs the batches of today as well.
    """

    random: Random = field(default_factory=lambda: Random(20_260_601))
    kills: int = 0
    dies_at: float | None = None

    def start(self, words: tuple[str, ...]) -> subprocess.Popen[str]:
        """Start the command, or maintenance of two days later."""
        if words:
            return super().start(words)
        ahead = [sys.executable, "-m", "tests.integration.maintain_ahead", str(self.home)]
        variables = environment(**self.settings)
        return subprocess.Popen(ahead, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)

    def go_on(self) -> None:
        """Start the next one if the last one has ended, or kill it when its time has come."""
        if self.process is not None and self.process.poll() is None:
            if self.dies_at is not None and time.monotonic() >= self.dies_at:
                self.process.kill()
                self.process.communicate(timeout=PATIENCE_S)
                self.kills += self.process.returncode == -signal.SIGKILL
                self.process = None
            return
        super().go_on()
        started = self.kills + len(self.said)
        self.dies_at = time.monotonic() + self.random.uniform(1.0, 9.0) if started % 2 else None


@dataclass
class PoolReader:
    """A thread that asks again and again over connections that stay open."""

    workspace: Workspace
    seen: list[tuple[int, int, int]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def read(self, is_over: threading.Event) -> None:
        try:
            with self.workspace.kept_open() as reader:
                while not is_over.wait(0.1):
                    with reader.lake() as lake:
                        self.seen += lake.execute(COUNTS).fetchall()
        except Exception as error:
            self.errors.append(error)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Read for the block."""
        is_over = threading.Event()
        thread = threading.Thread(target=self.read, args=(is_over,))
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def check(self) -> None:
        """Whatever was seen was whole, and never less than before."""
        assert self.errors == []
        assert len(self.seen) > 3
        assert all(rows == moments for rows, moments, _ in self.seen)
        assert [one[0] for one in self.seen] == sorted(one[0] for one in self.seen)
        assert [one[2] for one in self.seen] == sorted(one[2] for one in self.seen)


def backed_up(said: list[Said]) -> list[datetime]:
    """Return when each backup was begun; one that was overtaken by maintenance has said so in a line."""
    assert all(one.code == 0 or "run the same command again" in one.err for one in said), said
    return [
        datetime.strptime(one.document["name"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) for one in said if one.code == 0
    ]


@dataclass
class Stage:
    """A home in which everything is done at once, and the exchange that all ask."""

    folder: Path
    settings: dict[str, str]
    exchange: CountingExchange
    of_home: dict[str, str]

    def start(self, home: str, *words: str) -> subprocess.Popen[str]:
        more = self.of_home if home == "home" else {}
        return child(self.folder / home, *words, **self.settings, **more)

    def command(self, home: str, *words: str) -> Said:
        return finished(self.start(home, *words))

    def repeated(self, kind: type[Repeated], *commands: tuple[str, ...]) -> Repeated:
        return kind(self.folder / "home", commands, {**self.settings, **self.of_home, **KEPT})


@contextmanager
def staged(folder: Path, of_home: dict[str, str]) -> Iterator[Stage]:
    exchange = CountingExchange()
    with running(exchange) as there:
        settings = {f"ASSAY_VENUES__{name.upper()}__BASE_URL": url for name, url in there.base_urls.items()}
        # A slot of a year, so that none begins in between.
        settings |= {"ASSAY_INGEST__LIMITS_DIR": str(folder / "limits"), "ASSAY_INGEST__EVERY": "365d"}
        yield Stage(folder, settings, exchange, of_home)


EVERYTHING = ingest_words((*BINANCE, *WAZIRX, *COINS), SYMBOLS, SINCE, INTERVALS)


def all_at_once(stage: Stage, open_home: Callable[[], Workspace], *, backups: int) -> list[datetime]:
    """Ingest three times, build, read, maintain, kill and back up at once; return when the backups were begun."""
    all_well([stage.command("alone", *EVERYTHING), stage.command("alone", "build")])
    all_well([stage.command("home", "ingest", "binance:tickers"), stage.command("home", "build")])
    builder, backup = stage.repeated(Repeated, ("build",)), None
    reader = stage.repeated(Repeated, ("query", COUNTS.replace("lake.", ""), "--json"), ("status", "--json"))
    keeper = stage.repeated(Killed, ("maintain", "--orphans"), ())
    assert isinstance(keeper, Killed)
    if backups:
        backup = stage.repeated(Repeated, ("backup", str(stage.folder / "kept"), "--json"))
    pool = PoolReader(open_home())
    shares: list[subprocess.Popen[str]] = []

    def is_over() -> bool:
        return (
            all(one.poll() is not None for one in shares)
            and len(builder.said) >= BUILDS
            and len(keeper.said) >= PASSES
            and keeper.kills >= KILLS
            and (backup is None or len(backed_up(backup.said)) >= backups)
        )

    with pool.at_work():
        for sources, symbols in SHARES:
            shares.append(stage.start("home", *ingest_words(sources, symbols, SINCE, INTERVALS)))
        while not is_over():
            for one in (builder, keeper, backup, reader):
                if one is not None:
                    one.go_on()
            time.sleep(0.02)
        for one in (builder, keeper, backup, reader):
            if one is not None:
                one.end()
    all_well([*(finished(one) for one in shares), *builder.said, *keeper.said, *reader.said])
    all_well([stage.command("home", *EVERYTHING), stage.command("home", "build"), stage.command("home", "maintain")])
    pool.check()
    assert set(stage.exchange.statuses) == {200}, "together they kept to the limits"
    return [] if backup is None else backed_up(backup.said)


def check_packed(home: Workspace, alone: Workspace) -> None:
    """Of the packs alone, with the batches gone that they stand for, the same tables are made."""
    later = datetime.now(UTC) + timedelta(days=3)
    done = maintain(replace(home, clock=FrozenClock(later)), machine=FrozenClock(later))
    assert done.bronze.removed > 0
    build(home, full_refresh=True)
    check_same(home, alone)


def check_same(home: Workspace, alone: Workspace) -> None:
    assert hashes(home) == hashes(alone)
    assert bars(home) == bars(alone) > 0
    check_batches(home)


@pytest.mark.soak
def test_maintenance_that_is_killed_during_everything_and_a_backup_of_that_time(tmp_path: Path) -> None:
    with staged(tmp_path, {}) as stage:
        all_well([stage.command("home", "ingest", "coingecko")])
        key = stage.command("home", "keys", "create", "a notebook", "--json").document
        begun = all_at_once(stage, lambda: open_frozen(tmp_path / "home", NOW), backups=BACKUPS)
        home, alone = (open_frozen(tmp_path / name, NOW) for name in ("home", "alone"))
        check_same(home, alone)
        check_restored(stage, begun, key["prefix"])
        check_packed(home, alone)


def check_restored(stage: Stage, begun: list[datetime], prefix: str) -> None:
    """A home that was restored from the last backup says of the time before it what the home says, and goes on."""
    kept, moment = str(stage.folder / "kept"), (begun[-1] - timedelta(seconds=1)).isoformat()
    damaged(stage, kept)
    all_well([stage.command("restored", "restore", kept), stage.command("restored", "build")])
    answers = [stage.command(home, "query", AS_OF, "--as-of", moment, "--json") for home in ("home", "restored")]
    all_well(answers)
    assert answers[0].document == answers[1].document != []
    assert [one["prefix"] for one in stage.command("restored", "keys", "list", "--json").document] == [prefix]
    all_well([stage.command("restored", *EVERYTHING), stage.command("restored", "build")])
    check_same(open_frozen(stage.folder / "restored", NOW), open_frozen(stage.folder / "alone", NOW))


def damaged(stage: Stage, kept: str) -> None:
    """Change one byte of one file, see the backup refused, and put the byte back."""
    manifest = read_manifest(LocalFolder(Path(kept)))
    assert manifest is not None
    one = max((one for one in manifest.files if one.name.startswith("bronze/")), key=lambda one: one.name)
    path = Path(kept) / "objects" / one.sha256[:2] / one.sha256
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused = stage.command("restored", "restore", kept)
    path.write_bytes(whole)
    assert refused.is_one_line(), refused
    assert one.name in refused.err
    assert not (stage.folder / "restored").exists()


@pytest.mark.soak
def test_maintenance_that_is_killed_during_everything_with_a_catalogue_in_postgresql(tmp_path: Path) -> None:
    with postgres_server() as server:
        of_home = {"ASSAY_LAKE__CATALOG": server.url, "ASSAY_LAKE__CATALOG_SCHEMA": "beside"}

        def open_home() -> Workspace:
            lake = LakeSettings(threads=1, catalog=SecretStr(server.url), catalog_schema="beside")
            return open_workspace(Settings(home=tmp_path / "home", lake=lake), clock=FrozenClock(NOW))

        with staged(tmp_path, of_home) as stage:
            all_at_once(stage, open_home, backups=0)
            home, alone = open_home(), open_frozen(tmp_path / "alone", NOW)
            check_same(home, alone)
            check_packed(home, alone)


@pytest.mark.soak
def test_home_that_is_followed_while_maintenance_is_killed_and_backups_are_taken(tmp_path: Path) -> None:
    followed, untouched = (Following(tmp_path / name) for name in ("home", "alone"))
    keeper = Killed(tmp_path / "home", (("maintain",),), KEPT)
    backup = Repeated(tmp_path / "home", (("backup", str(tmp_path / "kept"), "--json"),), KEPT)
    pool, is_over = PoolReader(open_frozen(tmp_path / "home", NOW)), threading.Event()

    def disturb() -> None:
        while not is_over.wait(0.02):
            keeper.go_on()
            backup.go_on()

    disturber = threading.Thread(target=disturb)
    with pool.at_work():
        disturber.start()
        try:
            minutes = 0
            while minutes < FOLLOWED or len(keeper.said) < PASSES or keeper.kills < KILLS:
                followed.minutes(MINUTES)
                minutes += MINUTES
        finally:
            is_over.set()
            disturber.join()
    for one in (keeper, backup):
        one.end()
    all_well(keeper.said)
    assert backed_up(backup.said)
    pool.check()
    while len(untouched.told) < len(followed.told):
        untouched.minutes(MINUTES)
    for following in (followed, untouched):
        assert [minute.error for minute in following.told] == [""] * len(following.told)
    assert hashes(followed.workspace) == hashes(untouched.workspace)
