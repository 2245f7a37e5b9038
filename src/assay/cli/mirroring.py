"""MLflow told of what a command has changed, where the settings name one: late, and never in the way."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.pipelines.mirroring import Mirrored
    from assay.pipelines.workspace import Workspace


def mirrored(workspace: Workspace) -> Mirrored:
    """Tell MLflow all that it does not know yet; raises as :func:`assay.pipelines.mirroring.mirror`."""
    from assay.pipelines.mirroring import mirror  # noqa: PLC0415
    from assay.selectors.model_card import model_card  # noqa: PLC0415

    return mirror(workspace, lambda version: model_card(workspace, version))


def keep_mirror(workspace: Workspace) -> None:
    """Do so if ``mlops.tracking_uri`` is set; what goes wrong is a warning, since all that counts is kept already."""
    if workspace.settings.mlops.tracking_uri is None:
        return
    from assay.cli.render import printable  # noqa: PLC0415
    from assay.domain.errors import AssayError  # noqa: PLC0415

    try:
        mirrored(workspace)
    except AssayError as error:
        print(f"warning: {printable(str(error))}", file=sys.stderr)
