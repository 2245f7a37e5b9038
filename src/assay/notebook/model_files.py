"""A model of a notebook as a file and back: the file of :mod:`assay.models.artefact`, checked before it is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, StorageError
from assay.lake.storage import write_atomically
from assay.models.artefact import Artefact, pack, unpack
from assay.models.registry import StorableDirection

_OF_A_NOTEBOOK = ""
"""Feature set of a model whose features only the notebook knows."""
_MOST_BYTES = 2_000_000_000
_LOADERS = {
    "voting": "EnsembleModel",
    "logistic": "LogisticRegression",
    "random_forest": "RandomForestClassifier",
    "lightgbm": "LightGBMClassifier",
    "xgboost": "XGBoostClassifier",
    "base_rate": "BaseRateClassifier",
}


def write_model(model: StorableDirection, columns: Sequence[str], classes: NDArray[Any], path: Path) -> Path:
    """Write a fitted model; whoever reads meanwhile sees the old file or the new one.

    Raises
    ------
    BadInputError
        If its classes are not 0 and 1, or there is a directory of that name.
    StorageError
        If the disk refuses.
    """
    if not np.array_equal(classes, [0, 1]):
        todo = "teach it 1 for up and 0 for not"
        raise BadInputError("a file keeps models of the labels 0 and 1", value=list(classes), todo=todo)
    if path.is_dir():
        raise BadInputError("a directory has this name", value=path, todo="name a file")
    write_atomically(path, pack(Artefact("direction", model, tuple(columns), _OF_A_NOTEBOOK)))
    return path


def read_model(path: Path, estimator: str, *, columns: Sequence[str] | None = None) -> Artefact:
    """Return the fitted model of a file.

    Raises
    ------
    BadInputError
        If there is no such file, or :func:`assay.models.artefact.unpack` refuses it, or it is of another estimator.
    StorageError
        If the disk refuses.
    """
    found = unpack(_content(path), columns=columns)
    name = found.estimator.name
    if found.task != "direction" or name != estimator:
        what = f"a file of another model, {name} of a {found.task}"
        loader = _LOADERS.get(name, "") if found.task == "direction" else ""
        todo = f"load it with assay.{loader}.load" if loader else "`assay models` serves it; no class here does"
        raise BadInputError(what, value=path, todo=todo)
    return found


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadInputError("a file is too large for a model", value=path, todo="name one that Assay has written")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        todo = "save one first, or look at the folder"
        raise BadInputError("there is no such file of a model", value=path, todo=todo) from None
    except IsADirectoryError:
        raise BadInputError("a directory is no file of a model", value=path, todo="name the file in it") from None
    except OSError as error:
        raise StorageError("the file of a model cannot be read", value=path, todo=str(error)) from error
