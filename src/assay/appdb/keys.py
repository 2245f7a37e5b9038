"""Keys of the API: made, found by what a request brings, revoked. Django has to be configured before this is used."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from assay.domain.errors import BadInputError

if TYPE_CHECKING:
    from assay.appdb.models import ApiKey

READ = "read"
SCOPES = (READ,)
_MARK = "assay_"
_RANDOM_BYTES = 32
_SHOWN = 12
_LONGEST = 200
_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be shown of a key."""

    prefix: str
    name: str
    scopes: tuple[str, ...]
    per_minute: int
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


def create_key(
    name: str, now: datetime, *, scopes: tuple[str, ...] = SCOPES, per_minute: int = 600
) -> tuple[str, KeyInfo]:
    """Make a key; return it, which nobody can do again, and what is kept of it.

    Raises
    ------
    BadInputError
        If the name is empty or too long, or a scope is unknown.
    """
    from assay.appdb.models import ApiKey  # noqa: PLC0415  # Django has to be configured before

    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise BadInputError("not a name for a key", value=name, todo="say in 1 to 100 characters whose it is")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise BadInputError("unknown scope", value=" ".join(unknown), todo=f"there is {', '.join(SCOPES)}")
    if not 1 <= per_minute <= 1_000_000:
        raise BadInputError("not a limit", value=per_minute, todo="give 1 to 1,000,000 requests a minute")
    token = _MARK + secrets.token_urlsafe(_RANDOM_BYTES)
    row = ApiKey.objects.create(
        name=name.strip(),
        prefix=token[:_SHOWN],
        digest=digest_of(token),
        scopes=" ".join(scopes),
        per_minute=per_minute,
        created_at=now,
    )
    return token, _info(row)


def list_keys() -> tuple[KeyInfo, ...]:
    """Return all keys, the newest first, the revoked ones included."""
    from assay.appdb.models import ApiKey  # noqa: PLC0415

    return tuple(map(_info, ApiKey.objects.all()))


def revoke_key(prefix: str, now: datetime) -> KeyInfo:
    """Revoke the key that begins so; revoking it again changes nothing.

    Raises
    ------
    BadInputError
        If there is none, or more than one.
    """
    from assay.appdb.models import ApiKey  # noqa: PLC0415

    rows = list(ApiKey.objects.filter(prefix__startswith=prefix)[:2]) if prefix else []
    if len(rows) != 1:
        what = "more than one key begins so" if rows else "no key begins so"
        raise BadInputError(what, value=prefix, todo="`assay keys list` shows how each begins")
    if rows[0].revoked_at is None:
        rows[0].revoked_at = now
        rows[0].save(update_fields=["revoked_at"])
    return _info(rows[0])


def find_key(token: str, now: datetime) -> KeyInfo | None:
    """Return the key that a request brought, or None if it is unknown or revoked; its use is noted, now and then.

    The digest is looked up in an index: what the time of that could tell is about digests, from which no key can be
    worked out. It is compared once more in constant time.
    """
    from assay.appdb.models import ApiKey  # noqa: PLC0415

    if not token.startswith(_MARK) or len(token) > _LONGEST:
        return None
    digest = digest_of(token)
    row = ApiKey.objects.filter(digest=digest, revoked_at=None).first()
    if row is None or not secrets.compare_digest(row.digest, digest):
        return None
    if row.last_used_at is None or now - row.last_used_at >= _USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now)
    return _info(row)


def digest_of(token: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(token.encode("utf-8", errors="replace")).hexdigest()


def _info(row: ApiKey) -> KeyInfo:
    return KeyInfo(
        row.prefix, row.name, tuple(row.scopes.split()), row.per_minute, row.created_at, row.revoked_at,
        row.last_used_at,
    )  # fmt: skip
