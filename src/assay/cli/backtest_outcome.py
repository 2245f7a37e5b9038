"""What a backtest leaves behind besides its answer: a run that is kept, tables, a tear sheet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.cli.saving import Saved, about_to_save
from assay.domain.errors import StorageError

if TYPE_CHECKING:
    from assay.pipelines.backtest_keeping import Done, FinishedRun
    from assay.pipelines.workspace import Workspace

SHEET = "tearsheet.html"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants of a run besides an answer.

    Raises
    ------
    BadInputError
        If tables cannot be written so, or a file is to have the name of a directory.
    """

    is_kept: bool = True
    save: Path | None = None
    save_as: str = "csv"
    tearsheet: Path | None = None

    def __post_init__(self) -> None:
        from assay.domain.errors import BadInputError  # noqa: PLC0415
        from assay.pipelines.backtest_tables import check_kind  # noqa: PLC0415

        check_kind(self.save_as)
        for path, is_wrong in ((self.save, Path.is_file), (self.tearsheet, Path.is_dir)):
            if path is not None and is_wrong(path):
                todo = "name a file for --tearsheet, and a directory for --save"
                raise BadInputError("something else has this name", value=path, todo=todo)


@dataclass(frozen=True, slots=True)
class Left:
    """What there is now: the id of the run if it is kept, and files."""

    run: str | None
    files: tuple[Path, ...]
    sheet: Saved | None
    folder: Saved | None

    def document(self) -> dict[str, object]:
        """Return it for programs."""
        files = {"files": [str(path) for path in self.files]} if self.files else {}
        return {"run": self.run, **files}

    def text(self) -> str:
        """Return it for people."""
        lines = []
        if self.run:
            lines.append(f"kept      {self.run}: assay backtests show {self.run}, or tearsheet {self.run}")
        if self.folder:
            made = f", in the new folder {self.folder.new_folder}" if self.folder.new_folder else ""
            inside = [path.name for path in self.files if path.parent == self.folder.path.parent]
            lines.append(f"written   {', '.join(inside)} to {self.folder.path.parent}{made}")
        if self.sheet:
            lines.append(str(self.sheet))
        return "\n".join(lines)


def leave(workspace: Workspace, done: Done, by: str, wanted: Wanted) -> Left:
    """Keep a run that is done, and write what is wanted of it.

    Raises
    ------
    StorageError
        If the disk refuses.
    """
    from assay.pipelines.backtest_keeping import finished, keep  # noqa: PLC0415

    run = finished(done, by=by, at=workspace.clock.now())
    if wanted.is_kept:
        keep(workspace, run)
    kept = run.summary.run if wanted.is_kept else None
    try:
        return _written(run, wanted, kept)
    except StorageError as error:
        if kept is None:
            raise
        # Its answer is not shown then, but nothing is lost.
        todo = f"{error.todo}; the backtest is kept: assay backtests show {kept}"
        raise StorageError(error.what, value=error.value, todo=todo) from error


def _written(run: FinishedRun, wanted: Wanted, kept: str | None) -> Left:
    folder = about_to_save(wanted.save / SHEET) if wanted.save else None
    sheet = about_to_save(wanted.tearsheet) if wanted.tearsheet else None
    files = list(run.save(wanted.save, wanted.save_as)) if wanted.save else []
    sheets = [path for path in (wanted.save and wanted.save / SHEET, wanted.tearsheet) if path]
    if sheets:
        from assay.lake.storage import write_atomically  # noqa: PLC0415
        from assay.selectors.tear_sheet import tear_sheet  # noqa: PLC0415

        page = tear_sheet(run).encode()
        for path in sheets:
            write_atomically(path, page)
    return Left(kept, (*files, *sheets), sheet, folder)
