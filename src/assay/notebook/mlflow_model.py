"""How MLflow asks a mirrored model: it is named in the model's files, and MLflow calls it by that name.

``mlflow.pyfunc.load_model("models:/assay.direction_24h.binance-spot-BTC-USDT-1h@champion").predict(frame)`` answers
with the probability of "up", or the value, of each row of a frame that has the model's columns.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from assay.models.artefact import Artefact, unpack
from assay.models.estimator import check_columns
from assay.models.registry import StorableDirection, StorableValue
from assay.notebook.rows import matrix_of


class MirroredModel:
    """A model as MLflow wants it: one method."""

    def __init__(self, artefact: Artefact) -> None:
        self._artefact = artefact

    def predict(self, model_input: object, params: object = None) -> NDArray[np.float64]:  # noqa: ARG002  # MLflow's
        """Return what the model says, shape (n,).

        Raises
        ------
        BadInputError
            If the columns are not the model's, or a value is NaN.
        """
        matrix, names = matrix_of(model_input)
        if names is not None:
            check_columns(names, self._artefact.columns)
        if self._artefact.task == "direction":
            return cast("StorableDirection", self._artefact.estimator).predict_proba(matrix)
        return cast("StorableValue", self._artefact.estimator).predict(matrix)


def _load_pyfunc(path: str) -> MirroredModel:
    """Return the model of a file, once it was looked through; BadInputError if it is none."""
    return MirroredModel(unpack(Path(path).read_bytes()))
