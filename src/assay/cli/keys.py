"""``assay keys`` and ``assay users``: who may read the API, and who may log in to the site."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.render import emit, printable, table

if TYPE_CHECKING:
    from assay.appdb.keys import KeyInfo
    from assay.pipelines.workspace import Workspace

keys_commands = typer.Typer(help="Keys of the API.", rich_markup_mode=None)
users_commands = typer.Typer(help="Accounts of the site.", rich_markup_mode=None)
_SHOWN = ("prefix", "name", "scopes", "per_minute", "created_at", "last_used_at", "revoked_at")


@keys_commands.callback()
def keys() -> None:
    """Make, list and revoke keys of the API."""


@users_commands.callback()
def users() -> None:
    """Make accounts of the site."""


@keys_commands.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose it is, or what for.")],
    per_minute: Annotated[int, typer.Option(help="Requests it may make in a minute.", min=1, max=1_000_000)] = 600,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once; only its digest is kept."""
    workspace = _with_accounts(context)
    from assay.appdb.keys import create_key  # noqa: PLC0415

    token, info = create_key(name, workspace.clock.now(), per_minute=per_minute)
    emit(
        {"key": token} | asdict(info),
        as_json=as_json,
        text=lambda: f"{token}\nIt is shown this once. Send it as `Authorization: Bearer <key>`.",
    )
    if not workspace.settings.serve.require_keys:
        print("assay: keys are not asked for until serve.require_keys is set", file=sys.stderr)


@keys_commands.command(name="list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the keys, the newest first: how each begins, whose it is, when it was used last."""
    _with_accounts(context)
    from assay.appdb.keys import list_keys  # noqa: PLC0415

    found = list_keys()
    emit([asdict(one) for one in found], as_json=as_json, text=lambda: _text(found))


@keys_commands.command()
def revoke(
    context: typer.Context,
    prefix: Annotated[str, typer.Argument(help="How the key begins, as `assay keys list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a key; a running server forgets it within seconds."""
    workspace = _with_accounts(context)
    from assay.appdb.keys import revoke_key  # noqa: PLC0415

    info = revoke_key(prefix, workspace.clock.now())
    emit(asdict(info), as_json=as_json, text=lambda: f"revoked: {info.prefix} ({printable(info.name)})")


@users_commands.command(name="create")
def create_user(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name to log in with.")],
    staff: Annotated[bool, typer.Option("--staff", help="May use /admin/ and do everything there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an account; the password is asked for, or read from stdin when that is no terminal."""
    _with_accounts(context)
    from assay.appdb.accounts import check_user_name, make_user  # noqa: PLC0415

    check_user_name(name)
    make_user(name, _password(), is_staff=staff)
    document = {"name": name, "is_staff": staff}
    emit(document, as_json=as_json, text=lambda: f"{name} can log in{' and use /admin/' if staff else ''}")


def _with_accounts(context: typer.Context) -> Workspace:
    """Open the home with its database of accounts, which is made or brought up to date first."""
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.web.configure import configure, migrate  # noqa: PLC0415  # Django costs start-up time

    workspace = open_workspace(options_of(context).settings())
    configure(workspace)
    migrate()
    return workspace


def _password() -> str:
    """Ask for a password on a terminal, else take the first line of stdin; never an argument, which others see."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def _text(found: tuple[KeyInfo, ...]) -> str:
    if not found:
        return "no keys; `assay keys create NAME` makes one"
    rows = [asdict(one) for one in found]
    return table(_SHOWN, [[_cell(row[column]) for column in _SHOWN] for row in rows])


def _cell(value: object) -> object:
    isoformat = getattr(value, "isoformat", None)
    return isoformat(sep=" ", timespec="minutes") if isoformat else value


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(keys_commands, name="keys")
    app.add_typer(users_commands, name="users")
