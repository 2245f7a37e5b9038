"""Every third-party part in use is imported and started: resolvers call sets compatible that do not run together."""

from __future__ import annotations

import importlib.resources
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest


def connect_with_extensions(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection whose extensions come from their packages, never from the network."""
    from duckdb_extensions import import_extension

    connection = duckdb.connect(
        config={
            "extension_directory": str(folder / "extensions"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    for name in ("ducklake", "sqlite_scanner"):
        import_extension(name, con=connection)
        connection.execute(f"LOAD {name}")
    return connection


def test_ducklake_on_a_sqlite_catalogue_keeps_rows_and_snapshots(tmp_path: Path) -> None:
    attach = (
        f"ATTACH 'ducklake:sqlite:{tmp_path}/catalogue.sqlite' AS lake "
        f"(DATA_PATH '{tmp_path}/files', META_JOURNAL_MODE 'WAL', META_BUSY_TIMEOUT 10000)"
    )
    with connect_with_extensions(tmp_path) as writer:
        writer.execute(attach)
        writer.execute("CREATE TABLE lake.bars AS SELECT range AS bar, range * 0.1 AS close FROM range(1000)")
        before = writer.execute("SELECT max(snapshot_id) FROM lake.snapshots()").fetchone()
        writer.execute("DELETE FROM lake.bars WHERE bar >= 10")
    assert before is not None
    with connect_with_extensions(tmp_path) as reader:
        reader.execute(attach)
        assert reader.execute("SELECT count(*) FROM lake.bars").fetchone() == (10,)
        assert reader.execute(f"SELECT count(*) FROM lake.bars AT (VERSION => {before[0]})").fetchone() == (1000,)


def test_extensions_have_the_version_of_their_database(tmp_path: Path) -> None:
    with connect_with_extensions(tmp_path) as connection:
        loaded = connection.execute(
            "SELECT extension_name, install_path FROM duckdb_extensions() WHERE loaded AND installed"
        ).fetchall()
    paths = {str(name): str(path) for name, path in loaded}
    for name in ("ducklake", "sqlite_scanner"):
        assert paths[name].startswith(str(tmp_path / "extensions" / f"v{duckdb.__version__}"))


def test_dbt_builds_a_model_in_duckdb_in_this_process(tmp_path: Path) -> None:
    from dbt.cli.main import dbtRunner

    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text(
        "name: boot\nversion: '1.0'\nprofile: boot\nmodel-paths: [models]\n"
        "flags: {send_anonymous_usage_stats: false}\nmodels: {boot: {+materialized: table}}\n",
        encoding="utf-8",
    )
    (tmp_path / "profiles.yml").write_text(
        f"boot: {{target: dev, outputs: {{dev: {{type: duckdb, path: '{tmp_path}/boot.duckdb', threads: 1}}}}}}\n",
        encoding="utf-8",
    )
    (tmp_path / "models" / "answer.sql").write_text("select 42 as answer", encoding="utf-8")
    where = ["--project-dir", str(tmp_path), "--profiles-dir", str(tmp_path), "--quiet"]
    result = dbtRunner().invoke(["run", *where, "--log-path", str(tmp_path / "logs"), "--target-path", str(tmp_path)])
    assert result.success, result.exception
    with duckdb.connect(str(tmp_path / "boot.duckdb")) as connection:
        assert connection.execute("SELECT answer FROM answer").fetchone() == (42,)


def test_frames_pass_between_polars_arrow_duckdb_and_parquet(tmp_path: Path) -> None:
    import polars as pl
    import pyarrow.parquet as pq

    frame = pl.DataFrame({"bar": [1, 2, 3], "close": [0.1, None, 0.3]})
    frame.write_parquet(tmp_path / "bars.parquet", compression="zstd")
    assert pl.DataFrame(pq.read_table(tmp_path / "bars.parquet")).equals(frame)
    table = frame.to_arrow()
    with duckdb.connect() as connection:
        connection.register("bars", table)
        assert connection.execute("SELECT * FROM bars").pl().equals(frame)


def test_numba_compiles_a_kernel() -> None:
    import numba

    def total(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        result = 0.0
        for value in values:
            result += value
        return result

    compiled: Callable[..., float] = numba.njit()(total)
    assert compiled(np.arange(10.0)) == 45.0


def test_scikit_learn_fits_a_separable_line() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = np.linspace(-1, 1, 40).reshape(-1, 1)
    labels = (features[:, 0] > 0).astype(int)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(features, labels)
    assert model.score(features, labels) == 1.0


def test_zstandard_round_trips() -> None:
    import zstandard

    body = b"open_time,open,high,low,close\n" * 1000
    packed = zstandard.ZstdCompressor(level=3).compress(body)
    assert len(packed) < len(body) / 10
    assert zstandard.ZstdDecompressor().decompress(packed) == body


def test_rich_and_typer_draw_and_parse() -> None:
    import typer
    from rich.console import Console
    from rich.progress import Progress
    from typer.testing import CliRunner

    screen = io.StringIO()
    with Progress(console=Console(file=screen, force_terminal=True)) as bar:
        bar.add_task("booting", total=1)
    assert "booting" in screen.getvalue()
    app = typer.Typer()

    @app.command()
    def twice(number: int) -> None:
        typer.echo(2 * number)

    assert CliRunner().invoke(app, ["21"]).output == "42\n"


def test_settings_libraries_read_yaml_and_check_types() -> None:
    import yaml
    from pydantic import ValidationError

    from assay.settings import Settings

    assert Settings.model_validate(yaml.safe_load("lake: {threads: 3}")).lake.threads == 3
    with pytest.raises(ValidationError):
        Settings.model_validate({"lake": {"threads": "x"}})


def test_oracles_of_the_tests_start() -> None:
    import psutil
    import talib

    assert talib.EMA(np.array([1.0, 2.0, 3.0, 4.0]), timeperiod=3).tolist()[2:] == [2.0, 3.0]
    assert psutil.Process().memory_info().rss > 0


def test_django_answers_below_fastapi_in_one_process(tmp_path: Path) -> None:
    """In a process of its own: Django is configured once a process."""
    script = """
import sys
from django.conf import settings
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", SECRET_KEY="boot")
import django
django.setup()
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("page/", lambda request: HttpResponse("a page"))]
from fastapi import FastAPI
from fastapi.testclient import TestClient
app = FastAPI()
app.get("/route")(lambda: {"answer": 42})
app.mount("/", get_asgi_application())
with TestClient(app) as client:
    assert client.get("/route").json() == {"answer": 42}
    assert client.get("/page/").text == "a page"
print("both")
"""
    words = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert (done.stdout, done.returncode) == ("both\n", 0), done.stderr


@pytest.mark.parametrize(
    ("package", "file", "says"),
    [
        ("litecharts", "js/lightweight-charts.js", "TradingView Lightweight Charts™ v5."),
        ("django_htmx", "static/django_htmx/htmx-2.min.js", "htmx"),
    ],
)
def test_scripts_of_the_pages_come_in_packages(package: str, file: str, says: str) -> None:
    script = importlib.resources.files(package).joinpath(*file.split("/")).read_text(encoding="utf-8")
    assert says in script[:2_000]


def test_metrics_are_written_as_prometheus_reads_them() -> None:
    from prometheus_client import CollectorRegistry, Counter, generate_latest

    registry = CollectorRegistry()
    Counter("asked", "Questions", ["route"], registry=registry).labels("/klines").inc()
    assert 'asked_total{route="/klines"} 1.0' in generate_latest(registry).decode()


def test_chromium_runs_a_script_and_axe_looks_at_the_page() -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        if "CI" in os.environ:
            pytest.fail("Chromium is not installed")
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_content("<html lang=en><title>boot</title><main><h1>boot</h1><img src='data:,'></main>")
        assert page.evaluate("6 * 7") == 42
        assert "image-alt" in {one["id"] for one in Axe().run(page).response["violations"]}
        browser.close()
