"""Reading the settings: an argument wins over the environment, which wins over the YAML file, which wins over defaults.

A key that nobody knows stops the program and names the nearest one that exists: a setting that is silently ignored
costs more than a start that fails. Secrets are masked wherever a value could be shown, errors included.

>>> load_settings({"lake.threads": 4}).lake.threads
4
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import yaml
from pydantic import SecretBytes, SecretStr, ValidationError
from pydantic_settings import EnvSettingsSource

from assay.domain.errors import SettingsError
from assay.settings.documents import load_document
from assay.settings.schema import PREFIX, Key, Settings, leaves, variable_of

NOT_SETTINGS = ("ASSAY_SETTINGS", "ASSAY_DEBUG", "ASSAY_API_KEY")
"""Variables that say how to start, not how to work: the settings file, and whether to show tracebacks."""

Source = Literal["default", "file", "environment", "argument"]
_MASK = "**********"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as it is shown to people; a secret's `value` is masked."""

    key: str
    value: object
    source: Source


def load_settings(
    arguments: Mapping[str, object] | None = None,
    *,
    file: Path | None = None,
    schema: type[Settings] = Settings,
) -> Settings:
    """Read the settings: YAML file < environment < `arguments`.

    Parameters
    ----------
    arguments : mapping of str to object, optional
        Values by dotted key (``lake.threads``); one that is ``None`` counts as not given.
    file : Path, optional
        Settings file; else ``$ASSAY_SETTINGS``, else ``<home>/assay.yaml`` if there is one.
    schema : type, default Settings
        The class to build, for programs that bring settings of their own.

    Raises
    ------
    SettingsError
        If the file cannot be read, a key is unknown, or a value is not usable.
    """
    known = {".".join(key): key for key, _ in leaves(schema)}
    given = {_known_key(name, known): value for name, value in (arguments or {}).items() if value is not None}
    environment = _read_environment(schema, known)
    home = given.get(("home",)) or environment.get(("home",)) or schema.model_fields["home"].default
    path = _settings_file(file, Path(str(home)).expanduser())
    layers: tuple[tuple[Source, Mapping[Key, object]], ...] = (
        ("file", _read_file(path, known) if path else {}),
        ("environment", environment),
        ("argument", given),
    )
    sources: dict[Key, Source] = {key: source for source, values in layers for key in values}
    try:
        settings = schema.model_validate(_nest({key: value for _, values in layers for key, value in values.items()}))
    except ValidationError as error:
        raise _bad_value(error, schema, sources, path) from None
    settings._sources = sources
    return settings


def describe(settings: Settings) -> tuple[SettingRow, ...]:
    """Return one row for each setting, in the order of the classes; secrets are masked.

    >>> [row.key for row in describe(Settings())][:2]
    ['home', 'preferred_places']
    """
    return tuple(
        SettingRow(".".join(key), _shown(_value_at(settings, key)), settings._sources.get(key, "default"))
        for key, _ in leaves(type(settings))
    )


def secret_keys(schema: type[Settings] = Settings) -> tuple[str, ...]:
    """Return the dotted keys of the settings whose values are never shown.

    >>> "serve.secret_key" in secret_keys()
    True
    """
    return tuple(".".join(key) for key, annotation in leaves(schema) if _is_secret(annotation))


def _nearest(name: str, names: Iterable[str], *, inside: str, otherwise: str) -> str:
    """Return what to do about an unknown `name`: a member if it is a group, else the closest spelling."""
    names = tuple(names)
    member = next((each for each in names if each.startswith(name + inside)), None)
    if member is not None:
        return f"it is a group; set {member} and so on"
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else otherwise


def _known_key(name: str, known: Mapping[str, Key], *, where: str = "") -> Key:
    if name not in known:
        todo = _nearest(name, known, inside=".", otherwise="docs/reference/settings.md lists them all")
        raise SettingsError(f"unknown setting{where}", value=name, todo=todo)
    return known[name]


def _read_environment(schema: type[Settings], known: Mapping[str, Key]) -> dict[Key, object]:
    """Return the values of the environment, after every ``ASSAY_`` name in it was found to be known."""
    names = (*map(variable_of, known), *NOT_SETTINGS)
    for variable in sorted(os.environ):
        name = variable.upper()
        if name.startswith(PREFIX) and name not in names:
            todo = _nearest(name, names, inside="__", otherwise="docs/reference/settings.md lists them all")
            raise SettingsError("unknown environment variable", value=variable, todo=todo)
    return dict(_flatten(EnvSettingsSource(schema)(), known))


def _settings_file(file: Path | None, home: Path) -> Path | None:
    named = file or os.environ.get("ASSAY_SETTINGS")
    if named:
        return Path(named).expanduser()
    usual = home / "assay.yaml"
    return usual if usual.exists() else None


def _read_file(path: Path, known: Mapping[str, Key]) -> dict[Key, object]:
    try:
        document = load_document(path.read_text(encoding="utf-8"), path, refuse=SettingsError)
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        # Not str(error): PyYAML quotes the line, and the line may hold a secret.
        mark = getattr(error, "problem_mark", None)
        reason = "not YAML" if mark else getattr(error, "strerror", None) or "not text"
        place = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"cannot read the settings file ({reason}{place})", value=path) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SettingsError("the settings file holds no keys", value=path, todo="write lines like `log_level: INFO`")
    values: dict[Key, object] = {}
    for key, value in _flatten(document, known, where=f" in {path}"):
        if key in values:  # in its group, and with a dot
            raise SettingsError(f"{path}: a setting stands twice", value=".".join(key), todo="keep one")
        values[key] = value
    return values


def _flatten(
    tree: Mapping[str, object], known: Mapping[str, Key], *, above: str = "", where: str = ""
) -> Iterator[tuple[Key, object]]:
    """Yield (path, value) of a nested mapping; a group that is empty or null holds nothing."""
    for name, value in tree.items():
        dotted = f"{above}{name}"
        is_group = any(key.startswith(dotted + ".") for key in known)
        if is_group and (value is None or isinstance(value, Mapping)):
            yield from _flatten(value or {}, known, above=dotted + ".", where=where)
        else:
            yield _known_key(dotted, known, where=where), value


def _nest(values: Mapping[Key, object]) -> dict[str, object]:
    tree: dict[str, object] = {}
    for key, value in values.items():
        branch = tree
        for name in key[:-1]:
            branch = branch.setdefault(name, {})  # type: ignore[assignment]  # a group's entry is always a dict
        branch[key[-1]] = value
    return tree


def _bad_value(
    error: ValidationError, schema: type[Settings], sources: Mapping[Key, Source], path: Path | None
) -> SettingsError:
    """Turn the first thing pydantic found into one line: which key, from where, which value, what is expected."""
    first = error.errors(include_url=False)[0]
    annotations = dict(leaves(schema))
    found = tuple(str(part) for part in first["loc"])
    key = next((found[:length] for length in range(len(found), 0, -1) if found[:length] in annotations), found)
    name = ".".join(key)
    where = {"file": f" in {path}", "environment": f" in {variable_of(name)}"}.get(sources.get(key, "default"), "")
    value = _MASK if _is_secret(annotations.get(key)) else first["input"]
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return SettingsError(f"bad value for {name}{where}", value=value, todo=expected)


def _is_secret(annotation: object) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(_is_secret(part) for part in get_args(annotation))


def _value_at(settings: Settings, key: Key) -> object:
    value: object = settings
    for name in key:
        value = getattr(value, name)
    return value


def _shown(value: object) -> object:
    if isinstance(value, SecretStr | SecretBytes):
        return _MASK
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
