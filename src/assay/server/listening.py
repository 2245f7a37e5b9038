"""Where the server answers: taken first, so that a port in use is known before anything that takes long."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.domain.errors import BadInputError, SettingsError

if TYPE_CHECKING:
    from assay.settings import ServeSettings

BACKLOG = 1_024
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where it listens, not where it is called


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that listens; `port` is the one that was taken if any free one was asked for."""

    socket: socket.socket
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host = _ANYWHERE.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def listen(settings: ServeSettings) -> Listener:
    """Take the address and port of the settings.

    Raises
    ------
    SettingsError
        If the settings do not fit together (:func:`check_exposure`).
    BadInputError
        If the port is taken or may not be used, or the address is not this machine's.
    """
    check_exposure(settings)
    host, port = settings.host, settings.port
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _refused(error, f"{host}:{port}") from error
    return Listener(listener, host, listener.getsockname()[1])


def check_exposure(settings: ServeSettings) -> None:
    """Refuse a server that others can reach without a name of its own, and one that would show half of itself.

    Raises
    ------
    SettingsError
    """
    if not settings.is_loopback and not (settings.public_url or settings.allowed_hosts):
        todo = "set serve.public_url (or serve.allowed_hosts) to the name people will call it by"
        raise SettingsError("others can reach this address", value=settings.host, todo=todo)
    if settings.require_keys and not settings.needs_login:
        todo = "leave serve.require_login out: pages would show what the API refuses"
        raise SettingsError("serve.require_keys needs logins", value="serve.require_login=false", todo=todo)


def _refused(error: OSError, where: str) -> BadInputError:
    if error.errno == errno.EADDRINUSE:
        return BadInputError("the port is taken", value=where, todo="choose another --port, or 0 for any that is free")
    if error.errno in (errno.EACCES, errno.EPERM):
        return BadInputError("the port may not be used", value=where, todo="choose a --port from 1024 on")
    return BadInputError("cannot listen there", value=where, todo=f"choose another --host ({error.strerror or error})")
