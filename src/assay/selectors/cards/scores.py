"""What a card says of scores by part of the rows, of every baseline, and of what only some tasks have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.selectors.cards.blocks import (
    AS_IT_IS,
    BPS,
    PERCENT,
    POINTS,
    RETURNS,
    SQUARED_POINTS,
    Bar,
    Block,
    Facts,
    Intervals,
    Quote,
    Scale,
    Section,
    Table,
    Text,
    shown,
)
from assay.selectors.model_evidence import bounded

_FRACTIONS = ("accuracy", "precision", "recall", "f1")
_WORDS = {"f1": "F1", "mae": "MAE", "rmse": "RMSE", "r2": "R²", "brier": "Brier score", "log_loss": "log loss"}
_PARTS = (("train", "training rows"), ("validation", "validation"), ("test", "test"))


def score_sections(evidence: Mapping[str, Any]) -> Iterator[Section]:
    """Yield what there is of scores by part, of baselines, and of signals, bands and searches."""
    parts = mapping(evidence.get("scores"))
    if any(isinstance(parts.get(name), Mapping) for name, _ in _PARTS):
        yield Section("Scores by part of the rows", tuple(_parts(parts)))
    baselines = [one for one in listed(evidence.get("baselines")) if one.get("name")]
    if baselines:
        yield Section("Against every baseline", tuple(_baselines(baselines, mapping(evidence.get("dependence")))))
    for title, name, rows in (
        ("Signals", "signal", _signal),
        ("The band around a forecast", "interval", _band),
        ("How its parameters were searched", "search", _search),
    ):
        found = mapping(evidence.get(name))
        if found:
            yield Section(title, (Facts(tuple(rows(found))),))


def _parts(parts: Mapping[str, Any]) -> Iterator[Block]:
    found = [(title, mapping(parts.get(name))) for name, title in _PARTS if isinstance(parts.get(name), Mapping)]
    names = list(dict.fromkeys(
        name for _, part in found for name, value in part.items() if bounded(value).value is not None
        and isinstance(value, Mapping)
    ))  # fmt: skip
    rows = [(word(name), *(shown(bounded(part.get(name)), scale_of(name)) for _, part in found)) for name in names]
    counts = ("rows", *(f"{part['rows']:,}" if isinstance(part.get("rows"), int) else "-" for _, part in found))
    periods = ("period", *(f"{_day(part.get('first_at'))} to {_day(part.get('last_at'))}" for _, part in found))
    yield Text(
        "On training rows the model is asked about what it was taught. Validation and test are foretold out of sample; "
        "whoever chooses among models looks at the first, and the second says what the choice is worth."
    )
    head = ("score", *(title for title, _ in found))
    yield Table(head, (*rows, counts, periods), frozenset(range(1, len(head))))


def _baselines(found: Sequence[Mapping[str, Any]], dependence: Mapping[str, Any]) -> Iterator[Block]:
    is_share = found[0].get("measure") != "squared_error"
    scale = POINTS if is_share else SQUARED_POINTS
    bars = tuple(Bar(plain_name(one["name"]), bounded(one.get("gain")), _chance(one)) for one in found)
    what = "accuracy gained" if is_share else "squared error avoided"
    note = "p of Diebold and Mariano that it is no better"
    yield Intervals(what, bars, scale, mark=0.0, note=note if any(one.note for one in bars) else "")
    if dependence.get("sentence"):
        tone = "good" if dependence.get("is_found") is True else ""
        yield Quote("Do its forecasts know anything?", str(dependence["sentence"]), tone)  # type: ignore[arg-type]


def _chance(one: Mapping[str, Any]) -> str:
    chance = bounded(mapping(one.get("diebold_mariano")).get("p_better")).value
    return "" if chance is None else f"p {chance:.3f}"


def _signal(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, scale in (("confidence", PERCENT), ("usual_move", RETURNS), ("cost", RETURNS)):
        yield plain_name(name), _said(found, name, scale)
    yield from ((name.upper(), _whole(found, name)) for name in ("buy", "sell", "hold"))
    yield "held", _said(found, "share_held", PERCENT)
    yield "right where it acted", _said(found, "right", PERCENT) or "it never acted"


def _band(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "level", _said(found, "level", PERCENT)
    low, high = (_said(found, name, BPS) for name in ("low", "high"))
    yield "from the forecast", f"{low} to {high}" if low and high else ""
    yield "outcomes inside, out of sample", _said(found, "held", PERCENT)


def _search(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "combinations", _whole(found, "combinations")
    yield "sampler", str(found.get("sampler", ""))
    folds, all_folds = _whole(found, "folds"), _whole(found, "of_folds")
    yield "chosen on", f"the first {folds} of {all_folds} folds; the verdicts are about the others" if folds else ""
    best = mapping(found.get("best"))
    yield "found", ", ".join(f"{name} {value}" for name, value in best.items())
    yield plain_name(str(found.get("measure", "loss"))), _said(found, "best_loss", AS_IT_IS)
    yield "with the usual parameters", _said(found, "usual_loss", AS_IT_IS)


def _said(found: Mapping[str, Any], name: str, scale: Scale) -> str:
    number = bounded(found.get(name))
    return "" if number.value is None else shown(number, scale)


def _whole(found: Mapping[str, Any], name: str) -> str:
    number = found.get(name)
    return f"{number:,}" if isinstance(number, int) else ""


def _day(found: object) -> str:
    return found[:10] if isinstance(found, str) else "-"


def scale_of(name: str) -> Scale:
    """Return how a score of that name is written."""
    return PERCENT if name in _FRACTIONS else RETURNS if name in ("mae", "rmse") else AS_IT_IS


def word(name: str) -> str:
    """Return a score's name as people write it."""
    return _WORDS.get(name, plain_name(name))


def plain_name(name: object) -> str:
    """Return a name without underscores."""
    return str(name).replace("_", " ")


def mapping(found: object) -> Mapping[str, Any]:
    """Return a mapping as it is, and whatever else as an empty one: others wrote the paper."""
    return found if isinstance(found, Mapping) else {}


def listed(found: object) -> list[Mapping[str, Any]]:
    """Return the mappings of a list."""
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []
