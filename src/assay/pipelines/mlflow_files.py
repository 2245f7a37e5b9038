"""The files of a model in MLflow: our own artefact and what tells MLflow how it is asked.

The artefact stays the file without code that Assay checks before it trusts it; MLflow is told which function of Assay
reads it, so that ``mlflow.pyfunc.load_model`` answers with what was registered, or not at all.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from typing import Any

from assay.lake.model_store import ModelVersion
from assay.models.artefact import unpack

LOADER = "assay.notebook.mlflow_model"
ARTEFACT = "model.assay"
_ANSWERS = {"direction": "probability_up", "value": "value"}


def model_files(version: ModelVersion, artefact: bytes) -> dict[str, bytes]:
    """Return the files of a model by their names below a run.

    Raises
    ------
    BadInputError
        If the artefact is none.
    """
    paper = version.paper
    found = unpack(artefact)
    requirements = "\n".join((*paper.requirements, "")).encode()
    files = {
        "model/MLmodel": _mlmodel(version, found.columns, _ANSWERS[found.task]),
        f"model/{ARTEFACT}": artefact,
        "model/requirements.txt": requirements,
        "paper.json": _json(paper.document()),
    }
    return files if paper.certificate is None else files | {"certificate.json": _json(paper.certificate)}


def _mlmodel(version: ModelVersion, columns: tuple[str, ...], answer: str) -> bytes:
    """Return what MLflow reads first: signature, and who loads it."""
    import mlflow  # noqa: PLC0415
    from mlflow.models import Model, ModelSignature  # noqa: PLC0415
    from mlflow.types import ColSpec, DataType, Schema  # noqa: PLC0415

    number: Any = DataType.double
    flavor = {
        "loader_module": LOADER, "data": ARTEFACT, "env": "requirements.txt",
        "python_version": platform.python_version(),
    }  # fmt: skip
    signature = ModelSignature(
        inputs=Schema([ColSpec(number, name) for name in columns]), outputs=Schema([ColSpec(number, answer)])
    )
    model = Model(
        artifact_path="model",
        utc_time_created=version.author.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
        flavors={"python_function": flavor},
        signature=signature,
        model_uuid=version.artefact_sha256[:32],
        mlflow_version=mlflow.__version__,
        metadata={"assay_version": version.version, "model_hash": version.paper.model_hash},
    )
    text: str = model.to_yaml()
    return text.encode()


def _json(document: Mapping[str, object]) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
