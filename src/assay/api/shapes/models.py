"""Shapes of models: side by side, and one of them with its paper."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from assay.api.shapes.shape import Moment, Number, Shape, said

Task = Annotated[str, said("What is foretold.", "direction_24h", "delta_1h")]
Source = Annotated[
    str,
    said(
        "`venue:market:SYMBOL:interval`, or a source such as `binance:1h` of a model of all its series.",
        "binance:spot:BTC-USDT:1h",
    ),
]
Version = Annotated[
    str, said("12 hexadecimal digits of the model and its paper; empty unless registered.", "2478498b70ed")
]
Judged = Annotated[datetime | None, said("Forecast of the evidence, UTC.", "2024-08-24T04:00:00Z")]


class Bounded(Shape):
    """A number and where it probably lies."""

    value: Annotated[Number, said("The number; null where nobody has it.", 0.515)]
    low: Annotated[Number, said("Lower end of its 95 % interval.", 0.479)]
    high: Annotated[Number, said("Upper end of its 95 % interval.", 0.551)]


class Skill(Shape):
    """How a model did out of sample beside its baseline, on the same rows."""

    verdict: Annotated[
        str, said("`skill`, `no_skill`, `worse`, `suspect` or `not_enough_data`; empty of a baseline.", "no_skill")
    ]
    sentence: Annotated[str, said("The verdict with its numbers, as it may be quoted.", "No skill: 24 h direction ...")]
    measure: Annotated[
        str,
        said("`accuracy`: fraction of right directions; `mae`: mean absolute error, in what is foretold.", "accuracy"),
    ]
    score: Annotated[Bounded, said("Of the model.")]
    baseline_score: Annotated[Bounded, said("Of the baseline on the same rows.")]
    difference: Annotated[
        Bounded,
        said(
            "Accuracy less that of the baseline; of values the share of the baseline's squared errors that is avoided. "
            "The interval is corrected for the number of trials."
        ),
    ]
    baseline: Annotated[str, said("Name of the baseline.", "base_rate")]
    rows: Annotated[int | None, said("Forecasts that were judged.", 11_969)]
    trials: Annotated[int | None, said("Configurations that had been tried by then, this one included.", 3)]
    first_at: Judged
    last_at: Judged


class Edge(Shape):
    """What trading on the same forecasts would have earned."""

    verdict: Annotated[str, said("`edge`, `no_edge` or `not_enough_data`.", "no_edge")]
    sentence: Annotated[str, said("The verdict with its numbers, as it may be quoted.", "No edge: a trade earns ...")]
    gross: Annotated[Bounded, said("Mean return of a trade before costs, as a fraction.")]
    net: Annotated[Bounded, said("The same less costs; corrected for the number of trials.")]
    cost: Annotated[Number, said("Of getting in and out together, as a fraction.", 0.002)]
    trades: Annotated[int | None, said("Trades that were made.", 11_969)]
    forecasts: Annotated[int | None, said("Forecasts, those without a trade included.", 11_969)]
    deflated_sharpe: Annotated[
        Number, said("Probability that the Sharpe ratio is above what the best of as many trials has by chance.", 0.41)
    ]


class Rival(Shape):
    """One naive baseline against a model, on the same rows."""

    name: Annotated[str, said("Name of the baseline.", "seasonal_naive")]
    measure: Annotated[str, said("What is lost: `share_wrong`, or `squared_error` of values.", "share_wrong")]
    loss: Annotated[Number, said("Mean loss of the baseline.", 0.467)]
    model_loss: Annotated[Number, said("Mean loss of the model.", 0.485)]
    gain: Annotated[Bounded, said("Baseline less model; above zero the model is better.")]
    p_value: Annotated[
        Number,
        said("Of Diebold and Mariano's test that both foretell equally well; null where it is not defined.", 0.21),
    ]


class Model(Shape):
    """Something that foretells, and what that is worth."""

    task: Task
    series: Source
    kind: Annotated[
        str,
        said("`registered`, `built` (fitted anew by each build) or `baseline` (what has to be beaten).", "registered"),
    ]
    model: Annotated[str, said("Name of the estimator.", "lightgbm")]
    version: Version
    state: Annotated[
        str,
        said(
            "`champion`, `challenger`, `registered`, `former champion` or `rolled back`; empty unless registered.",
            "champion",
        ),
    ]
    feature_set: Annotated[str, said("`name/version#hash` of what it reads.", "direction/1#933dab927c4bc62f")]
    registered_at: Annotated[datetime | None, said("When it was registered, UTC.", "2026-05-01T09:00:00Z")]
    trained_until: Annotated[
        datetime | None, said("End of the last outcome it learned from, UTC.", "2026-01-05T20:00:00Z")
    ]
    skill: Annotated[Skill | None, said("Beside its baseline; null if nobody has looked.")]
    edge: Annotated[Edge | None, said("Net of costs; null if nobody has looked.")]
    rivals: Annotated[list[Rival], said("Every naive baseline that it was held against, on the same rows.")]


class Compared(Shape):
    """What foretells one thing, and which of it is served."""

    task: Task
    series: Source
    champion: Annotated[str, said("Version of the champion; empty if there is none.", "2478498b70ed")]
    challenger: Annotated[str, said("Version of the challenger; empty if there is none.", "")]
    trials: Annotated[int, said("Configurations of this task and series that were ever tried; 0 with `as_of`.", 12)]
    trouble: Annotated[str, said("Why some of it cannot be read; empty if all of it can.", "")]
    models: Annotated[list[Model], said("The champion first, what has to be beaten last.")]


class Models(Shape):
    """Models side by side."""

    found: Annotated[int, said("Tasks and series that were found; those beyond `limit` are left out.", 40)]
    comparisons: Annotated[list[Compared], said("By task and series.")]


class Move(Shape):
    """One entry of the history of a champion."""

    at: Moment
    by: Annotated[str, said("Who decided.", "ada")]
    action: Annotated[str, said("`promote`, `rollback` or `challenge`.", "promote")]
    champion: Annotated[str, said("The champion since then; empty if nobody.", "2478498b70ed")]
    challenger: Annotated[str, said("The challenger since then; empty if nobody.", "")]
    why: Annotated[str, said("Why, as it was said.", "won the paired test")]


class ModelPage(Shape):
    """One registered model with all that is kept of it."""

    model: Model
    paper: Annotated[
        dict[str, Any],
        said(
            "All that decides the version: parameters, features, data, requirements, `evidence` (scores, intervals, "
            "verdicts, importance) and the `certificate` of its features."
        ),
    ]
    artefact_sha256: Annotated[str, said("Hash of the file with the fitted model.", "18a84d1271d28480...")]
    artefact_bytes: Annotated[int, said("Its size in bytes.", 770)]
    trials: Annotated[int, said("Configurations of its task and series that were ever tried.", 12)]
    history: Annotated[list[Move], said("Of the champion of its task and series, the latest move first.")]
