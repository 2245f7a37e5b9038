"""Where every static file comes from, and the address under which a browser may keep it for ever.

Nothing is fetched from anybody else's server: the chart libraries and HTMX are files of installed packages.

>>> asset_path("assay/app.css").name
'app.css'
>>> asset_path("assay/../../configure.py") is None
True
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

STATIC_URL = "/static/"
_IMPORT = re.compile(rb'(from ")\./([\w-]+\.js)(")')


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
        "vendor/plotly.min.js": _package("plotly") / "package_data" / "plotly.min.js",
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
    return f"{STATIC_URL}{name}?v={_hash(path, modified_ns(path))}"


def modified_ns(path: Path) -> int:
    """Return when what is served of a static file last changed: a module names the versions of those it imports."""
    files = path.parent.glob("*.js") if _is_module(path) else (path,)
    return max(file.stat().st_mtime_ns for file in files)


def asset_body(path: Path) -> bytes:
    """Return what is served of a static file.

    The imports of the site's own modules get the hashes of what they import, and so on down; an address therefore
    changes whenever anything behind it does. Modules do not import one another in a circle.
    """
    body = path.read_bytes()
    if not _is_module(path):
        return body
    return _IMPORT.sub(lambda found: found[1] + _versioned(path, found[2].decode()) + found[3], body)


def _is_module(path: Path) -> bool:
    return path.suffix == ".js" and path.parent == MOUNTS["assay"]


def _versioned(path: Path, name: str) -> bytes:
    imported = path.parent / name
    return f"./{name}?v={_hash(imported, modified_ns(imported))}".encode()


@lru_cache(maxsize=256)
def _hash(path: Path, _modified_ns: int) -> str:
    return hashlib.sha256(asset_body(path)).hexdigest()[:12]


@lru_cache(maxsize=1)
def plotly_style_marks() -> tuple[str, ...]:
    """Return the ids of the style elements that Plotly's bundle adds to a page unless an element has that id already.

    They belong to its maps. The site's policy forbids inline styles, and pages without maps do not miss them.
    """
    bundle = MOUNTS["vendor/plotly.min.js"].read_text(encoding="utf-8")
    return tuple(sorted(set(re.findall(r'getElementById\("([0-9a-f]{64})"\)', bundle))))
