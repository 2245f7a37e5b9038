"""Where the parts of a lake lie when they do not lie in the home: bronze and tables on S3, the catalogue in PostgreSQL.

>>> S3Url.parse("s3://market/lake/bronze/")
S3Url(bucket='market', prefix='lake/bronze')
>>> str(S3Url.parse("s3://market"))
's3://market'
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.util import find_spec

from assay.domain.errors import BadInputError, SettingsError

_S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^\x00-\x1f?#'\"\\]*))?")


@dataclass(frozen=True, slots=True)
class S3Url:
    """A place in an object store: a bucket, and how the names of what lies there begin, without slashes around."""

    bucket: str
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> S3Url:
        """Read ``s3://bucket/prefix``.

        Raises
        ------
        BadInputError
            If it is none.
        """
        found = _S3.fullmatch(text.strip())
        parts = [part for part in (found["prefix"] or "").split("/") if part] if found else []
        if found is None or "." in parts or ".." in parts:
            raise BadInputError("not a place in an object store", value=text, todo="write it as s3://bucket/prefix")
        return cls(found["bucket"], "/".join(parts))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}" if self.prefix else f"s3://{self.bucket}"


def is_s3(place: str) -> bool:
    """Return whether a place is one in an object store rather than a directory."""
    return place.startswith("s3://")


@dataclass(frozen=True, slots=True)
class S3Access:
    """How an object store is spoken to.

    Attributes
    ----------
    key_id, secret, session_token : str
        Never shown.
    region : str
    endpoint_url : str
        Empty is Amazon's own.
    path_style : bool
        Whether the bucket stands in the path of an address rather than in the name of the host.
    """

    key_id: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    region: str = "us-east-1"
    endpoint_url: str = ""
    path_style: bool = True

    def check(self) -> None:
        """Raise SettingsError if there are no keys, or if the package is missing that speaks to object stores."""
        if not (self.key_id and self.secret):
            what = "this lies in an object store, and AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set"
            raise SettingsError(what, todo="export both; they are read from the environment and from nowhere else")
        if find_spec("obstore") is None:
            raise SettingsError("object stores need more packages", todo='run `pip install "assay[s3]"`')


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of a lake lie; an empty one is in the home.

    Attributes
    ----------
    bronze, tables : str
        A directory, or ``s3://bucket/prefix``.
    catalog : str
        ``postgresql://…``, which may hold a password and is never shown.
    catalog_schema : str
        The schema of that database that holds the catalogue.
    s3 : S3Access
    """

    bronze: str = ""
    tables: str = ""
    catalog: str = field(default="", repr=False)
    catalog_schema: str = "assay"
    s3: S3Access = S3Access()

    def check(self) -> None:
        """Raise SettingsError if something lies where it cannot be reached, whatever the network does."""
        if self.needs_s3:
            self.s3.check()
        if self.catalog and find_spec("psycopg") is None:
            raise SettingsError("PostgreSQL needs more packages", todo='run `pip install "assay[postgres]"`')

    @property
    def needs_s3(self) -> bool:
        """Whether anything lies in an object store."""
        return is_s3(self.bronze) or is_s3(self.tables)


IN_THE_HOME = Places()
