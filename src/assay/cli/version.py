"""``assay version``: what runs here, for bug reports."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

import typer

from assay import __version__
from assay.cli.options import AsJson
from assay.cli.render import emit

PARTS = ("duckdb", "dbt-core", "dbt-duckdb", "polars", "pyarrow", "numpy", "numba", "scikit-learn")


def version(as_json: AsJson = False) -> None:
    """Show the versions of Assay, Python and the parts whose versions matter."""
    versions = {"assay": __version__, "python": platform.python_version()}
    versions |= {part: _installed(part) for part in PARTS}
    emit(versions, as_json=as_json, text=lambda: "\n".join(f"{name} {number}" for name, number in versions.items()))


def _installed(part: str) -> str:
    try:
        return version_of(part)
    except PackageNotFoundError:
        return "not installed"


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(version)
