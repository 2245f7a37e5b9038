"""What a card says of the model itself: what it is for, what it learned from, its limits, how to make it again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from assay.selectors.cards.blocks import Block, Code, Facts, Points, Section, Table, Text
from assay.selectors.cards.evidence import told
from assay.selectors.cards.scores import mapping
from assay.selectors.model_evidence import edge_of, skill_of
from assay.selectors.models import ModelBrief, ModelPage

_HORIZON = re.compile(r"(?P<kind>[a-z_]+)_(?P<number>\d+)(?P<unit>[mhdw])")
_LENGTHS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
_FORETELLS = {
    "direction": "whether the price will be higher",
    "delta": "by how much the price will have changed",
    "return": "by which fraction the price will have changed",
}
_NO_SEED = ("columns", "purged_rows")


def purpose(page: ModelPage) -> Section:
    """Return what the model is for, and what it is not for."""
    one = page.brief
    blocks: list[Block] = [Text(f"{_foretells(one)} It is made to be held against its baseline, forecast by forecast.")]
    evidence = mapping(page.paper.get("evidence"))
    skill, edge = skill_of(evidence), edge_of(evidence)
    if skill is None:
        blocks.append(Text("Its paper has no evidence of skill: do not act on what it says.", "bad"))
    elif skill.verdict != "skill":
        blocks.append(Text("Its evidence does not show skill: do not act on what it says.", "bad"))
    elif edge is None or edge.verdict != "edge":
        blocks.append(Text("Its evidence shows skill, but no edge net of costs: do not trade on what it says.", "bad"))
    blocks.append(Text("Not financial advice. Nobody is told here to buy or to sell anything."))
    return Section("Intended use", tuple(blocks))


def learned_from(page: ModelPage) -> Section:
    """Return the rows it learned from, its features and its parameters."""
    one, paper = page.brief, page.paper
    evidence, parameters = mapping(paper.get("evidence")), mapping(paper.get("parameters"))
    rows, kept = evidence.get("rows"), evidence.get("kept_rows")
    facts = told(
        (
            ("period", f"{one.trained_from:%Y-%m-%d %H:%M} to {one.trained_until:%Y-%m-%d %H:%M} UTC"),
            ("rows", f"{rows:,}" if isinstance(rows, int) else None),
            ("kept from it", f"{kept:,} newer ones, for the test of a promotion" if isinstance(kept, int) else None),
            ("data", paper.get("data_version")),
            ("features", one.feature_set),
            ("columns", ", ".join(str(parameters.get("columns", "")).split(","))),
            ("estimator", one.model),
            ("parameters", ", ".join(f"{name} {value}" for name, value in parameters.items() if name != "columns")),
            ("seed", evidence.get("seed")),
        )
    )
    return Section("What it learned from", (Facts(facts),))


def certified(page: ModelPage) -> Section:
    """Return the certificate of its features."""
    title, found = "Whether its features see the future", mapping(page.paper.get("certificate"))
    if not found:
        text = (
            "There is no certificate: whether its features see the future was not checked, and it cannot be promoted."
        )
        return Section(title, (Text(text, "bad"),))
    checks, density = found.get("checks"), found.get("density")
    facts = told(
        (
            ("certificate", found.get("content_hash")),
            ("of", found.get("subject")),
            ("checks", ", ".join(map(str, checks)) if isinstance(checks, list | tuple) else None),
            ("rows covered", f"{100 * density:.1f} % by the thinnest check" if isinstance(density, float) else None),
            ("code", found.get("code_hash")),
            ("configuration", found.get("config_hash")),
            ("bars", found.get("data_version")),
        )
    )  # fmt: skip
    return Section(
        title, (Text("Audited on the bars it learned from; no look into the future was found."), Facts(facts))
    )


def limits(page: ModelPage) -> Section:
    """Return what nobody should take from this card."""
    one = page.brief
    texts = [
        f"It was taught on {_subject(one)} until {one.trained_until:%Y-%m-%d}. Of other series, other horizons and of "
        "markets unlike those it is not known what it is worth.",
        "Scores are of the past. A verdict of skill says that luck does not explain it, and not that it lasts.",
        f"Trials of this task and series in this home until now: {page.trials.trials:,}. What was tried elsewhere, "
        "or by hand, nobody has counted.",
        "A forecast is only as good as its input: where bars are missing, late or provisional, the answer is to "
        "abstain.",
        "Costs are an assumption (model.cost_bps); slippage, funding and limits of size are not in it.",
    ]  # fmt: skip
    return Section("Limits", (Points(tuple(texts)),))


def champions(page: ModelPage) -> Section:
    """Return who was champion of its task and series, and why."""
    title = "Champion and challengers"
    if not page.history:
        return Section(title, (Text("No model of this task and series was ever promoted."),))
    rows = tuple(
        (f"{move.author.at:%Y-%m-%d %H:%M}", move.action.value, move.aliases.champion or "nobody", move.author.name,
         move.why)
        for move in page.history
    )  # fmt: skip
    return Section(title, (Table(("when (UTC)", "what", "champion since", "by", "why"), rows),))


def made_again(page: ModelPage) -> Section:
    """Return how to make the same model again, and how to know that it is the same."""
    paper = page.paper
    requirements = paper.get("requirements")
    pinned = " ".join(map(str, requirements)) if isinstance(requirements, list | tuple) else ""
    facts = told((("model hash", paper.get("model_hash")), ("artefact, SHA-256", page.artefact_sha256),
                  ("artefact, bytes", f"{page.artefact_bytes:,}"), ("made with", pinned)))  # fmt: skip
    text = (
        "On a lake with the same bars this gives the same model hash; rows that came since make another model, and "
        "another trial."
    )
    return Section("How to make it again", (Code(command(page)), Text(text), Facts(facts)))


def command(page: ModelPage) -> str:
    """Return the command that trains it, for a shell."""
    one, evidence = page.brief, mapping(page.paper.get("evidence"))
    place, _, interval = one.series.rpartition(":")
    words = ["assay", "train", place, "--task", one.task, "--interval", interval, "--model", one.model]
    words += ["--features", one.feature_set.partition("/")[0]]
    seed = evidence.get("seed")
    words += ["--seed", str(seed)] if isinstance(seed, int) else []
    confidence = mapping(evidence.get("signal")).get("confidence")
    words += ["--confidence", str(confidence)] if isinstance(confidence, float) else []
    for name, value in mapping(page.paper.get("parameters")).items():
        if name not in _NO_SEED and name.rpartition(".")[2] != "seed":
            words += ["--set", f"{name}={value}"]
    return shlex.join(words)


def title(one: ModelBrief) -> str:
    """Return the name of the card."""
    return f"{one.model} for {one.task} of {_subject(one)}"


def _foretells(one: ModelBrief) -> str:
    found = _HORIZON.fullmatch(one.task)
    if not found:
        return f"Foretells {one.task} of {_subject(one)}."
    number, unit = int(found["number"]), _LENGTHS[found["unit"]]
    length = f"{number} {unit}{'' if number == 1 else 's'}"
    if found["kind"] == "signal":
        return f"Says BUY, SELL or HOLD at the close of a bar of {_subject(one)}, for the price {length} later."
    what = _FORETELLS.get(found["kind"], f"{found['kind'].replace('_', ' ')} of the price")
    return f"Foretells {what} {length} after the close of a bar of {_subject(one)}."


def _subject(one: ModelBrief) -> str:
    parts = one.series.split(":")
    if len(parts) == 4:
        venue, market, symbol, interval = parts
        return f"{symbol} ({venue} {market}, bars of {interval})"
    if len(parts) == 2:
        return f"all series of {parts[0]} (bars of {parts[1]})"
    return one.series


def sections(page: ModelPage) -> Iterator[Section]:
    """Yield what is said after the evidence."""
    yield learned_from(page)
    yield certified(page)
    yield limits(page)
    yield champions(page)
    yield made_again(page)
