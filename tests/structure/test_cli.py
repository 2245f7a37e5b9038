"""Every command keeps the same promises."""

from __future__ import annotations

import pytest
from typer.main import get_command

from assay.cli.app import MODULES, build, modules_for
from tests.structure.commands import leaves

COMMANDS = leaves(get_command(build()))


def test_there_are_commands() -> None:
    assert {"config show", "version"} <= set(COMMANDS)


@pytest.mark.parametrize("name", sorted({name.split()[0] for name in COMMANDS}))
def test_the_one_module_that_a_command_loads_is_its_own(name: str) -> None:
    (module,) = modules_for([name, "--json"])
    assert module in MODULES
    alone = leaves(get_command(build([module])))
    assert {one for one in COMMANDS if one.split()[0] == name} <= set(alone)


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
