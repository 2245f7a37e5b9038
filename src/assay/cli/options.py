"""What the commands share: the options in front of the command, and ``--json`` behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from assay.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
"""Every command takes it, and prints exactly one document on stdout then, also when it fails."""

AsOf = Annotated[str, typer.Option(help="Only what had been received at this moment (UTC).")]
AvailableAt = Annotated[str, typer.Option(help="Only what a system that ran at this moment (UTC) would have had.")]
"""Commands that read the lake take both; what each of them leaves out is in docs/concepts/time.md."""


def moment_of(text: str) -> datetime | None:
    """Return the moment an option says, in UTC; None if it was not given."""
    from assay.domain.interval import parse_moment  # noqa: PLC0415  # only where one is given

    return parse_moment(text) if text else None


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """What stood in front of the command."""

    home: Path | None
    settings_file: Path | None

    def settings(self, **arguments: object) -> Settings:
        """Read the settings and set up logging by them.

        `arguments` are settings given as options of the command, with ``__`` for the dot; ``None`` is not given.
        """
        from assay.cli import logs  # noqa: PLC0415
        from assay.settings import load_settings  # noqa: PLC0415  # pydantic costs start-up time

        given = {name.replace("__", "."): value for name, value in arguments.items()}
        settings = load_settings({"home": self.home, **given}, file=self.settings_file)
        logs.set_up(settings.log_level)
        return settings


def options_of(context: typer.Context) -> GlobalOptions:
    """Return what stood in front of the command."""
    options = context.find_object(GlobalOptions)
    assert options is not None, "the callback of app.py sets it before any command runs"
    return options


def author_of(given: str) -> str:
    """Return who does this: the name that was given, or the login."""
    import getpass  # noqa: PLC0415  # only where somebody signs

    from assay.domain.errors import BadInputError  # noqa: PLC0415

    if given.strip():
        return given.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # a container without that user
        raise BadInputError("nobody knows who you are", todo="say it with --by NAME") from error
