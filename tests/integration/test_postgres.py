"""A lake whose catalogue is in PostgreSQL and whose files are in an object store: shared by homes on many machines."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest
from pydantic import SecretStr

from assay.domain.errors import BadInputError, HomeError, LakeBusyError, NotBuiltError, SettingsError, StorageError
from assay.lake import content, prediction_tables
from assay.lake.catalog import connect, is_made
from assay.lake.home import Home
from assay.lake.lock import is_writer_locked, writer_lock
from assay.lake.places import Places
from assay.lake.postgres import PostgresCatalog
from assay.lake.sealed import documents_of
from assay.lake.trial_ledger import count_trials
from assay.lake.version import NO_VERSION, list_tables, read_version
from assay.pipelines.building import build
from assay.pipelines.exporting import export_features
from assay.pipelines.maintaining import maintain
from assay.pipelines.predicting import predict
from assay.pipelines.rebuilding import rebuild
from assay.pipelines.workspace import Workspace, open_workspace
from assay.selectors.query import query
from assay.selectors.status import status
from assay.settings import LakeSettings, Settings, describe, load_settings
from assay.settings.schema import S3Settings
from tests.integration.command import clone
from tests.integration.conftest import NOW, at, bring_in, hashes, open_frozen
from tests.integration.homes import share_caches
from tests.integration.registry_child import KEY, TRIES, search
from tests.integration.servers import KEYS, PASSWORD, ObjectStore, PostgresServer, object_store, postgres_server
from tests.integration.test_maintain import machine, use_up
from tests.made_klines import hourly, write_csv

CLEANED, INDICATORS = "silver.crypto_prices_cleaned", "silver.technical_indicators"
COUNT = "select count(*) as bars from silver.crypto_prices_cleaned"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as found:
        yield found


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with object_store() as found, pytest.MonkeyPatch.context() as patch:
        for name, text in KEYS.items():
            patch.setenv(name, text)
        yield found


def catalog_of(server: PostgresServer, schema: str) -> Places:
    return Places(catalog=server.url, catalog_schema=schema)


def shared(
    home: Path, server: PostgresServer, store: ObjectStore, schema: str = "shared", *, url: str = ""
) -> Workspace:
    """Return a workspace on a home whose bronze, tables and catalogue are all elsewhere."""
    lake = LakeSettings(
        threads=1,
        bronze=f"s3://market/{schema}/bronze",
        tables=f"s3://market/{schema}/tables",
        catalog=SecretStr(url or server.url),
        catalog_schema=schema,
        s3=S3Settings(endpoint_url=store.endpoint_url),
    )
    frozen = open_frozen(home, NOW)
    return open_workspace(Settings(home=home, lake=lake), clock=frozen.clock)


# The lock, and what is said of a server that is not there


def test_one_writer_at_a_time_and_the_other_is_told_who(server: PostgresServer, tmp_path: Path) -> None:
    one, other = (Home(tmp_path / name, catalog_of(server, "locks")) for name in ("one", "other"))
    elsewhere = Home(tmp_path, catalog_of(server, "another"))
    said: list[str] = []
    with writer_lock(one, timeout_s=0):
        assert is_writer_locked(other)
        assert not is_writer_locked(elsewhere)
        with writer_lock(elsewhere, timeout_s=0):
            pass
        with (
            pytest.raises(LakeBusyError, match=f"process {os.getpid()} on .* is writing"),
            writer_lock(other, timeout_s=0),
        ):
            pass
        with (
            pytest.raises(LakeBusyError),
            writer_lock(other, timeout_s=0.2, on_wait=said.append),
        ):
            pass
    assert said[0].startswith(f"waiting for process {os.getpid()} on ")
    assert not is_writer_locked(other)
    with writer_lock(other, timeout_s=0):
        pass


def test_a_waiting_writer_goes_on_when_the_other_process_dies(server: PostgresServer, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from assay.lake.home import Home\n"
        "from assay.lake.lock import writer_lock; from assay.lake.places import Places\n"
        "home = Home(Path('x'), Places(catalog=sys.argv[1], catalog_schema='killed'))\n"
        "with writer_lock(home, timeout_s=0):\n    print('held', flush=True)\n    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, server.url], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        killer = threading.Timer(0.3, holder.send_signal, [signal.SIGKILL])
        killer.start()
        with writer_lock(Home(tmp_path, catalog_of(server, "killed")), timeout_s=600):
            assert holder.wait() == -signal.SIGKILL


def test_a_lock_that_was_lost_is_told(server: PostgresServer, tmp_path: Path) -> None:
    home = Home(tmp_path, catalog_of(server, "lost"))
    others = (
        "select pg_terminate_backend(pid, 60000) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()"
    )
    with (
        pytest.raises(LakeBusyError, match="the connection that held the writer lock was lost"),
        writer_lock(home, timeout_s=0),
        contextlib.closing(psycopg.connect(server.url, autocommit=True)) as other,
    ):
        other.execute(others)


def test_a_server_that_is_not_there_is_told_without_the_password(server: PostgresServer, tmp_path: Path) -> None:
    gone = server.url.replace(str(server.folder), str(tmp_path))
    wrong = server.url_without_password.replace("assay@", "assay:wrong@")
    for url in (gone, wrong):
        home = Home(tmp_path, Places(catalog=url))
        for attempt in (is_made, lambda home: writer_lock(home, timeout_s=0).__enter__()):
            with pytest.raises(StorageError, match="the catalogue's PostgreSQL refuses") as caught:
                attempt(home)
            assert PASSWORD not in str(caught.value)
    with pytest.raises(NotBuiltError), connect(Home(tmp_path, catalog_of(server, "empty")), read_only=True):
        pass


def test_the_address_is_a_secret_and_the_password_may_be_elsewhere(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings({"lake.catalog": server.url, "home": str(tmp_path / "home")})
    shown = {row.key: row.value for row in describe(settings)}
    assert shown["lake.catalog"] == "**********"
    workspace = open_workspace(settings)
    assert workspace.home.postgres is not None
    for text in (repr(workspace), repr(settings), workspace.home.postgres.options):
        assert PASSWORD not in text
        assert "w%C3%B6rd" not in text
    with pytest.raises(SettingsError) as caught:
        load_settings({"lake.catalog": "mysql://assay:topsecret@host/x"})
    assert "topsecret" not in str(caught.value)
    with pytest.raises(SettingsError, match="no address of PostgreSQL") as caught:
        PostgresCatalog("postgresql://assay:topsecret@host/x?nonsense=1", "assay").is_made()
    assert "topsecret" not in str(caught.value)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    home = Home(tmp_path, Places(catalog=server.url_without_password, catalog_schema="by_variable"))
    share_caches(tmp_path)
    with connect(home) as lake:
        lake.execute("create table lake.main.numbers as select 1 as number")
    with connect(home, read_only=True) as lake:
        assert lake.execute("from lake.main.numbers").fetchall() == [(1,)]


def test_tables_of_a_catalogue_stay_where_they_are(server: PostgresServer, tmp_path: Path) -> None:
    share_caches(tmp_path)
    with connect(Home(tmp_path, Places(str(tmp_path / "b"), str(tmp_path / "t"), server.url, "moved"))) as lake:
        lake.execute("create table lake.main.numbers as select 1 as number")
    with pytest.raises(HomeError, match="the tables of this catalogue lie elsewhere"):
        connect(Home(tmp_path, Places(str(tmp_path / "b"), str(tmp_path / "other"), server.url, "moved"))).__enter__()


# One lake, many homes


@pytest.fixture(scope="module")
def moved(
    built: Path, server: PostgresServer, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Workspace, tuple[str, str]]:
    """Move a home with bars, indicators and forecasts to S3 and PostgreSQL; return it, and its hashes before."""
    home = clone(built, tmp_path_factory.mktemp("moved") / "home")
    own = open_frozen(home, NOW)
    predict(own)
    search(documents_of(own.home), "ada")
    before = hashes(own)
    workspace = shared(home, server, store)
    result = rebuild(workspace)
    assert (result.batches, result.copied, result.is_same) == (1, 1, True)
    assert result.forecasts[prediction_tables.EVIDENCE] == 1
    assert count_trials(documents_of(workspace.home)).of(KEY).trials == TRIES
    return workspace, before


def test_a_moved_lake_has_the_same_content_and_nothing_of_it_in_the_home(
    moved: tuple[Workspace, tuple[str, str]],
) -> None:
    workspace, before = moved
    assert hashes(workspace) == before
    found = status(workspace)
    assert (found.batches, found.unpublished_batches, found.unseen_files, found.is_built) == (1, 0, False, True)
    assert query(workspace, COUNT)["bars"].to_list() == [100]
    with workspace.lake() as lake:
        assert len(prediction_tables.latest_evidence(lake)) == 1
        files = lake.execute(
            "select distinct data_file from ducklake_list_files('lake', 'crypto_prices_cleaned', schema => 'silver')"
        ).fetchall()
        assert files
        assert all(str(name).startswith("s3://market/shared/tables/") for (name,) in files)


def test_a_stranger_reads_the_lake_and_nothing_else_of_the_store(moved: tuple[Workspace, tuple[str, str]]) -> None:
    workspace, _ = moved
    for sql in (
        "select * from read_parquet('s3://market/shared/bronze/klines/*/*/*.parquet')",
        "select * from catalog_query('select 1')",
        "select * from postgres_query('__ducklake_metadata_lake', 'select version()')",
        "select * from duckdb_secrets()",
        "select * from __ducklake_metadata_lake.pg_catalog.pg_shadow",
    ):
        with pytest.raises(BadInputError):
            query(workspace, sql)


def test_a_second_home_ingests_beside_the_first_and_readers_see_its_build_at_once(
    moved: tuple[Workspace, tuple[str, str]],
    server: PostgresServer,
    store: ObjectStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace, _ = moved
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    other = shared(tmp_path / "other", server, store, url=server.url_without_password)
    with workspace.kept_open() as reader, other.kept_open() as another:
        before = reader.data_version()
        assert before == another.data_version()
        with reader.lake() as lake:
            assert read_version(lake) == before
            bring_in(workspace, write_csv(tmp_path / "a.csv", hourly(130)), "ETH-USDT", recorded_at=NOW)
            bring_in(other, write_csv(tmp_path / "b.csv", hourly(130)), "BTC-USDT", recorded_at=NOW)
            assert not bring_in(workspace, tmp_path / "b.csv", "BTC-USDT", recorded_at=NOW).is_new
            assert build(other).new_batches == 2
            assert read_version(lake) == before  # one block sees one snapshot
        after = reader.data_version()
        assert after.number > before.number
        assert after == another.data_version()
        assert build(workspace).new_batches == 0
        with reader.lake() as lake:
            assert list_tables(lake, read_version(lake)) >= {CLEANED, INDICATORS, "gold.daily_crypto_metrics"}
            bars = f"select symbol, count(*), count(distinct open_time) from lake.{CLEANED} group by all order by all"
            assert lake.execute(bars).fetchall() == [("BTC-USDT", 130, 130), ("ETH-USDT", 130, 130)]
            # Both got the same bars: one in two parts and two places, the other all at once.
            differ = (
                f"select count(*) from lake.{INDICATORS} as one join lake.{INDICATORS} as other using (open_time) "
                "where one.symbol < other.symbol and (one.ema_26, one.rsi_14) is distinct from "
                "(other.ema_26, other.rsi_14)"
            )
            assert lake.execute(differ).fetchall() == [(0,)]


def test_a_server_that_was_started_again_is_read_on(
    moved: tuple[Workspace, tuple[str, str]], server: PostgresServer
) -> None:
    workspace, _ = moved
    with workspace.kept_open() as reader:
        assert reader.data_version() != NO_VERSION
        server.restart()
        for _ in range(3):  # sessions that have ended are found out one by one
            with contextlib.suppress(StorageError, HomeError), reader.lake() as lake:
                lake.execute("select count(*) from lake.silver.crypto_prices_cleaned")
        with reader.lake() as lake:
            (count,) = lake.execute("select count(*) from lake.silver.crypto_prices_cleaned").fetchone() or (0,)
        assert count >= 100


def test_features_are_exported_beside_the_lake(moved: tuple[Workspace, tuple[str, str]], store: ObjectStore) -> None:
    workspace, _ = moved
    to = store.place("export")
    found = {one.name: one for one in export_features(workspace, to)}
    assert found["features/technical"].rows >= 100
    assert found["targets/direction_24h"].hours == found["features/technical"].hours - 24
    assert not any(one.written for one in export_features(workspace, to))
    with workspace.lake() as lake:
        read = f"read_parquet('{to}/features/technical/*/*/*.parquet', hive_partitioning = true)"
        rows = lake.execute(
            f"select count(*), bool_and(date = close_time::date and hour = hour(close_time)), "
            f"bool_and(available_at >= close_time and known_at is not null) from {read}"
        ).fetchall()
        assert rows == [(found["features/technical"].rows, True, True)]
        wrong = lake.execute(
            f"select count(*) from read_parquet('{to}/targets/*/*/*/*.parquet') as target "
            "join lake.silver.crypto_prices_cleaned as bar using (venue, market, symbol, interval) "
            "where bar.close_time = target.until and target.is_up <> (bar.close > target.close)"
        ).fetchall()
        assert wrong == [(0,)]


def test_maintenance_of_a_shared_lake_changes_no_answer(
    moved: tuple[Workspace, tuple[str, str]], tmp_path: Path
) -> None:
    workspace, _ = moved
    for number in range(4):
        bring_in(workspace, write_csv(tmp_path / f"{number}.csv", hourly(3 + number)), f"NEW{number}-USDT")
    use_up(workspace, 4)
    before = hashes(workspace)
    later = at(workspace, NOW + timedelta(days=2))
    dry = maintain(later, is_dry=True, machine=machine())
    assert dry.bronze.batches >= 4
    done = maintain(later, machine=machine())
    assert (done.bronze.packs, done.bronze.batches, done.orphans) == (1, dry.bronze.batches, [])
    assert {CLEANED, "silver.kline_revisions"} <= set(done.merged)
    assert hashes(workspace) == before
    # What was put together before anybody took it in is taken in from the pack.
    assert build(later).new_batches == 4
    counted = f"select symbol, count(*) from lake.{CLEANED} where symbol like 'NEW%' group by all order by all"
    with later.lake() as lake:
        assert lake.execute(counted).fetchall() == [(f"NEW{number}-USDT", 3 + number) for number in range(4)]
    after = hashes(later)
    cleaned = maintain(later, machine=machine(timedelta(days=2)))
    assert cleaned.bronze.removed == 2 * dry.bronze.batches
    assert cleaned.deleted_files > 0
    last = maintain(later, machine=machine(timedelta(days=4)))
    uses = last.tables["after"]
    assert uses is not None
    assert (uses.snapshots, uses.old_files, last.orphans) == (1, 0, [])
    assert hashes(later) == after
    assert build(later, full_refresh=True).is_full_refresh
    assert hashes(later) == after


# Under kills


@pytest.mark.soak
def test_two_writers_that_are_killed_lose_and_double_nothing(
    server: PostgresServer, store: ObjectStore, tmp_path: Path
) -> None:
    symbols, random = ("BTC-USDT", "ETH-USDT"), Random(20_260_601)
    variables = {
        "ASSAY_LAKE__BRONZE": "s3://market/soak/bronze",
        "ASSAY_LAKE__TABLES": "s3://market/soak/tables",
        "ASSAY_LAKE__S3__ENDPOINT_URL": store.endpoint_url,
        "ASSAY_LAKE__CATALOG": server.url,
        "ASSAY_LAKE__CATALOG_SCHEMA": "soak",
        "ASSAY_LAKE__THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    for symbol in symbols:
        (tmp_path / symbol).mkdir()
        for wave in range(8):
            write_csv(tmp_path / symbol / f"{wave}.csv", hourly(100 + 20 * wave))

    def start(symbol: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "tests.integration.shared_writer", str(tmp_path / f"home of {symbol}")]
        environment = os.environ | variables
        return subprocess.Popen(
            [*words, str(tmp_path / symbol), symbol], env=environment, stderr=subprocess.PIPE, text=True
        )

    kills = 0
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        writers = [start(symbol) for symbol in symbols]
        for writer in random.sample(writers, 2):
            with contextlib.suppress(subprocess.TimeoutExpired):
                writer.wait(random.uniform(1, 14))
            kills += writer.poll() is None
            writer.kill()
            assert "Error" not in (writer.communicate()[1] or "")
    assert kills >= 5
    writers = [start(symbol) for symbol in symbols]
    assert [(writer.communicate(timeout=600)[1], writer.returncode) for writer in writers] == [("", 0)] * 2
    alone = open_frozen(tmp_path / "alone", NOW)
    for symbol in symbols:
        for wave in range(8):
            bring_in(alone, tmp_path / symbol / f"{wave}.csv", symbol, recorded_at=NOW)
    build(alone)
    together = shared(tmp_path / "home of BTC-USDT", server, store, "soak")
    with alone.lake() as one, together.lake() as two:
        expected = content.content_hash(one, content.KLINES, without=content.HISTORY)
        assert content.content_hash(two, content.KLINES, without=content.HISTORY) == expected
        grain = "(venue, market, symbol, interval, open_time, batch_id, row_number)"
        twice = f"select count(*) - count(distinct {grain}) from lake.silver.kline_revisions"
        assert two.execute(twice).fetchall() == [(0,)]
