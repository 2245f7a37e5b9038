"""Static files and their addresses."""

from __future__ import annotations

import hashlib

import pytest

from assay.web.assets import MOUNTS, asset_path, asset_url


@pytest.mark.parametrize(
    "name",
    ["assay/app.css", "assay/theme.js", "vendor/htmx.min.js", "vendor/lightweight-charts.js", "admin/css/base.css"],
)
def test_address_ends_in_the_hash_of_what_is_in_the_file(name: str) -> None:
    path = asset_path(name)
    assert path is not None
    assert asset_url(name) == f"/static/{name}?v={hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "assay",
        "assay/",
        "assay/../../configure.py",
        "vendor/../assay/app.css",
        "/etc/passwd",
        "assay/gone.css",
        "assay/" + "a" * 5_000,
    ],
)
def test_nothing_else_is_served(name: str) -> None:
    assert asset_path(name) is None
    with pytest.raises(FileNotFoundError):
        asset_url(name)


def test_every_mount_is_there() -> None:
    assert [address for address, path in MOUNTS.items() if not path.exists()] == []
