"""The tables and their lineage as one page: dbt's own documentation, with what the catalogue of a home says.

``make docs`` runs this module; the page needs no network and no server to be looked at.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from assay.domain.errors import AssayError, NotBuiltError
from assay.lake.reads import CLEANED
from assay.lake.version import list_tables, read_version
from assay.pipelines.dbt import connected, generate_docs
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import load_settings

PAGE = "index.html"


def write_docs(workspace: Workspace, folder: Path) -> Path:
    """Write the page into the folder, which is made if need be, and return its path.

    Raises
    ------
    NotBuiltError
        If the home has no tables to tell about.
    BuildError
        If dbt cannot.
    """
    with workspace.lake() as lake:
        if CLEANED not in list_tables(lake, read_version(lake)):
            raise NotBuiltError("the lake has not been built", value=workspace.home.root, todo="run `assay build`")
    folder.mkdir(parents=True, exist_ok=True)
    # What dbt writes besides the page is said in the page as well.
    with tempfile.TemporaryDirectory() as scratch:
        with connected():
            written = generate_docs(workspace, Path(scratch))
        shutil.copyfile(written, folder / PAGE)
    return folder / PAGE


if __name__ == "__main__":
    try:
        page = write_docs(open_workspace(load_settings(), create=False), Path(sys.argv[1]))
        sys.stdout.write(f"{page}\n")
    except AssayError as error:
        sys.exit(f"docs: error: {error}")
