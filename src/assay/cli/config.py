"""``assay config``: which settings are in force, and where each comes from."""

from __future__ import annotations

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.render import emit, table

commands = typer.Typer(help="Settings.", rich_markup_mode=None)


@commands.callback()
def config() -> None:
    """Show the settings."""


@commands.command()
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Show every setting, its value and its source (default, file, environment, argument); secrets are masked."""
    from assay.settings import describe  # noqa: PLC0415  # pydantic costs start-up time

    rows = describe(options_of(context).settings())
    document = {row.key: {"value": row.value, "source": row.source} for row in rows}
    emit(
        document,
        as_json=as_json,
        text=lambda: table(("setting", "value", "source"), [(row.key, _text(row.value), row.source) for row in rows]),
    )


def _text(value: object) -> str:
    if value is None:
        return "-"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(commands, name="config")
