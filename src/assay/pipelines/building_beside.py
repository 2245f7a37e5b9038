"""The build and the predictions of a new home in a process of its own, which gets ready while bars are fetched.

To read dbt and its project and to load or compile the Steps takes a core ten seconds, whatever the bars are; to fetch
bars leaves most of one core free. What is built, and what is said of it, is the same as in one process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Any

import duckdb

from assay.domain.errors import BuildError
from assay.pipelines.building import BuildResult, build
from assay.pipelines.predicting import PredictResult, predict
from assay.pipelines.workspace import Workspace


class Builder:
    """The other process; :func:`ready_builder` starts and ends it."""

    def __init__(self, process: subprocess.Popen[bytes], words: IO[bytes], answers: IO[bytes]) -> None:
        self._process = process
        self._words = words
        self._answers = answers

    def build(self, workspace: Workspace) -> BuildResult:
        """Have it built there; what it says on the way is said here. It goes on to predict by itself.

        Raises
        ------
        AssayError
            As :func:`~assay.pipelines.building.build` does; BuildError also if the process is gone.
        """
        with _gone_is_said():
            _tell(self._words, _mute(workspace))
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
            self._process.wait()
        return predicted

    def _answer(self, workspace: Workspace) -> Any:  # noqa: ANN401  # whatever was asked for
        while isinstance(found := pickle.load(self._answers), str):  # noqa: S301  # from our own process
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
    words = [sys.executable, "-W", "ignore", "-m", __name__]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, **pipes) as process:  # type: ignore[call-overload]  # noqa: S603
        try:
            with contextlib.suppress(OSError):  # it has ended; whoever wants it to build is told
                _tell(process.stdin, _mute(workspace))
            yield Builder(process, process.stdin, process.stdout)
        finally:
            process.kill()  # at any moment, as a build may be


def _tell(pipe: IO[bytes], what: object) -> None:
    pickle.dump(what, pipe)
    pipe.flush()


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
    told = dataclasses.replace(pickle.load(words), say=lambda text: _tell(answers, text))  # noqa: S301
    try:
        _tell(answers, build(told))
        _tell(answers, predict(told))
    except Exception as error:  # noqa: BLE001  # raised again where it can be told
        _tell(answers, error)


def _bind() -> None:
    """Bind a value in DuckDB, which then imports whatever it may be of."""
    with duckdb.connect() as connection:
        connection.execute("select ?", [0])


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person's Ctrl-C is for the one who started this
    # What a library prints must not get between the answers.
    own = os.dup(1)
    os.dup2(2, 1)
    with contextlib.suppress(EOFError, OSError), os.fdopen(own, "wb") as answers:
        _serve(sys.stdin.buffer, answers)
