"""``assay prepare``: what every new home would do by itself, done once for the installation."""

from __future__ import annotations

from dataclasses import asdict

import typer

from assay.cli.options import AsJson
from assay.cli.progress import working
from assay.cli.render import emit


def prepare(as_json: AsJson = False) -> None:
    """Compile, once for this installation, what every new home would compile; `make install` does it."""
    from assay.pipelines.preparing import prepare_installation  # noqa: PLC0415

    with working("compiling"):
        made = prepare_installation()
    text = f"compiled in {made.seconds:.0f} s; new homes begin with it ({made.size_bytes / 1e6:.1f} MB)"
    emit(asdict(made), as_json=as_json, text=lambda: text)


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(prepare)
