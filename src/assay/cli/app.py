"""The program as a whole: the options in front of the command, and the list of the modules that bring commands.

A new command: a module here with a function (typed parameters, ``as_json: AsJson = False``, a docstring that is its
help) and a ``register(app)`` at its end; its module in ``MODULES``, and in ``OTHER_NAMES`` the name of a command that
is called otherwise; a section in docs/reference/cli.md. Import pipelines and selectors inside the function, never at
the top: ``assay --help`` answers in under 0.3 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from assay import __version__
from assay.cli.options import GlobalOptions

MODULES = (
    "demo",
    "run",
    "predict",
    "client",
    "ingest",
    "backfill",
    "coverage",
    "importing",
    "lake",
    "rebuild",
    "maintain",
    "backup",
    "export",
    "features",
    "audit",
    "train",
    "evaluate",
    "models",
    "backtest",
    "backtests",
    "klines",
    "reconcile",
    "quarantine",
    "sandbox",
    "serve",
    "keys",
    "config",
    "prepare",
    "version",
)
"""Modules of this package with a ``register(app)``, in the order of the help text."""
OTHER_NAMES = {
    "follow": "demo",
    "gaps": "coverage",
    "heal": "coverage",
    "import": "importing",
    "build": "lake",
    "query": "lake",
    "status": "lake",
    "restore": "backup",
    "instruments": "reconcile",
    "users": "keys",
}
"""Modules of the commands that are not called as their module is."""


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"assay {__version__}")
        raise typer.Exit


def start(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Where everything lives; else $ASSAY_HOME, else ~/.assay.")] = None,
    settings: Annotated[
        Path | None, typer.Option(help="Settings file; else $ASSAY_SETTINGS, else assay.yaml in the home.")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Assay: a crypto-market platform whose numbers can be proven."""
    context.obj = GlobalOptions(home, settings)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def build(modules: Sequence[str] = MODULES) -> typer.Typer:
    """Return the program with the commands of all modules, or of some."""
    # Typer's rich help doubles the start-up time; its pretty tracebacks are not for a person who mistyped a path.
    app = typer.Typer(name="assay", add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True)(start)
    for name in modules:
        import_module(f"assay.cli.{name}").register(app)
    return app


# Made once: whoever runs several commands in one process has them at once.
_program = cache(lambda modules: typer.main.get_command(build(modules)))


def modules_for(words: Sequence[str]) -> Sequence[str]:
    """Return the modules that `words` need: one, if they begin with a command; all take a tenth of a second to load."""
    first = words[0] if words else ""
    module = OTHER_NAMES.get(first, first)
    return (module,) if module in MODULES else MODULES


def run(words: Sequence[str]) -> int:
    """Parse `words`, run the command and return its exit code; whatever goes wrong is raised."""
    command = _program(modules_for(words))
    try:
        with command.make_context("assay", list(words)) as context:
            command.invoke(context)
    except typer.Exit as stop:
        return stop.exit_code
    return 0
