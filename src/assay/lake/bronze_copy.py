"""Bronze taken to another place: batch by batch, in the order in which batches are written, and again at no risk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from assay.lake.bronze import QUARANTINE
from assay.lake.bronze_store import BronzeStore, LocalBronze
from assay.lake.storage import storage_errors

_AT_ONCE = 16


def copy_bronze(source: Path, target: BronzeStore) -> Iterator[bool]:
    """Copy all batches of a directory that `target` lacks; yield of each batch whether it was new there.

    A copy that is stopped has copied whole batches, and is gone on with by the next one.

    Parameters
    ----------
    source : Path
        A bronze directory.
    target : BronzeStore
        Another place; what it holds already stays as it is.

    Raises
    ------
    StorageError
        If either place refuses.
    """
    own = LocalBronze(source)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for day, _ in own.days():
            if day.startswith(f"{QUARANTINE}/"):
                continue  # these go with their batches
            there: set[str] = set()
            with contextlib.suppress(FileNotFoundError):  # a directory that is not there holds nothing
                there.update(file.stem for file in target.committed(day))
            batches = list(own.committed(day))
            new = [path for path in batches if path.stem not in there]
            yield from (False for _ in range(len(batches) - len(new)))
            yield from pool.map(partial(_copy, own, target), new)


def _copy(own: LocalBronze, target: BronzeStore, batch: Path) -> bool:
    """Copy what belongs to a committed batch, the file that commits it last."""
    quarantined = own.root / QUARANTINE / batch.relative_to(own.root / batch.relative_to(own.root).parts[0])
    bodies = sorted(batch.parent.glob(f"{batch.stem}.body.*"))
    is_new = False
    for path in (*bodies, *([quarantined] if quarantined.exists() else []), batch):
        with storage_errors(path):
            body = path.read_bytes()
        is_new = target.create(own.name_of(path), body)
    return is_new
