"""One prefix of an object store: objects that are there whole or not at all, read whole or by their end.

What S3 promises is all that is needed: a read or a listing after a write sees it, an object appears in one step, and a
PUT with ``If-None-Match: *`` fails if the name is taken, so that two writers cannot overwrite one another.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from assay.domain.errors import StorageError
from assay.lake.places import S3Access, S3Url
from assay.lake.storage import Listed

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

_TAIL_BYTES = 65_536
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class S3Folder:
    """A prefix of a bucket, and how to speak to it.

    Raises
    ------
    StorageError
        Every method, if the store cannot be reached or refuses.
    """

    url: S3Url
    access: S3Access

    def put_if_absent(self, name: str, body: bytes) -> bool:
        """Create an object; return whether it was created, False if the name is taken."""
        import obstore  # noqa: PLC0415  # only a lake on S3 needs it
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415

        with self._refusals(name):
            try:
                obstore.put(self._store(), name, body, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def put(self, name: str, body: bytes) -> None:
        """Create or replace an object in one step."""
        import obstore  # noqa: PLC0415

        with self._refusals(name):
            obstore.put(self._store(), name, body, use_multipart=False)

    def get(self, name: str) -> bytes:
        """Return an object; FileNotFoundError if there is none."""
        import obstore  # noqa: PLC0415

        with self._refusals(name):
            return bytes(obstore.get(self._store(), name).bytes())

    def get_tail(self, name: str, least: int = _TAIL_BYTES) -> bytes:
        """Return the last `least` bytes of an object, or all of it if it is shorter; FileNotFoundError if none."""
        import obstore  # noqa: PLC0415

        with self._refusals(name):
            return bytes(obstore.get(self._store(), name, options={"range": {"suffix": least}}).bytes())

    def get_range(self, name: str, start: int, length: int) -> bytes:
        """Return a part of an object; FileNotFoundError if there is none."""
        import obstore  # noqa: PLC0415

        with self._refusals(name):
            return bytes(obstore.get_range(self._store(), name, start=start, length=length))

    def modified_at(self, name: str) -> datetime | None:
        """Return when an object was last written, or None if there is none."""
        import obstore  # noqa: PLC0415

        with self._refusals(name):
            try:
                return obstore.head(self._store(), name)["last_modified"]
            except FileNotFoundError:
                return None

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        import obstore  # noqa: PLC0415

        with self._refusals(name), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store(), name)

    def remove_all(self, names: Sequence[str]) -> None:
        """Remove objects, those that are there; a request for every thousand."""
        import obstore  # noqa: PLC0415

        for first in range(0, len(names), _PAGE):
            with self._refusals(names[first]), contextlib.suppress(FileNotFoundError):
                obstore.delete(self._store(), list(names[first : first + _PAGE]))

    def names_below(self, folder: str) -> Iterator[Listed]:
        """Yield the objects whose names begin with ``folder/``; a request for every thousand."""
        import obstore  # noqa: PLC0415

        with self._refusals(folder):
            for page in obstore.list(self._store(), prefix=folder or None):
                for one in page:
                    yield Listed(one["path"], one["size"], one["last_modified"])

    def _store(self) -> S3Store:
        return _store(self.url, self.access)

    @contextlib.contextmanager
    def _refusals(self, name: str) -> Iterator[None]:
        """Turn the store's refusals into a StorageError; that an object is absent stays FileNotFoundError."""
        from obstore.exceptions import BaseError  # noqa: PLC0415

        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" not in str(error):
                raise
            raise self._refusal(name, error) from error
        except (BaseError, OSError) as error:
            raise self._refusal(name, error) from error

    def _refusal(self, name: str, error: Exception) -> StorageError:
        said = str(error)
        if "NoSuchBucket" in said:
            todo = "make the bucket, or correct the address"
            return StorageError("there is no such bucket", value=self.url.bucket, todo=todo)
        if any(word in said for word in ("401 Unauthorized", "403 Forbidden")):
            todo = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what that key may do with the bucket"
            return StorageError("the object store refuses", value=f"{self.url}/{name}", todo=todo)
        todo = "check lake.s3.endpoint_url and the network, and run the same command again; nothing is half-written"
        return StorageError("the object store cannot be used", value=f"{self.url}/{name}", todo=todo)


@functools.lru_cache(maxsize=16)
def _store(url: S3Url, access: S3Access) -> S3Store:
    from obstore.store import S3Store  # noqa: PLC0415

    # Everything is said here, so that nothing is taken from the environment or asked of the machine's cloud.
    config: S3Config = {
        "access_key_id": access.key_id,
        "secret_access_key": access.secret,
        "region": access.region,
        "virtual_hosted_style_request": not access.path_style,
    }
    if access.endpoint_url:
        config["endpoint"] = access.endpoint_url
    if access.session_token:
        config["session_token"] = access.session_token
    return S3Store(
        url.bucket,
        prefix=url.prefix or None,
        config=config,
        client_options={"allow_http": access.endpoint_url.startswith("http://")},
    )
