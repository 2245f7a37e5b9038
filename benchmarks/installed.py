"""The program that is measured: the one whose code the benchmarks import, wherever their own Python lives.

Benchmarks that stand beside other libraries run in an environment of those, which sees the installation and has no
`assay` of its own.
"""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path


def assay_program() -> str:
    """Return the path of the command `assay`.

    Raises
    ------
    FileNotFoundError
        If Assay is not installed so that it has one.
    """
    for file in distribution("assay").files or []:
        if file.name == "assay" and file.parent.name == "bin":
            return str(Path(str(file.locate())).resolve(strict=True))
    raise FileNotFoundError("no command `assay` is installed: run `make install`")
