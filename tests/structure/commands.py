"""The commands of the program, found by walking it.

Typer carries its command classes under a private name, so a command is known here by the attributes it has.
"""

from __future__ import annotations

from typing import Any


def leaves(group: Any, above: str = "") -> dict[str, Any]:  # noqa: ANN401  # see above
    """Return every command that does something, by its full name; `group` is what typer.main.get_command returns."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        full = f"{above} {name}".strip()
        found |= leaves(command, full) if hasattr(command, "commands") else {full: command}
    return found
