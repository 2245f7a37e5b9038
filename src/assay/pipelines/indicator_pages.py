"""The reference of the indicators: a page for each family with pictures, and one that lists them all.

What stands there is what the Steps say of themselves, so a page cannot tell of a parameter or a rule that is gone.
``make docs`` runs this module, and a test holds that the pages of the tree are what it writes.

>>> sorted(pages())[:2], pages()["volatility.md"].splitlines()[0]
(['adx.svg', 'atr.svg'], '# Volatility')
"""

from __future__ import annotations

import functools
import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from assay.domain.errors import BadInputError
from assay.features.aliases import StepColumn, usual_name
from assay.features.bars import Bars
from assay.features.families import FAMILIES, Family
from assay.features.registry import STEPS
from assay.features.stability import history_needed
from assay.features.step import Step
from assay.features.texts import parameters, step_text
from assay.pipelines.indicator_pictures import draw, made_bars, run_plainly
from assay.pipelines.indicator_prose import AFTER, PROSE

INDEX = "index.md"
_BARS = 1400
_STARTS = 12
_IMPOSSIBLE: dict[type, object] = {int: -(10**9), float: -1e300, str: "?"}
"""Values that no parameter takes: what refuses them says what it takes."""


@functools.cache
def pages() -> dict[str, str]:
    """Return every file by its name: ``index.md``, a page a family, and a picture a Step."""
    bars = made_bars(_BARS)
    files = {f"{family.name}.md": _family_page(family, bars) for family in FAMILIES}
    files |= {f"{name}.svg": draw(STEPS[name](), bars) for family in FAMILIES for name in family.steps}
    return files | {INDEX: _index()}


def write_pages(folder: Path) -> list[Path]:
    """Write the files into the folder, which is made if need be; pages and pictures of what is gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in (*folder.glob("*.md"), *folder.glob("*.svg")):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return sorted(folder / name for name in wanted)


def _family_page(family: Family, bars: Bars) -> str:
    made = "<!-- Written by `make docs` from what the Steps say of themselves; what is changed here is lost. -->"
    begin = [f"# {family.title}", made, family.about, PROSE[family.name].strip()]
    names = [STEPS[name]().docs.title for name in family.steps]
    after = AFTER.get(family.name, "").strip()
    names += re.findall(r"^## (.*)$", after, flags=re.MULTILINE)
    listed = "On this page: " + ", ".join(f"[{name}](#{_anchor(name)})" for name in names) + "."
    told = [_section(STEPS[name](), bars) for name in family.steps]
    return "\n\n".join(filter(None, [*begin, listed, *told, after, _END])) + "\n"


_END = (
    "The pictures show made bars, the same for all indicators. [All families](index.md), "
    "[what a Step promises](../../concepts/steps.md)."
)


def _section(step: Step, bars: Bars) -> str:
    docs = step.docs
    formula = "\n".join(textwrap.wrap(docs.formula, 96, break_long_words=False, break_on_hyphens=False))
    written = f"In links and commands `{step_text(step)}`" + (
        "; those are the usual parameters." if parameters(step) else "."
    )
    parts = [
        f"## {docs.title}",
        written,
        f"![{docs.title} over made bars]({step.name}.svg)",
        f"```text\n{formula}\n```",
        _parameters(step),
        _outputs(step),
        "\n".join(f"- **{what}**: {_plain(text)}" for what, text in _facts(step, bars).items()),
    ]
    return "\n\n".join(part for part in parts if part)


def _parameters(step: Step) -> str:
    rows = [(f"`{name}`", f"`{_short(value)}`", _taken(step, name)) for name, value in parameters(step).items()]
    return _table(("parameter", "usual", "takes"), rows)


def _taken(step: Step, name: str) -> str:
    """Return what a parameter takes, in the words of what refuses the rest."""
    usual = parameters(step)
    try:
        STEPS[step.name](**(usual | {name: _IMPOSSIBLE[type(usual[name])]}))
    except BadInputError as error:
        return re.sub(r"^(give|use) ", "", error.todo)
    raise AssertionError(f"{step.name} takes any {name}")


def _outputs(step: Step) -> str:
    rows = []
    for output, unit in zip(step.outputs, step.docs.units, strict=True):
        usual = usual_name(StepColumn(step, output))
        rows.append((f"`{output}`", unit, "" if usual == output else f"`{usual}`"))
    if any(row[2] for row in rows):
        return _table(("column", "unit", "usual name"), rows)
    return _table(("column", "unit"), [row[:2] for row in rows])


def _facts(step: Step, bars: Bars) -> dict[str, str]:
    docs = step.docs
    facts = {
        "Reads": ", ".join(step.inputs) or "the times of the bar",
        "Warm-up": _bars(step.warmup) if step.warmup else "none",
        "History": _history(step, bars),
        "Missing bars": docs.gap_rule,
        "NaN": docs.nan_rule,
    }
    if docs.undefined:
        facts["No value"] = docs.undefined
    return facts | {"Reference": docs.reference}


def _history(step: Step, bars: Bars) -> str:
    if step.docs.endless:
        return f"all of it: {step.docs.endless}"
    needed = history_needed(step, bars, starts=_STARTS, run=run_plainly)
    if needed is None:
        return f"more than {_bars(len(bars) // 2)}, measured on the bars of the pictures"
    if needed <= step.warmup + 1:
        return "the bar itself" if needed == 1 else f"the last {_bars(step.warmup + 1)}"
    rounded = -(-needed // 10) * 10
    return (
        f"after about {rounded} bars a fresh start gives the same values to 1e-9, measured on the bars of the pictures"
    )


def _index() -> str:
    families = [
        (f"[{family.title}]({family.name}.md)", family.about, ", ".join(_link(name) for name in family.steps))
        for family in FAMILIES
    ]
    return _INDEX.format(
        count=sum(len(family.steps) for family in FAMILIES),
        families=_table(("family", "what it tells", "indicators"), families),
    )


_INDEX = """# Indicators

<!-- Written by `make docs` from what the Steps say of themselves; what is changed here is lost. -->

{count} indicators, each with its formula, its units, what it does at the start, over holes and with NaN, and a picture.
Live and in history they are one code ([Steps](../../concepts/steps.md)).

{families}

[GARCH](volatility.md#garch), which is fitted, has a command of its own.

## How they are written

The same on the site, in the API and in commands: the name, then the parameters in their order, with colons between
them; those that are left out at the end are the usual ones. After `@` stands what it is computed of in place of the
close.

| text | means |
|---|---|
| `rsi` | RSI with the usual 14 bars |
| `bollinger:20:2.5` | bands of 20 bars, 2.5 standard deviations wide |
| `calendar:Europe/Berlin` | hours and weekdays in Berlin |
| `rolling_mean:24@volume` | of another column of the bar |
| `rsi:14@4h` | over bars of four hours, of which only closed ones are seen |

A column is called after the indicator and its parameters, a number with a point as in `bb_upper_20_2p5`. Many are also
understood by their usual names: `RSI_14`, `MACD_signal`, `Price_momentum_3h`. `assay features list` names all of them,
`assay features compute` gives the rows.

## What the facts mean

- **Warm-up**: so many rows at the start of a series have no value.
- **History**: how many bars it takes until a value no longer depends on where the series begins. An average of 20 bars
  needs those; an exponential one never quite forgets, but after some hundred bars what is left is below 1e-9. A running
  total needs every bar since the first. `assay features show rsi:21` measures it for any parameters.
- **Missing bars**: bars are never filled in. Some indicators go on with the next bar there is; those that measure a
  change over a span of time are NaN while the hole is in that span.
- **NaN**: what a value that is not there does, in a column that the indicator reads.
- **No value**: when there is none although the warm-up is over.
"""


def _link(name: str) -> str:
    family = next(one for one in FAMILIES if name in one.steps)
    title = STEPS[name]().docs.title
    return f"[{title}]({family.name}.md#{_anchor(title)})"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in (head, *rows)]
    lines.insert(1, "|".join("---" for _ in head))
    return "\n".join(f"|{line}|" if line.startswith("---") else f"| {line} |".replace("  |", " |") for line in lines)


def _bars(count: int) -> str:
    return f"{count} bar" if count == 1 else f"{count} bars"


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _plain(text: str) -> str:
    """Return a text in which Markdown finds nothing to set off."""
    return re.sub(r"([*|<\[])", r"\\\1", text)


if __name__ == "__main__":
    written = write_pages(Path(sys.argv[1]))
    sys.stdout.write(f"{written[0].parent}: {len(written)} files\n")
