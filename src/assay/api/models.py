"""Routes of models: side by side, and one of them with its evidence, certificate and the history of its champion."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from assay.api.asked import LONGEST, PREFIX, AsOf, Served
from assay.api.shapes import models as shapes
from assay.lake.model_aliases import Move
from assay.selectors.models import model as select
from assay.selectors.side_by_side import Comparison, comparisons, contender_of

router = APIRouter(tags=["models"])
_MOST = 1_000


@router.get(f"{PREFIX}/models", summary="Models side by side, each beside its baseline")
def models(  # noqa: PLR0917  # one parameter of the address each
    workspace: Served,
    response: Response,
    as_of: AsOf,
    task: Annotated[
        str, Query(description="Only what foretells this.", max_length=LONGEST, examples=["direction_24h"])
    ] = "",
    series: Annotated[
        str,
        Query(
            description="Only of this series, in any spelling, or of a source such as `binance:1h`.",
            max_length=LONGEST,
            examples=["BTC-USDT"],
        ),
    ] = "",
    limit: Annotated[int, Query(description="At most so many comparisons.", ge=1, le=_MOST)] = 200,
) -> shapes.Models:
    """Return everything that foretells the same thing of the same series, one comparison each.

    The champion and the challenger, every other registered model, the model that each build fits, and the baseline. A
    verdict of `no_skill` is as much an answer as `skill`. Scores are of the periods that stand beside them.
    """
    response.headers["cache-control"] = "private, no-cache"  # the registry moves without the lake
    found = comparisons(workspace, task=task, series=series, as_of=as_of)
    return shapes.Models(found=len(found), comparisons=[_compared(one) for one in found[:limit]])


@router.get(f"{PREFIX}/models/{{version}}", summary="One model with its evidence, certificate and history")
def model(
    workspace: Served,
    response: Response,
    as_of: AsOf,
    version: Annotated[
        str,
        Path(description="The version, or how it begins.", max_length=LONGEST, examples=["2478498b70ed"]),
    ],
) -> shapes.ModelPage:
    """Return the paper of a registered model, whose file is held against its hash, and the moves of its champion."""
    response.headers["cache-control"] = "private, no-cache"
    page = select(workspace, version, as_of=as_of)
    return shapes.ModelPage(
        model=shapes.Model.model_validate(contender_of(page.brief)),
        paper=dict(page.paper),
        artefact_sha256=page.artefact_sha256,
        artefact_bytes=page.artefact_bytes,
        trials=page.trials.trials,
        history=[_moved(one) for one in page.history[::-1]],
    )


def _compared(one: Comparison) -> shapes.Compared:
    return shapes.Compared(
        task=one.task,
        series=one.series,
        champion=one.champion,
        challenger=one.challenger,
        trials=one.trials,
        trouble=one.trouble,
        models=[shapes.Model.model_validate(each) for each in one.contenders],
    )


def _moved(one: Move) -> shapes.Move:
    aliases = one.aliases
    return shapes.Move(
        at=one.author.at,
        by=one.author.name,
        action=one.action.value,
        champion=aliases.champion,
        challenger=aliases.challenger,
        why=one.why,
    )
