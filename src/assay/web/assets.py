"""Where every static file comes from, and the address under which a browser may keep it for ever.

Nothing is fetched from anybody else's server: the chart library and HTMX are files of installed packages.

>>> asset_path("assay/app.css").name
'app.css'
>>> asset_path("assay/../../configure.py") is None
True
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

STATIC_URL = "/static/"


def _package(name: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {name}")
    return Path(spec.submodule_search_locations[0])


def _mounts() -> dict[str, Path]:
    htmx = _package("django_htmx") / "static" / "django_htmx" / "htmx-2.min.js"
    return {
        "assay": Path(__file__).parent / "static" / "assay",
        "admin": _package("django") / "contrib" / "admin" / "static" / "admin",
        "vendor/lightweight-charts.js": _package("litecharts") / "js" / "lightweight-charts.js",
        "vendor/htmx.min.js": htmx,
    }


MOUNTS: dict[str, Path] = _mounts()
"""Address below ``/static/`` → folder, or single file."""


def asset_path(name: str) -> Path | None:
    """Return the file behind ``/static/<name>``, or None if there is no such file."""
    for address, path in MOUNTS.items():
        if name == address and path.is_file():
            return path
        if name.startswith(f"{address}/"):
            try:
                found = (path / name[len(address) + 1 :]).resolve()
                return found if found.is_relative_to(path.resolve()) and found.is_file() else None
            except OSError:  # a name longer than any file's
                return None
    return None


def asset_url(name: str) -> str:
    """Return the address of a static file with the hash of what is in it, so that a browser never shows an old one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    path = asset_path(name)
    if path is None:
        raise FileNotFoundError(f"no static file {name}")
    return f"{STATIC_URL}{name}?v={_hash(path, path.stat().st_mtime_ns)}"


@lru_cache(maxsize=256)
def _hash(path: Path, _modified_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
