"""Every command keeps the same promises."""

from __future__ import annotations

import pytest
from typer.main import get_command

from assay.cli.app import build
from tests.structure.commands import leaves

COMMANDS = leaves(get_command(build()))


def test_there_are_commands() -> None:
    assert {"config show", "version"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_json_and_a_help_sentence(name: str) -> None:
    command = COMMANDS[name]
    assert "--json" in {option for parameter in command.params for option in parameter.opts}
    assert command.help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_explained(name: str) -> None:
    silent = [
        parameter.opts[0]
        for parameter in COMMANDS[name].params
        if parameter.opts[0].startswith("-") and not getattr(parameter, "help", None)
    ]
    assert silent == []
