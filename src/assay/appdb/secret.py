"""The secret that signs sessions: made once in a home, for its owner's eyes only."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from assay.domain.errors import StorageError

if TYPE_CHECKING:
    from assay.lake.home import Home

_BYTES = 48


def home_secret(home: Home) -> str:
    """Return the secret of the home, made when it is asked for first; asked by many at once, one answer stands.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    path = home.root / "secret.key"
    half = path.with_name(f".secret.key.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        if not path.exists():
            descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(descriptor, secrets.token_urlsafe(_BYTES).encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            try:
                os.link(half, path)
            except FileExistsError:
                pass  # another process was first
            finally:
                half.unlink()
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        todo = "check the permissions of the home, or set serve.secret_key"
        raise StorageError("the home's secret cannot be read or made", value=path, todo=todo) from error
    if not text:
        todo = "delete it: another one is made, and everybody has to log in again"
        raise StorageError("the home's secret is empty", value=path, todo=todo)
    return text
