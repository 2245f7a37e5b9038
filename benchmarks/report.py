"""The table of figures, as JSON for programs and as Markdown for people."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.harness import Figure

_SHOWN_VERSIONS = ("duckdb", "dbt-core", "polars", "numpy", "numba")


def conditions(*, is_quick: bool) -> dict[str, object]:
    """Return what a reader has to know about the run; nothing that tells one machine's name from another's."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
        "is_quick": is_quick,
        "versions": {name: importlib.metadata.version(name) for name in ("assay", *_SHOWN_VERSIONS)},
    }


def write(folder: Path, about: dict[str, object], figures: Sequence[Figure]) -> str:
    """Write ``bench.json`` and ``bench.md`` into the folder, and return the latter's text."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{name: _plain(value) for name, value in asdict(one).items()} | {"is_met": one.is_met} for one in figures]
    document = {"conditions": about, "figures": rows}
    (folder / "bench.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = markdown(about, figures)
    (folder / "bench.md").write_text(text, encoding="utf-8")
    return text


def markdown(about: dict[str, object], figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table under a line about the run."""
    versions = about["versions"]
    assert isinstance(versions, dict)
    made = ", ".join(f"{name} {version}" for name, version in versions.items())
    size = "quick (small sizes)" if about["is_quick"] else "full sizes"
    lines = [
        f"{size}; {about['machine']}, {about['cpus']} CPUs, load {about['load_before']} at the start; "
        f"Python {about['python']}, {made}",
        "",
        "| id | work | subject | peer | median, least to most | goal | |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in figures:
        beside = f"{one.peer}: {_seconds(one.peer_s)}" if one.peer else ""
        value = f"{_number(one.value)} {one.unit} ({_number(one.low)} to {_number(one.high)})"
        goal = "" if one.goal is None else f"≤ {one.goal:g} {one.unit}"
        verdict = {None: "", True: "met", False: "missed"}[one.is_met]
        subject = f"{one.subject}: {_seconds(one.subject_s)}"
        lines.append(f"| {one.id} | {one.work} | {subject} | {beside} | {value} | {goal} | {verdict} |")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3g}"


def _seconds(value: float) -> str:
    return f"{value * 1e3:.2f} ms" if value < 1 else f"{value:.2f} s"


def _plain(value: object) -> object:
    """Return what JSON has a word for."""
    return None if isinstance(value, float) and math.isnan(value) else value
