"""Where a command writes a file, told the same way by all of them.

A folder that is not there is made, and that is said: it may be a slip of the pen.

>>> print(Saved(Path("out/rows.csv"), Path("out")))
written to out/rows.csv, in the new folder out
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that is written, and the first folder above it that had to be made; None if all were there."""

    path: Path
    new_folder: Path | None

    def __str__(self) -> str:
        """Return what is told to people."""
        made = f", in the new folder {self.new_folder}" if self.new_folder else ""
        return f"written to {self.path}{made}"


def about_to_save(path: Path) -> Saved:
    """Look at the folders above `path` before the file is written."""
    new = None
    for folder in path.parents:
        if folder.exists():
            break
        new = folder
    return Saved(path, new)
