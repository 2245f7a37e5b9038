"""The reference of the indicators is what the code writes, and its pictures show what the Steps compute."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from assay.features.drivers import run_batch
from assay.features.families import FAMILIES
from assay.features.indicators.ema import Ema
from assay.features.indicators.levels import Levels
from assay.features.indicators.rsi import Rsi
from assay.features.registry import STEPS
from assay.pipelines.indicator_pages import pages, write_pages
from assay.pipelines.indicator_pictures import SHOWN, draw, made_bars, run_plainly
from tests.unit.features.made_bars import walk

FOLDER = Path(__file__).parents[3] / "docs" / "reference" / "indicators"


def test_pages_in_the_tree_are_what_the_code_writes() -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    wanted = pages()
    assert sorted(there) == sorted(wanted), "run `make docs`"
    assert [name for name, text in wanted.items() if there[name] != text] == [], "run `make docs`"


def test_every_step_has_its_columns_and_its_picture_on_the_page_of_its_family() -> None:
    for family in FAMILIES:
        page = pages()[f"{family.name}.md"]
        for step in (STEPS[name]() for name in family.steps):
            assert f"\n## {step.docs.title}\n" in page
            assert f"({step.name}.svg)" in page
            assert [one for one in step.outputs if f"\n| `{one}` |" not in page] == []


def test_what_a_parameter_takes_is_said_as_the_step_refuses_the_rest() -> None:
    assert "| `factor` | `2` | a number from 0.01 to 100 |" in pages()["volatility.md"]


def test_history_of_a_window_is_its_length_and_that_of_a_total_has_no_end() -> None:
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", _all_text(), flags=re.M | re.S))
    told = {title: re.findall(r"^- \*\*History\*\*: (.*)$", text, flags=re.M) for title, text in sections.items()}
    assert told["Simple moving average"] == ["the last 20 bars"]
    assert told["On-balance volume"] == ["all of it: the balance counts from the first bar"]
    # Of a difference at the start (11 / 13)^k is left k bars later, which is a billionth after 124.
    about = re.match(r"after about (\d+) bars", told["Exponential moving average"][0])
    assert about is not None
    assert 100 <= int(about[1]) <= 140


def test_pages_of_what_is_gone_are_removed_and_other_files_stay(tmp_path: Path) -> None:
    for name in ("gone.md", "gone.svg", "notes.txt"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    written = write_pages(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", *pages()}
    assert {path.name for path in written} == set(pages())


@pytest.mark.parametrize("name", sorted(STEPS))
def test_picture_is_well_formed_small_and_asks_for_nothing_from_elsewhere(name: str) -> None:
    text = pages()[f"{name}.svg"]
    root = ElementTree.fromstring(text)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"]
    assert len(text) < 20_000
    assert not re.search(r"href|url\(|<script|nan|inf(?!ra)", text)


def test_picture_draws_a_line_where_its_values_lie() -> None:
    bars = made_bars(200)
    path = re.search(r'<path class="c0" stroke-width="1.4"[^>]* d="M([^"]*)"', draw(Rsi(14), bars))
    assert path is not None
    drawn = np.array([float(point.split()[1]) for point in path[1].split("L")])
    values = run_plainly(Rsi(14), bars)[-SHOWN:, 0]
    assert drawn.size == SHOWN
    # 70 pixels stand for 100 points and a margin of 4 % above and below; rounding is to a tenth of a pixel.
    assert np.abs(np.diff(drawn) + np.diff(values) * 70.0 / 108.0).max() < 0.11


def test_levels_are_drawn_from_the_bar_that_confirmed_them_and_joined_to_no_other() -> None:
    text = draw(Levels(), made_bars(400))
    paths = re.findall(r'<path class="c[01]" stroke-width="1.4"[^>]* d="([^"]*)"', text)
    assert paths
    assert all(re.fullmatch(r"(M[\d.]+ [\d.]+H[\d.]+)*", path) for path in paths)


def test_plain_run_gives_what_the_compiled_one_does() -> None:
    bars = walk(300)
    compiled, _ = run_batch(Ema(12), bars)
    np.testing.assert_allclose(run_plainly(Ema(12), bars), compiled, rtol=1e-12)


def _all_text() -> str:
    return "\n".join(text for name, text in pages().items() if name.endswith(".md"))
