"""The docs cover every setting and every command, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from assay.cli.app import build
from assay.settings import Settings, describe, variable_of
from tests.structure.commands import leaves

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "dbt").rglob("*.md")])
COMMANDS = leaves(get_command(build()))
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
FENCED = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)


def broken_links(page: Path) -> list[str]:
    """Return the links of `page` that lead to no file of the tree, or to no heading of one."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    found = []
    for target, anchor in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        file = page.parent / target if target else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            found.append(f"{target}#{anchor}" if anchor else target)
    return found


def anchors(page: Path) -> set[str]:
    """Return the names by which a link can reach the headings of `page`."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_the_page_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A heading\n[a](gone.md) [b](#a-heading) [c](#other) [d](https://x.org)\n", encoding="utf-8")
    assert broken_links(page) == ["gone.md", "#other"]


@pytest.mark.parametrize("row", describe(Settings()), ids=lambda row: row.key)
def test_setting_is_explained_with_its_variable_and_default(row: object) -> None:
    key = getattr(row, "key", "")
    text = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    assert f"| `{key}` | `{variable_of(key)}` |" in text


def test_settings_page_names_no_setting_that_is_gone() -> None:
    text = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([a-z0-9_.]+)` \|", text, flags=re.MULTILINE)
    assert named == [row.key for row in describe(Settings())]


def test_command_page_has_a_section_for_every_command_with_every_option() -> None:
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## `assay ([a-z -]+)`\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL))
    assert set(sections) == set(COMMANDS)
    missing = [
        f"{name} {option}"
        for name, command in COMMANDS.items()
        for option in sorted({option for parameter in command.params for option in parameter.opts})
        if option.startswith("--") and option not in ("--json", "--help") and f"`{option}" not in sections[name]
    ]
    assert missing == []


def test_every_model_of_dbt_has_its_description_beside_it() -> None:
    models = sorted((ROOT / "dbt" / "models").rglob("*.sql"))
    if not models:
        pytest.skip("there is no dbt model yet")
    assert [str(path.relative_to(ROOT)) for path in models if not path.with_suffix(".yml").exists()] == []


def test_every_decision_says_context_choice_rejected_and_consequence() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        headings = re.findall(r"^## (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert headings == ["Context", "Choice", "Rejected", "Consequence"], path.name
