"""Settings of the site and the API: where they listen, by which names they may be called, and who may read.

>>> serve = ServeSettings(public_url="https://assay.example.org/")
>>> serve.accepted_hosts
('127.0.0.1', 'localhost', '[::1]', 'assay.example.org')
>>> ServeSettings(host="0.0.0.0").needs_login
True
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic import field_validator as validates
from pydantic_settings import NoDecode

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""Names by which a browser on the same machine calls a server."""
_SHORTEST_SECRET = 50
"""Characters; Django's own check of a deployment asks for as many."""


class ServeSettings(BaseModel):
    """How the site and the API are served."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    public_url: str | None = None
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    secret_key: SecretStr | None = None
    require_keys: bool = False
    require_login: bool | None = None
    login_attempts_per_minute: Annotated[int, Field(ge=1, le=1_000)] = 5

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def needs_login(self) -> bool:
        """Whether pages are for people who have logged in.

        As set; else when others can reach the server, or when the API wants keys, since pages show the same.
        """
        if self.require_login is None:
            return self.require_keys or not self.is_loopback
        return self.require_login

    @property
    def is_secure(self) -> bool:
        """Whether people reach the server through https, so that cookies may travel that way only."""
        return self.public_url is not None and self.public_url.startswith("https:")

    @property
    def accepted_hosts(self) -> tuple[str, ...]:
        """Names that a request may call the server by; others are refused, or a stranger's page could read from it."""
        public = (_host_of(self.public_url),) if self.public_url else ()
        return tuple(dict.fromkeys((*LOOPBACK_HOSTS, *public, *self.allowed_hosts)))

    @validates("host")
    @classmethod
    def _is_a_host(cls, text: str) -> str:
        if not re.fullmatch(r"[\w.:%-]{1,253}", text, flags=re.ASCII):
            raise ValueError("write an address like 127.0.0.1, ::1 or 0.0.0.0")
        return text

    @validates("public_url")
    @classmethod
    def _is_an_address(cls, text: str | None) -> str | None:
        if text is None:
            return None
        try:
            url = urlsplit(text)
            is_usable = url.scheme in ("http", "https") and bool(url.hostname) and url.path in ("", "/")
            is_usable = is_usable and not (url.query or url.fragment or url.username)
            _ = url.port
        except ValueError:
            is_usable = False
        if not is_usable:
            raise ValueError("write an address like https://assay.example.org, without a path")
        return text.rstrip("/")

    @validates("allowed_hosts", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @validates("allowed_hosts")
    @classmethod
    def _are_hosts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not re.fullmatch(r"[a-z0-9.-]{1,253}|\[[0-9a-f:.]+\]", name, flags=re.ASCII | re.IGNORECASE):
                raise ValueError(f"write names like assay.example.org, without port or *, not {name!r}")
        return tuple(name.lower() for name in names)

    @validates("secret_key")
    @classmethod
    def _is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < _SHORTEST_SECRET:
            raise ValueError(f"at least {_SHORTEST_SECRET} characters; leave it out and one is made in the home")
        return secret


def is_loopback(host: str) -> bool:
    """Return whether an address is this machine's own.

    >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_of(url: str) -> str:
    name = urlsplit(url).hostname or ""
    return f"[{name}]" if ":" in name else name
