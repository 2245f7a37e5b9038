"""Bronze in an object store is that of a disk: a batch is there whole, once, found and listed at a small price."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from assay.domain.errors import BadInputError, NoDataError, SettingsError, StorageError
from assay.domain.points import Point, observed
from assay.lake import bronze, manifest, model_aliases, quarantine
from assay.lake.backtest_runs import list_runs, read_run, remove_run, save_run
from assay.lake.bronze import AskedRange, BatchHeader, write_batch
from assay.lake.bronze_copy import copy_bronze
from assay.lake.bronze_store import BronzeStore, LocalBronze
from assay.lake.catalog import connect
from assay.lake.champion import Follower
from assay.lake.coverage_cache import read_coverage
from assay.lake.folders import LocalFolder, folder_at
from assay.lake.home import Home, open_home
from assay.lake.hourly_export import HourlyTable, export_hours
from assay.lake.model_aliases import Aliases, MovedError, read_history
from assay.lake.model_store import FOLDER, read_versions
from assay.lake.origin import check_origin, claim_origin, read_origin
from assay.lake.places import Places, S3Url
from assay.lake.s3 import S3Folder
from assay.lake.s3_bronze import S3Bronze, s3_bronze
from assay.lake.sealed import LocalDocuments, documents_of, take_over
from assay.lake.trial_ledger import count_trials
from assay.pipelines.workspace import open_workspace
from assay.selectors.outages import read_unanswered
from assay.settings import LakeSettings, Settings
from tests.integration.command import Command, clone
from tests.integration.homes import share_caches
from tests.integration.registry_child import COMMON, KEY, TRIES, search
from tests.integration.servers import KEYS, ObjectStore, object_store
from tests.unit.lake.registered import ADA, model
from tests.unit.lake.test_backtest_runs import SUMMARY, TABLES

FETCHED = datetime(2025, 6, 1, 12, tzinfo=UTC)
OPENED = datetime(2024, 1, 1, tzinfo=UTC)
BODY = b"1704067200000,42283.58\n"
QUARANTINED = pl.DataFrame({"row_number": [7], "cause": ["close is NaN"], "raw": ["x"]})
NOTHING = QUARANTINED.clear()


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with object_store() as found:
        yield found


@pytest.fixture(params=["disk", "s3"])
def place(request: pytest.FixtureRequest, store: ObjectStore, tmp_path: Path) -> BronzeStore:
    """Return an empty bronze of each kind."""
    if request.param == "disk":
        (tmp_path / "bronze").mkdir()
        return LocalBronze(tmp_path / "bronze")
    return s3_bronze(store.place(), store.access)


def rows(hours: int = 3) -> pl.DataFrame:
    moments = [OPENED + timedelta(hours=hour) for hour in range(hours)]
    return pl.DataFrame({"market": "spot", "symbol": "BTC-USDT", "interval": "1h", "open_time": moments, "close": 1.5})


def header(batch_id: str = "00ff00ff", *, day: int = 1, dataset: str = "klines", hours: int = 3) -> BatchHeader:
    ranges = bronze.ranges_of(rows(hours))
    asked = AskedRange("spot", "BTC-USDT", "1h", OPENED, OPENED + timedelta(hours=hours), ())
    return BatchHeader(
        batch_id=batch_id,
        dataset=dataset,
        venue="binance",
        endpoint="klines",
        parameters={"symbol": "BTCUSDT"},
        known_at=FETCHED.replace(day=day),
        body_sha256=hashlib.sha256(BODY).hexdigest(),
        content_format="csv",
        counts={"accepted": hours, "quarantined": 1},
        ranges=ranges,
        asked=(asked,),
    )


def write(place: BronzeStore, one: BatchHeader | None = None, quarantined: pl.DataFrame = QUARANTINED) -> bool:
    return write_batch(place, one or header(), body=BODY, rows=rows(), quarantined=quarantined)


def names(place: BronzeStore) -> list[str]:
    """Return the batches that any reader would find, by walking all days."""
    return [place.name_of(file) for day, _ in place.days() for file in place.committed(day)]


# What both kinds of store promise


def test_a_batch_is_read_as_it_was_written(place: BronzeStore) -> None:
    assert write(place)
    file = bronze.find_batch(place, header())
    assert file is not None
    assert place.name_of(file) == "klines/venue=binance/known_date=2025-06-01/00ff00ff.parquet"
    assert (file.stem, file.exists()) == ("00ff00ff", True)
    assert bronze.read_header(file) == header()
    assert bronze.read_body(place, header()) == BODY
    assert bronze.read_rows([file], ["close", "symbol"]).to_dict(as_series=False) == {
        "close": [1.5] * 3,
        "symbol": ["BTC-USDT"] * 3,
    }


def test_the_same_batch_on_another_day_is_not_written_again(place: BronzeStore) -> None:
    assert write(place)
    assert not write(place)
    assert not write(place, header(day=2))
    assert names(place).count("klines/venue=binance/known_date=2025-06-01/00ff00ff.parquet") == 1
    assert not [name for name in names(place) if "known_date=2025-06-02" in name]


def test_of_many_writers_of_one_batch_one_is_told_that_it_is_new(place: BronzeStore) -> None:
    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(lambda _: write(place), range(6))) == [False] * 5 + [True]


@pytest.mark.parametrize("point", [Point.BODY_KEPT, Point.QUARANTINE_KEPT])
def test_a_writer_that_dies_before_the_commit_leaves_nothing_to_see(place: BronzeStore, point: Point) -> None:
    def die(reached: Point) -> None:
        if reached is point:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), observed(die):
        write(place)
    assert bronze.find_batch(place, header()) is None
    assert [name for name in names(place) if name.startswith("klines")] == []
    assert list(quarantine.quarantined_batches(place)) == []
    assert write(place)
    assert [one.header for one in quarantine.quarantined_batches(place)] == [header()]


def test_what_was_set_aside_is_found_by_the_beginning_of_its_id(place: BronzeStore) -> None:
    write(place)
    write(place, header("00ff00aa"))
    write(place, header("77ff00aa"), NOTHING)
    assert quarantine.find_quarantined(place, "00ff00f").rows()["cause"].to_list() == ["close is NaN"]
    with pytest.raises(BadInputError, match="several batches begin like that"):
        quarantine.find_quarantined(place, "00ff00")
    with pytest.raises(Exception, match="nothing of that batch"):
        quarantine.find_quarantined(place, "77ff00")


def test_days_are_listed_by_dataset_and_venue_and_absent_batches_told(place: BronzeStore) -> None:
    write(place, quarantined=NOTHING)
    write(place, header("11ff00ff", day=2, dataset="tickers"), NOTHING)
    write(place, replace(header("22ff00ff"), venue="wazirx"), NOTHING)
    days = [day for day, _ in place.days()]
    assert days == sorted(days)
    assert days == [
        "klines/venue=binance/known_date=2025-06-01",
        "klines/venue=wazirx/known_date=2025-06-01",
        "tickers/venue=binance/known_date=2025-06-02",
    ]
    assert [day for day, _ in place.days("klines")] == days[:2]
    assert [day for day, _ in place.days(venue="wazirx")] == [days[1]]
    assert list(place.days("nothing")) == []
    gone = f"{days[0]}/99ff.parquet"
    assert [place.name_of(file) for file in place.absent([gone, f"{days[0]}/00ff00ff.parquet"])] == [gone]
    since = max(at for _, at in place.days())
    assert 0 <= place.now_ns() - since < 120e9


def test_copied_bronze_holds_what_the_first_one_holds(place: BronzeStore, tmp_path: Path) -> None:
    source = tmp_path / "own"
    for number in range(5):
        write_batch(
            source, header(f"0{number}ff00ff", day=1 + number % 2), body=BODY, rows=rows(), quarantined=QUARANTINED
        )
    (source / "klines/venue=binance/known_date=2025-06-01/.half.tmp").write_bytes(b"x")
    assert list(copy_bronze(source, place)) == [True] * 5
    assert list(copy_bronze(source, place)) == [False] * 5
    assert names(place) == names(LocalBronze(source))
    assert len(list(quarantine.quarantined_batches(place))) == 5
    assert bronze.read_body(place, header("03ff00ff", day=2)) == BODY


# What is the object store's own


def test_a_day_is_listed_again_until_no_commit_can_be_late(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = open_home(tmp_path / "home", places=Places(bronze=store.place(), s3=store.access))
    share_caches(home.root)
    place = home.bronze_store
    assert isinstance(place, S3Bronze)
    listed: list[str] = []
    listing = S3Bronze.committed

    def noted(self: S3Bronze, day: str) -> object:
        listed.append(day)
        return listing(self, day)

    monkeypatch.setattr(S3Bronze, "committed", noted)
    with connect(home) as lake:
        manifest.prepare(lake)
        write(place)
        assert manifest.register(lake, place) == 1
        write(place, header("11ff00ff"))  # the day's mark is the same object, and may be of the same second
        assert manifest.register(lake, place) == 1
        assert len(listed) == 2
        # Once the mark is old enough the day is left alone, and what it holds is not read again.
        monkeypatch.setattr(S3Bronze, "settle_ns", -(10**12))
        assert manifest.register(lake, place) == 0
        assert manifest.register(lake, place) == 0
        assert len(listed) == 3
        assert manifest.absent(lake, place, ["00ff00ff", "11ff00ff"]) == []
        rows_read = lake.execute(
            f"select count(*) from read_parquet('{home.bronze_at}/klines/*/*/*.parquet')"
        ).fetchall()
        assert rows_read == [(6,)]


def test_coverage_is_that_of_the_disk(store: ObjectStore, tmp_path: Path) -> None:
    kept = []
    for name, places in (("disk", Places()), ("s3", Places(bronze=store.place(), s3=store.access))):
        home = open_home(tmp_path / name, places=places)
        for number in range(3):
            write_batch(home.bronze_store, header(f"0{number}ff00ff"), body=BODY, rows=rows(), quarantined=NOTHING)
        for _ in range(2):  # once anew, once from the cache
            ledger = read_coverage(home, "binance", settle=timedelta(hours=2), confirmations=3)
            kept.append([(one.series, one.settled, one.confirmed_empty) for one in ledger.all_series()])
    assert kept[0][0][2]
    assert kept[1:] == kept[:1] * 3


def test_a_header_larger_than_the_end_that_is_read_first_is_read_whole(store: ObjectStore) -> None:
    place = s3_bronze(store.place(), store.access)
    large = replace(header(), parameters={"symbols": "x" * 200_000})
    write(place, large)
    file = bronze.find_batch(place, large)
    assert file is not None
    assert list(bronze.read_headers([file, file])) == [large, large]


def test_batches_that_others_put_there_are_found_after_a_look_at_everything(store: ObjectStore, tmp_path: Path) -> None:
    place, copied = (s3_bronze(store.place(), store.access) for _ in range(2))
    write(place)
    write(place, header("11ff00ff", day=2), NOTHING)
    for one in place.folder.names_below(""):
        if not one.name.startswith("_"):
            copied.folder.put(one.name, place.folder.get(one.name))
    assert (names(copied), bronze.find_batch(copied, header())) == ([], None)
    copied.index()
    assert names(copied) == names(place)
    assert bronze.find_batch(copied, header()) is not None
    assert quarantine.find_quarantined(copied, "00ff00").header == header()


def test_failures_are_read_from_the_store(store: ObjectStore) -> None:
    place = s3_bronze(store.place(), store.access)
    assert read_unanswered(place, since=FETCHED) == []
    failure = {"venue": "binance", "endpoint": "klines", "kind": "outage", "cause": "503"}
    moments = {"asked_at": FETCHED, "known_at": FETCHED}
    frame = pl.DataFrame([failure | moments])
    write_batch(place, header(dataset=bronze.FAILURES), body=BODY, rows=frame, quarantined=NOTHING)
    (found,) = read_unanswered(place, since=FETCHED)
    assert (found.cause, found.asked_at) == ("503", FETCHED)


def test_homes_that_share_bronze_share_its_market(store: ObjectStore, tmp_path: Path) -> None:
    places = Places(bronze=store.place(), s3=store.access)
    one, other = (open_home(tmp_path / name, places=places) for name in ("one", "other"))
    assert read_origin(one) is None
    claim_origin(one, "the real market")
    assert read_origin(other) == "the real market"
    with pytest.raises(Exception, match="holds the real market"):
        check_origin(other, "a simulated market (7)")


def test_homes_that_share_bronze_share_trials_and_champions(store: ObjectStore, tmp_path: Path) -> None:
    places = Places(bronze=store.place(), s3=store.access)
    one, other = (documents_of(open_home(tmp_path / name, places=places)) for name in ("one", "other"))
    assert count_trials(one).total.trials == 0
    first = model(one, 1)
    moved = model_aliases.promote(one, KEY, first.version, known=Aliases(), author=ADA, why="the first")
    follows = Follower(other, KEY, bytes.decode)
    assert follows.current().model == "model 1"
    second = model(other, 2)
    model_aliases.promote(other, KEY, second.version, known=moved, author=ADA, why="better")
    with pytest.raises(MovedError, match="look again"):
        model_aliases.promote(one, KEY, second.version, known=moved, author=ADA, why="late")
    assert (follows.current().model, len(read_history(one, KEY))) == ("model 2", 2)
    search(one, "ada")
    search(other, "bob")
    assert count_trials(one).of(KEY).trials == COMMON + 2 * (TRIES - COMMON)
    assert not (tmp_path / "one" / "trials").exists()
    bronze_place = open_home(tmp_path / "one", places=places).bronze_store
    assert isinstance(bronze_place, S3Bronze)
    assert list(bronze_place.days()) == []
    bronze_place.index()
    assert list(bronze_place.days()) == []  # bronze does not take them for its own
    own = LocalDocuments(tmp_path / "third")
    model_aliases.promote(own, KEY, model(own, 3).version, known=Aliases(), author=ADA, why="elsewhere")
    _, left = take_over(own, one, FOLDER)
    assert left == [f"{FOLDER}/{KEY.folder}/history/00000001.json"]
    assert (len(read_versions(one, KEY)), follows.current().model) == (3, "model 2")


def test_homes_that_share_bronze_share_kept_backtests(store: ObjectStore, tmp_path: Path) -> None:
    places = Places(bronze=store.place(), s3=store.access)
    one, other = (documents_of(open_home(tmp_path / name, places=places)) for name in ("one", "other"))
    save_run(one, SUMMARY, {"n": 1}, TABLES)
    save_run(other, SUMMARY, {"n": 2}, TABLES)
    save_run(other, replace(SUMMARY, run="00ff00ff00ff"), {"n": 3}, TABLES)
    assert [found.run for found in list_runs(one).runs] == ["00ff00ff00ff", SUMMARY.run]
    found = read_run(one, SUMMARY.run[:8])
    assert (found.report, found.table("trades").equals(TABLES["trades"])) == ({"n": 2}, True)
    assert len(one.names("backtests")) == 2 * 4
    remove_run(one, SUMMARY.run)
    assert [name.count("00ff00ff00ff") for name in other.names("backtests")] == [1] * 4
    with pytest.raises(NoDataError, match="no such backtest"):
        read_run(other, SUMMARY.run)


def test_a_lake_has_its_tables_in_the_store(store: ObjectStore, tmp_path: Path) -> None:
    home = open_home(tmp_path / "home", places=Places(tables=store.place(), s3=store.access))
    share_caches(home.root)
    with connect(home) as lake:
        lake.execute("create table lake.main.numbers as select range as number from range(100000)")
    with connect(home, read_only=True) as lake:
        assert lake.execute("select count(*), sum(number) from lake.main.numbers").fetchall() == [(100000, 4999950000)]
        listed = [row[0] for row in lake.execute(f"select file from glob('{home.tables_at}/**')").fetchall()]
        assert listed
        assert all(file.endswith(".parquet") for file in listed)
    assert not list(home.tables.rglob("*.parquet"))
    assert home.catalog != Home(home.root).catalog  # a catalogue belongs to the place of its tables


def test_a_refusing_store_is_told_in_one_line(store: ObjectStore, tmp_path: Path) -> None:
    nobody = s3_bronze("s3://no-such-bucket/x", store.access)
    with pytest.raises(StorageError, match="there is no such bucket: 'no-such-bucket'"):
        list(nobody.days())
    gone = replace(store.access, endpoint_url="http://127.0.0.1:9")
    folder = S3Folder(S3Url("market"), gone)
    with pytest.raises(StorageError, match="the object store cannot be used: 's3://market/x'"):
        folder.put_if_absent("x", b"")
    home = open_home(tmp_path / "home", places=Places(tables="s3://no-such-bucket/x", s3=store.access))
    share_caches(home.root)
    with pytest.raises(StorageError, match="the object store cannot be used"), connect(home) as lake:
        lake.execute("create table lake.main.numbers as select range as number from range(100000)")


def test_keys_come_from_the_environment_and_are_never_shown(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path / "home", lake=LakeSettings(bronze=store.place()))
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match="AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set"):
        open_workspace(settings)
    with pytest.raises(SettingsError, match="AWS_SECRET_ACCESS_KEY is not set"):
        folder_at(store.place(), open_workspace(Settings(home=tmp_path / "home")).home.places.s3)
    for name, text in KEYS.items():
        monkeypatch.setenv(name, text)
    workspace = open_workspace(settings)
    assert workspace.home.places.s3.secret == KEYS["AWS_SECRET_ACCESS_KEY"]
    for shown in (repr(workspace), str(workspace.home), repr(workspace.home.bronze_store)):
        assert not any(text in shown for text in KEYS.values())


@pytest.mark.parametrize("place", ["s3://", "s3://UPPER/x", "s3://market/a'b", "gs://market/x", "s3://market?x=1"])
def test_what_is_no_place_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket/prefix"):
        LakeSettings(bronze=place)


# Partitions for other programs


HOURS = "select * from (values {}) as row (moment, symbol, value)"


def hourly(values: dict[tuple[int, str], float]) -> HourlyTable:
    listed = ", ".join(
        f"(timestamptz '{OPENED + timedelta(hours=hour)}', '{symbol}', {value}::double)"
        for (hour, symbol), value in values.items()
    )
    return HourlyTable("features/made", HOURS.format(listed), "moment", ("symbol",))


@pytest.mark.parametrize("kind", ["disk", "s3"])
def test_an_export_writes_the_hours_whose_rows_are_others(kind: str, store: ObjectStore, tmp_path: Path) -> None:
    to = str(tmp_path / "out") if kind == "disk" else store.place()
    target = folder_at(to, store.access)
    with contextlib.closing(duckdb.connect()) as lake:
        lake.execute("set TimeZone = 'UTC'")
        values = {(hour, symbol): hour + 0.5 for hour in range(30) for symbol in ("BTC-USDT", "ETH-USDT")}
        first = export_hours(lake, hourly(values), target)
        assert (first.hours, first.written, first.removed, first.rows) == (30, 30, 0, 60)
        assert export_hours(lake, hourly(values), target).written == 0
        values[3, "BTC-USDT"] = 9.0
        values[30, "BTC-USDT"] = 1.0
        del values[29, "BTC-USDT"], values[29, "ETH-USDT"]
        again = export_hours(lake, hourly(values), target)
        assert (again.written, again.removed, again.rows) == (2, 1, 3)
        late = replace(hourly({key: 7.0 for key in values if key[0] >= 20}), since=OPENED + timedelta(hours=20))
        assert export_hours(lake, late, target).written == 10
    frame = pl.read_parquet(target.get("features/made/date=2024-01-01/hour=03/part.parquet"))
    assert frame["value"].to_list() == [9.0, 3.5]
    if isinstance(target, LocalFolder):
        scanned = pl.scan_parquet(f"{to}/features/made", hive_partitioning=True).filter(pl.col("hour") == 21).collect()
        assert scanned.select("date", "hour", "value").row(0) == (datetime(2024, 1, 1).date(), 21, 7.0)
        with pytest.raises(FileNotFoundError):
            target.get("features/made/date=2024-01-02/hour=05/part.parquet")


def test_the_command_writes_features_and_targets_as_python_reads_them(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assay = Command(capsys, clone(built, tmp_path / "home"))
    words = ("export", "features", "--to", tmp_path / "out", "--since", "2024-01-03T00:30")
    said = assay(*words, "--json")
    assert said.code == 0, said.err
    features, risk, targets = said.document[:3]
    # 100 hourly bars from 2024-01-01 on: closes until 2024-01-05 04:00, targets known for those of a day before.
    assert (features["name"], features["hours"], features["rows"]) == ("features/technical", 53, 53)
    assert (risk["name"], risk["hours"], risk["rows"]) == ("features/returns_and_risk", 53, 53)
    assert (targets["name"], targets["hours"], targets["rows"]) == ("targets/direction_24h", 53, 53)
    for name in ("features/technical", "features/returns_and_risk", "targets/direction_24h"):
        frame = pl.scan_parquet(tmp_path / "out" / name, hive_partitioning=True).collect()
        assert frame.select((pl.col("close_time").dt.date() == pl.col("date")).all()).item()
        assert frame.select((pl.col("close_time").dt.hour() == pl.col("hour")).all()).item()
    frame = pl.scan_parquet(tmp_path / "out" / "targets" / "direction_24h").collect()
    assert frame.select((pl.col("is_up") == (pl.col("close_until") > pl.col("close"))).all()).item()
    assert frame.select((pl.col("available_at") >= pl.col("until")).all()).item()
    assert [one["written"] for one in assay(*words, "--json").document[:2]] == [0, 0]
    assert assay("export", "features", "--to", "s3://UPPER/x").code == 2
