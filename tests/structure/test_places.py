"""Only the lake itself knows which parts of it lie in the home: everybody else asks for the place by its name."""

from __future__ import annotations

import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "assay"
AT_HOME = re.compile(r"\bhome\.(bronze|tables|catalog|writer_lock)\b")
THEY_KNOW = {"lake/home.py", "lake/catalog.py", "lake/lock.py", "lake/version.py", "pipelines/dbt.py"}
OF_THE_HOME_ITSELF = {"pipelines/rebuilding.py", "pipelines/backing_up.py"}


def test_nobody_takes_the_homes_own_directories_for_the_places_of_the_lake() -> None:
    texts = {str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}
    found = {name for name, text in texts.items() if AT_HOME.search(text)}
    assert "lake/catalog.py" in found
    assert found - THEY_KNOW <= OF_THE_HOME_ITSELF, "home.bronze_store, home.tables_at, writer_lock(home)"
