"""Every command of docs/tutorial.md is run as a newcomer would, and prints what the page says."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONCEPTS = [
    page for page in sorted((ROOT / "docs" / "concepts").glob("*.md")) if "```python" in page.read_text("utf-8")
]
PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
SAVED = re.compile(r"Save this as `([\w.]+)`:\n\n```\w+\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
INSTALLATION = {"make install", "source .venv/bin/activate", "make demo"}
"""What this test cannot do again; `.ci/run` and the Makefile's own targets are there for it."""
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the page and what it prints there."""

    words: str
    output: str


def commands(text: str) -> list[Command]:
    """Return the commands of the console blocks in their order."""
    found = []
    for kind, body in BLOCK.findall(text):
        if kind == "console":
            assert body.startswith("$ "), f"a console block has to begin with a command: {body}"
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                words, _, output = part.partition("\n")
                while words.endswith("\\"):
                    more, _, output = output.partition("\n")
                    words += "\n" + more.removeprefix(">")
                found.append(Command(words, output))
    return found


def run(script: list[str], folder: Path) -> list[str]:
    """Run the commands in one shell and return what each printed; a command that fails stops them."""
    marked = "\n".join(f"{words}\necho; echo '@@@'" for words in script)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "ASSAY_LAKE__THREADS": "1"}
    done = subprocess.run(
        ["bash", "-e", "-c", marked],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1_800,
    )
    parts = done.stdout.split("\n@@@\n")
    assert done.returncode == 0, f"{script[len(parts) - 1]}\n{parts[-1]}"
    return parts[:-1]


def test_every_command_of_the_tutorial_works_and_prints_what_the_page_says(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, body in SAVED.findall(text):
        (tmp_path / name).write_text(body, encoding="utf-8")
    shown = [one for one in commands(text) if one.words not in INSTALLATION]
    assert len(shown) > 12
    printed = run([one.words for one in shown], tmp_path)
    checker = doctest.OutputChecker()
    wrong = [
        f"$ {one.words}\n{output}"
        for one, output in zip(shown, printed, strict=True)
        if not checker.check_output(one.output, output, FLAGS)
    ]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("page", CONCEPTS, ids=lambda page: page.stem)
def test_python_on_a_page_of_the_concepts_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # where its files go
    blocks = [body for kind, body in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == "python"]
    assert blocks
    names: dict[str, object] = {}  # a page is read from the top: a block goes on with what those before it made
    for body in blocks:
        exec(compile(body, str(page), "exec"), names)
    assert capsys.readouterr().out.strip()


def test_what_the_tutorial_installs_with_is_in_the_makefile() -> None:
    shown = {one.words for one in commands(PAGE.read_text(encoding="utf-8"))}
    assert shown >= INSTALLATION
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for words in INSTALLATION:
        tool, target = words.split()[0], words.split()[-1]
        assert tool != "make" or re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
