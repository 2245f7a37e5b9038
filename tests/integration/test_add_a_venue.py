"""The how-to adds a venue as it says: its blocks, put where they say, pass the contract, and spoiled they do not."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "add-a-venue.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
COMMAND = re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of the project as far as the contract needs it, with the page's files in it."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests" / "contract").mkdir(parents=True)
    for name in (
        "conftest.py",
        "pyproject.toml",
        "tests/contract/venue_checks.py",
        "tests/contract/test_venue_contract.py",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def run_in(tree: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the page's command in the tree."""
    program, *arguments = shlex.split(COMMAND[0])
    assert program == "pytest"
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", program, *arguments, "-p", "no:cacheprovider", *more],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_page_shows_the_three_files_and_one_command() -> None:
    assert [Path(name).name for name in FILES] == ["__init__.py", "spec.py", "parse.py"]
    assert len(COMMAND) == 1


def test_venue_of_the_page_passes_the_contract(tree: Path) -> None:
    done = run_in(tree, "-rA")
    assert done.returncode == 0, done.stdout[-3_000:]
    passed = re.findall(r"^PASSED .*\[toy-(\w+)\]|^PASSED .*::(test_\w+)\[toy\]", done.stdout, flags=re.MULTILINE)
    assert len(passed) > 12, done.stdout[-3_000:]


def test_venue_of_the_page_can_be_fetched_from(tree: Path) -> None:
    script = """
from datetime import UTC, datetime
from assay.pipelines.ingesting import Wanted, plan_ingest
from assay.settings import Settings
now = datetime(2024, 5, 1, tzinfo=UTC)
for words in (("toy",), ("toy:klines",)):
    (venue,) = plan_ingest(Settings(), Wanted(words, ("BTC-USDT",), ("1h",)), now).venues
    print(*(one.series for one in venue.series))
print(*(one.spec.name for one in plan_ingest(Settings(), Wanted(), now).venues))
"""
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tree, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.stdout == "toy:spot:BTC-USDT:1h\n" * 2 + "binance coingecko wazirx\n", done.stderr


def test_mistake_in_the_page_would_be_noticed(tree: Path) -> None:
    parse = tree / "src" / "assay" / "venues" / "toy" / "parse.py"
    text = parse.read_text(encoding="utf-8")
    spoiled = text.replace('"close": tables.numbers(row.close', '"close": tables.numbers(row.volume')
    assert spoiled != text
    parse.write_text(spoiled, encoding="utf-8")
    done = run_in(tree, "-k", "toy and samples_are_read_whole")
    assert done.returncode == 1, done.stdout[-3_000:]


def test_files_of_the_page_are_typed_and_formatted_like_the_rest(tree: Path) -> None:
    toy = str(tree / "src" / "assay" / "venues" / "toy")
    for command in (["ruff", "check"], ["ruff", "format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", *command, toy], cwd=tree, capture_output=True, text=True, timeout=600
        )
        if "No module named" in done.stderr:
            pytest.skip("ruff is not installed here")
        assert done.returncode == 0, done.stdout
