"""The build and the predictions of a new home in a process of its own, which gets ready while bars are fetched.

To read dbt and its project and to load or compile the Steps takes a core ten seconds, whatever the bars are; to fetch
bars leaves most of one core free. What is built, and what is said of it, is the same as in one process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import pickle
from collections.abc import Iterator
from typing import IO, Any

import duckdb

from assay.domain.errors import BuildError
from assay.pipelines.building import BuildResult, build
from assay.pipelines.predicting import PredictResult, predict
from assay.pipelines.process_beside import ProcessBeside, process_beside, serve, tell
from assay.pipelines.workspace import Workspace


class Builder:
    """The other process; :func:`ready_builder` starts and ends it."""

    def __init__(self, beside: ProcessBeside) -> None:
        self._beside = beside

    def build(self, workspace: Workspace) -> BuildResult:
        """Have it built there; what it says on the way is said here. It goes on to predict by itself.

        Raises
        ------
        AssayError
            As :func:`~assay.pipelines.building.build` does; BuildError also if the process is gone.
        """
        with _gone_is_said():
            tell(self._beside.words, _mute(workspace))
            built: BuildResult = self._answer(workspace)
        return built

    def predictions(self, workspace: Workspace) -> PredictResult:
        """Wait for what follows a build.

        Raises
        ------
        AssayError
            As :func:`~assay.pipelines.predicting.predict` does; BuildError also if the process is gone.
        """
        with _gone_is_said():
            predicted: PredictResult = self._answer(workspace)
            self._beside.process.wait()
        return predicted

    def _answer(self, workspace: Workspace) -> Any:  # noqa: ANN401  # whatever was asked for
        while isinstance(found := pickle.load(self._beside.answers), str):  # noqa: S301  # from our own process
            workspace.say(found)
        if isinstance(found, BaseException):
            raise found
        return found


@contextlib.contextmanager
def _gone_is_said() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        todo = "run the same command again; what was fetched is kept"
        raise BuildError("the process that builds has ended", todo=todo) from error


@contextlib.contextmanager
def ready_builder(workspace: Workspace) -> Iterator[Builder]:
    """Start a process that gets ready to build `workspace`, and end it with the block, whatever it is doing."""
    with process_beside(__name__) as beside:  # a build may be killed at any moment
        with contextlib.suppress(OSError):  # it has ended; whoever wants it to build is told
            tell(beside.words, _mute(workspace))
        yield Builder(beside)


def _mute(workspace: Workspace) -> Workspace:
    """Return the workspace as it can be sent to another process."""
    return dataclasses.replace(workspace, say=_nothing, pool=None)


def _nothing(_text: str) -> None:
    """Say nothing."""


def _serve(words: IO[bytes], answers: IO[bytes]) -> None:
    """Get ready, wait for the word, and do it."""
    from assay.pipelines import dbt, steps  # noqa: PLC0415  # heavy, and only wanted here

    workspace: Workspace = pickle.load(words)  # noqa: S301  # from the process that started this one
    steps.prepare(workspace)
    dbt.prepare(workspace)
    importlib.import_module("assay.pipelines.direction")
    importlib.import_module("sklearn.linear_model")  # which a model loads when it is fitted
    _bind()
    told = dataclasses.replace(pickle.load(words), say=lambda text: tell(answers, text))  # noqa: S301
    try:
        tell(answers, build(told))
        tell(answers, predict(told))
    except Exception as error:  # noqa: BLE001  # raised again where it can be told
        tell(answers, error)


def _bind() -> None:
    """Bind a value in DuckDB, which then imports whatever it may be of."""
    with duckdb.connect() as connection:
        connection.execute("select ?", [0])


if __name__ == "__main__":
    serve(_serve)
