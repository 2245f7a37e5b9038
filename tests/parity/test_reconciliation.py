"""Rows about sources that are held against each other: two made venues, one of which goes wrong."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.homes import share_caches
from tests.made_klines import Row, hourly, write_csv
from tests.parity.conftest import done, select

COUNT, FIRST_WAVE = 900, 800
CLOSED = COUNT - 1
"""Nothing shows that the last bar of a file is finished."""
SPIKE, TENFOLD, GONE = 500, range(600, 606), range(700, 704)
KRAKEN = "venue = 'kraken'"


def of_kraken() -> list[Row]:
    """Return the same hours as another venue saw them, 2 basis points dearer, with three errors."""
    rows = [scaled(row, 1.0002) for row in hourly(COUNT)]
    rows[SPIKE] = scaled(rows[SPIKE], 1.08)
    for number in TENFOLD:
        rows[number] = scaled(rows[number], 10)
    return rows


def scaled(row: Row, factor: float) -> Row:
    prices = {name: getattr(row, name) * factor for name in ("open", "high", "low", "close")}
    return replace(row, volume=row.volume * 0.7, **prices)


def import_bars(home: Path, folder: Path, venue: str, rows: list[Row]) -> None:
    path = write_csv(folder / f"BTCUSDT-{venue}-{rows[0].open_time:%Y%m%d%H}.csv", rows)
    done(home, "import", str(path), "--venue", venue, "--symbol", "BTC-USDT", "--interval", "1h")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that got both venues in two waves, with a build after each."""
    folder = tmp_path_factory.mktemp("reconciled")
    home = folder / "home"
    done(home, "config", "show")
    kraken = of_kraken()
    for first, last in ((0, FIRST_WAVE), (FIRST_WAVE - 1, COUNT)):
        import_bars(home, folder, "binance", hourly(COUNT)[first:last])
        import_bars(
            home, folder, "kraken", [row for at, row in enumerate(kraken) if first <= at < last and at not in GONE]
        )
        if (home / "cache").is_dir() and not first:
            share_caches(home)
        done(home, "build")
        if not first:
            then = {"at": datetime.now(UTC).isoformat(), "told": done(home, "reconcile")}
            (folder / "then.json").write_text(json.dumps(then))
    return home


def test_L06_sources_as_of_a_moment_agree_as_they_did_then(home: Path) -> None:
    then = json.loads((home.parent / "then.json").read_bytes())
    assert done(home, "reconcile", "--as-of", then["at"]) == then["told"]
    count = "select count(*)::int as n, max(close_time) as last from gold.consensus_prices"
    (told,) = select(home, count, "--as-of", then["at"])
    assert told["n"] == then["told"]["prices"][0]["bars"] < CLOSED
    # By availability nothing after that hour, whenever it was loaded; as of now, all that the tables hold.
    noon = hourly(COUNT)[FIRST_WAVE // 2].open_time
    (price,) = done(home, "reconcile", "btcusdt", "--available-at", noon.isoformat())["prices"]
    assert price["bars"] == FIRST_WAVE // 2
    assert done(home, "reconcile", "--as-of", datetime.now(UTC).isoformat()) == done(home, "reconcile")
    assert done(home, "reconcile", "--as-of", "2015-01-01")["prices"] == []


def flagged(home: Path) -> dict[str, int]:
    rows = select(
        home,
        f"select reason, count(*)::int as n from gold.source_deviations where {KRAKEN} and is_flagged group by 1",
    )
    return {row["reason"]: row["n"] for row in rows}


def test_L06_every_error_of_a_source_is_flagged_with_its_reason(home: Path) -> None:
    assert flagged(home) == {"price": 1, "scaled": len(TENFOLD), "missing": len(GONE), "recovering": 6}
    assert select(home, "select * from gold.source_deviations where venue = 'binance' and is_flagged") == []


def test_L06_errors_are_not_in_the_consensus(home: Path) -> None:
    apart: list[dict[str, Any]] = select(
        home,
        "select max(abs(consensus.price / source.close - 1)) as apart, count(*)::int as n, "
        "count(*) filter (where status = 'one_left')::int as one_left, "
        "count(*) filter (where status = 'alone')::int as alone "
        "from gold.consensus_prices as consensus join gold.source_deviations as source "
        "using (market, symbol, interval, open_time) where source.venue = 'binance'",
    )
    assert apart[0]["n"] == CLOSED
    assert apart[0]["apart"] < 3e-4
    assert (apart[0]["one_left"], apart[0]["alone"]) == (1 + len(TENFOLD) + 6, len(GONE))


def test_L06_command_says_how_sources_agree_and_whom_to_trust(home: Path) -> None:
    (price,) = done(home, "reconcile", "btcusdt")["prices"]
    by_venue = {one["venue"]: one for one in price["sources"]}
    assert (price["symbol"], price["bars"], price["without_consensus"]) == ("BTC-USDT", CLOSED, 0)
    assert (by_venue["kraken"]["flagged"], by_venue["kraken"]["missing"]) == (1 + len(TENFOLD), len(GONE))
    assert by_venue["kraken"]["trust"] < by_venue["binance"]["trust"]
    assert by_venue["binance"]["median_deviation_bps"] == pytest.approx(1.0, abs=0.1)


def test_L06_two_waves_are_one_build_of_everything(home: Path) -> None:
    tables = ("consensus_prices", "source_deviations", "source_trust")
    sql = [f"select hash(list(one order by one::varchar))::varchar as hash from gold.{name} as one" for name in tables]
    before = [select(home, text) for text in sql]
    done(home, "build", "--full-refresh")
    assert [select(home, text) for text in sql] == before
