"""A copy of an SQLite database as it was at one moment, while others write to it.

The copy is made by a process of its own: when any part of a process closes a file, POSIX drops all locks that the
process holds on it, and Python's SQLite and DuckDB's do not know of each other.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from assay.domain.errors import StorageError

_COPY = """
import json, sqlite3, sys
source, target = sqlite3.connect(sys.argv[1], timeout=60), sqlite3.connect(sys.argv[2])
source.backup(target)
target.execute("pragma journal_mode=delete")
tables = {row[0] for row in target.execute("select name from sqlite_master where type = 'table'")}
names = []
if "ducklake_data_file" in tables:
    target.execute("delete from ducklake_files_scheduled_for_deletion")
    target.commit()
    for table in ("ducklake_data_file", "ducklake_delete_file"):
        names += [row[0] for row in target.execute(f"select path from {table}")]
target.close()
print(json.dumps(names))
"""


def copy_sqlite(source: Path, target: Path) -> list[str]:
    """Copy a database to a new file; of a catalogue of DuckLake, return the paths of the files that it names.

    The files that a catalogue was about to delete are forgotten in the copy: they are not part of it.

    Raises
    ------
    StorageError
        If the database cannot be read, or the copy not be written.
    """
    command = [sys.executable, "-I", "-c", _COPY, str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # this program itself
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it was stopped"])[-1]
        raise StorageError(f"the database cannot be copied ({reason})", value=source, todo="check the disk")
    names: list[str] = json.loads(done.stdout)
    return names
