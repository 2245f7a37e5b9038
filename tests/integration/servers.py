"""An object store and a PostgreSQL for tests, each started by whoever wants it and gone with the block."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from assay.lake.places import S3Access

BUCKET = "market"
KEYS = {"AWS_ACCESS_KEY_ID": "an-id", "AWS_SECRET_ACCESS_KEY": "a-secret-of-tests"}
PASSWORD = "pa ss'wörd/:@"  # hard to quote on purpose
_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@dataclass(frozen=True)
class ObjectStore:
    """A server that speaks S3, with one bucket."""

    endpoint_url: str

    @property
    def access(self) -> S3Access:
        """How to speak to it."""
        key_id, secret = KEYS.values()
        return S3Access(key_id, secret, endpoint_url=self.endpoint_url)

    def place(self, name: str = "") -> str:
        """Return a prefix of the bucket; a new one without a name."""
        return f"s3://{BUCKET}/{name or uuid.uuid4().hex[:8]}"


@contextlib.contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Start moto's server with an empty bucket."""
    server_module = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    _put_one_at_a_time()
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        store = ObjectStore(f"http://127.0.0.1:{server.get_host_and_port()[1]}")
        key_id, secret = KEYS.values()
        boto3.client(
            "s3",
            endpoint_url=store.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
        ).create_bucket(Bucket=BUCKET)
        yield store
    finally:
        server.stop()


@functools.cache
def _put_one_at_a_time() -> None:
    """Let moto take one object at a time: it looks whether one is there, and then keeps it, which S3 does at once."""
    from moto.s3.responses import S3Response

    put, lock = S3Response.put_object, threading.Lock()

    def put_alone(self: S3Response) -> object:
        with lock:
            return put(self)

    pytest.MonkeyPatch().setattr(S3Response, "put_object", put_alone)


def _binary(name: str) -> str:
    found = shutil.which(name) or next((str(folder / name) for folder in reversed(_BINARIES)), "")
    return found if found and Path(found).exists() else ""


@dataclass(frozen=True)
class PostgresServer:
    """A server on a socket of its own, with a password."""

    folder: Path

    @property
    def url(self) -> str:
        """Address with the password in it."""
        from urllib.parse import quote

        return f"postgresql://assay:{quote(PASSWORD, safe='')}@/postgres?host={self.folder}"

    @property
    def url_without_password(self) -> str:
        """The same without it."""
        return f"postgresql://assay@/postgres?host={self.folder}"

    def restart(self) -> None:
        """End all sessions."""
        self._control("restart", "-m", "immediate")

    def _control(self, *words: str) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off"
        command = [_binary("pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "300", "-o", options, *words]
        _as_nobody([*command, "-l", str(self.folder / "log")])


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a PostgreSQL that keeps its files in a new folder; skip visibly if there is none on this machine."""
    if not _binary("initdb") or not _binary("pg_ctl"):
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    # A short path: a socket's may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-"))
    server = PostgresServer(folder)
    try:
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            for path in (folder, folder / "password"):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        made = [_binary("initdb"), "-D", str(folder / "data"), "-U", "assay", "-A", "scram-sha-256", "-E", "UTF8"]
        _as_nobody([*made, "--no-sync", f"--pwfile={folder / 'password'}"])
        server._control("start")
        try:
            yield server
        finally:
            server._control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_nobody(command: list[str]) -> None:
    """Run a command of PostgreSQL, which refuses to be root."""
    words = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
    done = subprocess.run(
        words if os.getuid() == 0 else command, cwd="/tmp", capture_output=True, text=True, check=False
    )
    # pg_ctl's own output goes to the server's log when it starts one.
    assert done.returncode == 0, done.stderr + done.stdout
