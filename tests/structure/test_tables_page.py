"""docs/reference/tables.md names every table that dbt knows, and every column that is described beside a model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "tables.md"
SECTION = re.compile(r"^## `([a-z_.]+)`\n(.*?)(?=^## |\Z)", flags=re.MULTILINE | re.DOTALL)
INTERNAL = {"refresh"}
"""Schemas of the refresh itself; docs/concepts/refresh.md is about those."""


def described() -> Iterator[tuple[str, list[str]]]:
    """Yield each table with the columns that its yml describes."""
    for path in sorted((ROOT / "dbt" / "models").rglob("*.yml")):
        document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        for model in document.get("models", []):
            yield f"{path.parent.name}.{model['name']}", _names(model)
        for source in document.get("sources", []):
            for table in source["tables"] if source["schema"] not in INTERNAL else ():
                yield f"{source['schema']}.{table['name']}", _names(table)


def test_every_model_has_its_key_tested_or_says_where_it_is() -> None:
    untested = []
    for path in sorted((ROOT / "dbt" / "models").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            is_tested = any("unique_grain" in test for test in model.get("data_tests", []))
            elsewhere = model.get("config", {}).get("meta", {}).get("tested_as", [])
            if not is_tested and not elsewhere:
                untested.append(model["name"])
            assert set(elsewhere) <= set(dict(described())), model["name"]
    assert untested == []


def test_every_column_of_a_model_is_described_in_the_order_of_the_page() -> None:
    sections = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))
    for table, names in described():
        if names:
            assert re.findall(r"^\| `([a-z0-9_]+)` \|", sections[table], flags=re.MULTILINE) == names, table


def _names(table: dict[str, Any]) -> list[str]:
    return [column["name"] for column in table.get("columns", [])]


def test_page_has_a_section_for_every_table_with_every_described_column() -> None:
    sections = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))
    tables = dict(described())
    assert len(tables) > 5
    assert set(sections) == set(tables)
    missing = [
        f"{table}.{name}" for table, names in tables.items() for name in names if f"| `{name}` |" not in sections[table]
    ]
    assert missing == []


def test_every_section_states_the_grain() -> None:
    sections = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))
    assert [name for name, text in sections.items() if not text.lstrip().startswith("Grain: `")] == []
