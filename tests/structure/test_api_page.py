"""The page on the API names every route, every status and every metric there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assay.api.app import create_api
from assay.api.metrics import Metrics
from assay.api.problems import TYPES
from assay.pipelines.workspace import open_workspace
from assay.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text(encoding="utf-8")


def test_page_has_a_row_for_every_route_and_none_more(tmp_path: Path) -> None:
    app = create_api(open_workspace(Settings(home=tmp_path / "home")), Metrics())
    named = re.findall(r"^\| `(/[^`]*)` \|", PAGE, flags=re.MULTILINE)
    assert sorted(named) == sorted(app.openapi()["paths"])


def test_page_has_a_row_for_every_metric() -> None:
    named = set(re.findall(r"^\| `(assay_\w+)(?:\{[^`]*\})?` \|", PAGE, flags=re.MULTILINE))
    families = {family.name: family.type for family in Metrics().registry.collect()}
    assert named == {name + ("_total" if kind == "counter" else "") for name, kind in families.items()}


@pytest.mark.parametrize("kind", TYPES)
def test_every_kind_of_problem_is_explained_in_a_sentence(kind: str) -> None:
    assert re.fullmatch(r"[a-z-]+", kind)
    assert re.fullmatch(r"[A-Z].*\.", TYPES[kind])
