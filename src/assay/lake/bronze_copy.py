"""Bronze taken to another place: batch by batch, in the order in which batches are written, and again at no risk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from assay.lake import packs
from assay.lake.bronze import QUARANTINE
from assay.lake.bronze_store import BronzeStore, LocalBronze, batches_of
from assay.lake.packs import FOLDER, IDS, is_pack
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
                there.update(batches_of(target, day))
            batches = batches_of(own, day)
            new = {own.at(own.name_of(batches[one])) for one in batches.keys() - there}
            alone = sorted(path for path in new if not is_pack(path.stem))
            yield from (False for _ in batches.keys() & there)
            yield from pool.map(partial(_copy, own, target), alone)
            for path in sorted(new - set(alone)):
                _copy_pack(own, target, path)
                yield from (True for one, file in batches.items() if file == path and one not in there)


def _copy(own: LocalBronze, target: BronzeStore, batch: Path) -> bool:
    """Copy what belongs to a committed batch, the file that commits it last."""
    quarantined = _beside(own, batch)
    bodies = sorted(batch.parent.glob(f"{batch.stem}.body.*"))
    return _copy_all(own, target, (*bodies, *([quarantined] if quarantined.exists() else []), batch))


def _copy_pack(own: LocalBronze, target: BronzeStore, pack: Path) -> None:
    """Copy the files of a pack, the one that commits it last, and let the target know what is in it."""
    quarantined = _beside(own, pack)
    aside = [_list_of(quarantined), quarantined] if quarantined.exists() else []
    _copy_all(own, target, (*sorted(pack.parent.glob(f"{pack.stem}.body.*")), *aside, _list_of(pack), pack))
    for path in (*aside[:1], _list_of(pack)):
        day = own.name_of(path.parent.parent)
        target.note(day, packs.read_ids(path.read_bytes()))


def _copy_all(own: LocalBronze, target: BronzeStore, paths: Sequence[Path]) -> bool:
    is_new = False
    for path in paths:
        with storage_errors(path):
            body = path.read_bytes()
        is_new = target.create(own.name_of(path), body)
    return is_new


def _beside(own: LocalBronze, file: Path) -> Path:
    """Return where that is which was set aside of a batch or of a pack."""
    below = file.relative_to(own.root)
    return own.root / QUARANTINE / below.relative_to(below.parts[0])


def _list_of(pack: Path) -> Path:
    return pack.parent / FOLDER / f"{pack.stem}{IDS}"
