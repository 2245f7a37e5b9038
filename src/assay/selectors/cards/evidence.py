"""What a card says of the evidence: scores beside baselines, and what the model leans on and when.

A paper that lacks a part has no section of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.selectors.cards.blocks import (
    BPS,
    PERCENT,
    POINTS,
    RETURNS,
    SQUARED,
    SQUARED_POINTS,
    Bar,
    Block,
    Facts,
    Intervals,
    Quote,
    Section,
    Table,
    Text,
    Tone,
    shown,
)
from assay.selectors.cards.scores import mapping, plain_name, scale_of, score_sections, word
from assay.selectors.model_evidence import (
    ACCURACY,
    Bounded,
    EdgePart,
    SkillPart,
    ablation_of,
    bounded,
    edge_of,
    importance_of,
    regimes_of,
    skill_of,
)

_GOOD, _BAD = ("skill", "edge"), ("worse", "suspect")


def evidence_sections(evidence: Mapping[str, Any]) -> Iterator[Section]:
    """Yield what there is evidence of, in the order in which one asks."""
    skill, edge = skill_of(evidence), edge_of(evidence)
    if skill or edge:
        yield Section("Verdicts", tuple(_verdicts(skill, edge)))
    if skill:
        yield Section("Out of sample, beside its baseline", tuple(_skill(skill, evidence)))
    yield from score_sections(evidence)
    if edge:
        yield Section("Traded", tuple(_edge(edge)))
    yield from _leaning(evidence, is_share=not skill or skill.measure == ACCURACY)


def _verdicts(skill: SkillPart | None, edge: EdgePart | None) -> Iterator[Block]:
    for name, part in (("Skill", skill), ("Edge", edge)):
        if part:
            yield Quote(name, part.sentence or part.verdict.replace("_", " "), _tone(part.verdict))


def _tone(verdict: str) -> Tone:
    return "good" if verdict in _GOOD else "bad" if verdict in _BAD else ""


def _skill(part: SkillPart, evidence: Mapping[str, Any]) -> Iterator[Block]:
    is_share = part.measure == ACCURACY
    what = "directions foretold right" if is_share else "mean absolute error"
    bars = (Bar("this model", part.score), Bar(part.baseline.replace("_", " "), part.baseline_score, is_own=False))
    scale = PERCENT if is_share else RETURNS
    yield Intervals(what, bars, scale, mark=0.5 if is_share else None)
    first, last = part.first_at, part.last_at
    difference = POINTS if is_share else PERCENT
    named = "difference" if is_share else "squared errors avoided"
    yield Facts(
        (
            (named, f"{shown(part.difference, difference)}, corrected for the trials"),
            ("forecasts", _count(part.rows)),
            ("period", f"{first:%Y-%m-%d} to {last:%Y-%m-%d}" if first and last else ""),
            ("trials by then", _count(part.trials)),
        )
    )
    rows = tuple(_scores(evidence))
    if rows:
        yield Table(("score", "this model", "baseline"), rows, frozenset({1, 2}))


def _scores(evidence: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield every score of which the skill has one with an interval, of both."""
    skill = mapping(evidence.get("skill"))
    own, other = mapping(skill.get("model")), mapping(skill.get("baseline"))
    for name, value in own.items():
        number = bounded(value)
        if isinstance(value, Mapping) and number.value is not None:
            scale = scale_of(name)
            yield word(name), shown(number, scale), shown(bounded(other.get(name)), scale)


def _edge(part: EdgePart) -> Iterator[Block]:
    bars = (Bar("before costs", part.gross, is_own=False), Bar("after costs", part.net))
    if part.net.value is not None:
        yield Intervals("return of a trade", bars, BPS, mark=0.0)
    sharpe = part.deflated_sharpe
    yield Facts(
        (
            ("costs of a trade", "" if part.cost is None else f"{1e4 * part.cost:.1f} bps, in and out"),
            ("trades", _count(part.trades)),
            ("deflated Sharpe ratio", "" if sharpe is None else f"{sharpe:.2f}"),
        )
    )


def _leaning(evidence: Mapping[str, Any], *, is_share: bool) -> Iterator[Section]:
    scale = POINTS if is_share else SQUARED_POINTS
    lost = "points of accuracy lost" if is_share else "squared error of the return added"
    features = importance_of(evidence)
    if features:
        bars = tuple(
            Bar(one.name, one.rise, "" if one.stability is None else f"{100 * one.stability:.0f} %") for one in features
        )
        note = "among the top in so many of the shuffles"
        text = f"How much worse it foretells when the values of one feature are shuffled ({lost}), out of sample."
        yield Section("What it leans on", (Text(text), Intervals(lost, bars, scale, mark=0.0, note=note)))
    groups = ablation_of(evidence)
    if groups:
        bars = tuple(Bar(plain_name(one.name), one.rise, plain_name(one.answer)) for one in groups)
        text = f"The same model taught again without a group of features ({lost}), on the same folds."
        blocks = (Text(text), Intervals(lost, bars, scale, mark=0.0, note="answer"))
        yield Section("What each group of features adds", blocks)
    regimes = regimes_of(evidence)
    if regimes:
        bars = tuple(
            Bar(plain_name(one.name), one.gain, "" if one.is_enough else "too few rows to say anything")
            for one in regimes
        )
        text = "Gain over the baseline in kinds of markets that could be told at the time."
        unit = PERCENT if is_share else SQUARED
        rows = tuple(
            (plain_name(one.name), _count(one.rows), _share(one.share),
             *(shown(_right(each, is_share=is_share), unit) for each in (one.model, one.baseline)))
            for one in regimes
        )  # fmt: skip
        score = "right" if is_share else "loss"
        head = ("market", "forecasts", "share", f"this model, {score}", f"baseline, {score}")
        table = Table(head, rows, frozenset({1, 2, 3, 4}))
        picture = Intervals("gain", bars, scale, mark=0.0, note="remark" if any(one.note for one in bars) else "")
        yield Section("In which markets", (Text(text), picture, table))


def _right(loss: Bounded, *, is_share: bool) -> Bounded:
    """Return the share that is right from the share that is wrong."""
    if not is_share or loss.value is None:
        return loss
    low, high = (None if one is None else 1.0 - one for one in (loss.high, loss.low))
    return Bounded(1.0 - loss.value, low, high)


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def told(rows: Sequence[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Return facts as texts; what is None or empty is left out by whoever writes them down."""
    return tuple((name, "" if value is None else str(value)) for name, value in rows)
