"""Files of people's own: what they define is known like what is shipped, and what is wrong is said with its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.domain.errors import BadInputError
from assay.features.declared import declared_set, set_of_texts
from assay.features.families import OWN, family_of, known_families
from assay.features.over import Over
from assay.features.own import file_of, is_own, read_file, read_own_steps, running
from assay.features.registry import STEPS, find_step, known_steps, use_own_steps
from assay.features.step import identity
from assay.features.texts import parse_step, step_text

FILE = '''
"""Distance of the close from the open."""

import math
from dataclasses import dataclass
from typing import ClassVar

from assay.indicators import NO_WINDOW, Bar, FloatArray, Kernel, StepDocs, Values, check_length

WEIGHT = 2.0


def body_kernel(state: Values, _window: FloatArray, bar: Bar, params: Values) -> tuple[Values, Values]:
    return state, (WEIGHT * params[0] * (bar.close - bar.open),)


@dataclass(frozen=True, slots=True)
class Body:
    """Body of the candle, n times."""

    n: int = 3

    name: ClassVar[str] = "body"
    inputs: ClassVar[tuple[str, ...]] = ("open", "close")
    docs: ClassVar[StepDocs] = StepDocs("Body", "n (close - open)", ("quote units",), "none", "NaN", "by definition")

    def __post_init__(self) -> None:
        check_length(self.name, self.n)

    @property
    def outputs(self) -> tuple[str, ...]:
        return (f"body_{self.n}",)

    @property
    def warmup(self) -> int:
        return 0

    @property
    def params(self) -> Values:
        return (float(self.n),)

    @property
    def kernel(self) -> Kernel:
        return body_kernel

    def init(self) -> tuple[Values, FloatArray]:
        return (0.0,), NO_WINDOW
'''
CLASS_LINE = FILE[: FILE.index("class Body")].count("\n") + 1


@pytest.fixture(autouse=True)
def nothing_stays_known() -> Iterator[None]:
    yield
    use_own_steps({})


def written(path: Path, text: str = FILE) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_an_own_step_is_found_wherever_a_shipped_one_is(tmp_path: Path) -> None:
    use_own_steps(read_own_steps([written(tmp_path / "body.py")]).steps)
    step = parse_step("body:5")
    assert (step.outputs, step_text(step), is_own(step)) == (("body_5",), "body:5", True)
    assert file_of(step) == tmp_path / "body.py"
    assert set_of_texts(["body", "rsi"]).columns == ("body_3", "rsi_14")
    assert declared_set({"name": "x", "version": 1, "steps": [{"step": "body", "n": 7}]}).columns == ("body_7",)
    assert family_of("body") is OWN
    assert known_families()[-1] is OWN
    assert sorted(known_steps()) == sorted([*STEPS, "body"])
    with pytest.raises(BadInputError, match="did you mean body"):
        find_step("boddy")
    use_own_steps({})
    assert OWN not in known_families()
    with pytest.raises(BadInputError, match="unknown indicator"):
        find_step("body")


def test_the_hash_changes_with_the_code_and_with_nothing_else(tmp_path: Path) -> None:
    def hash_of(text: str, name: str = "body.py") -> str:
        (make,) = read_file(written(tmp_path / name, text)).values()
        return identity(make())

    whole = hash_of(FILE)
    assert hash_of(FILE, "elsewhere.py") == whole
    assert hash_of(FILE.replace("Body of the candle", "The body of it")) == whole
    assert hash_of(FILE.replace("bar.close - bar.open", "bar.open - bar.close")) != whole
    assert hash_of(FILE.replace("WEIGHT = 2.0", "WEIGHT = 2.5")) != whole
    assert hash_of(FILE) == whole


def test_a_file_that_has_not_changed_gives_the_same_classes(tmp_path: Path) -> None:
    path = written(tmp_path / "body.py")
    assert read_file(path)["body"] is read_file(path)["body"]


def test_of_a_folder_every_file_counts_that_is_not_left_out(tmp_path: Path) -> None:
    written(tmp_path / "b.py", FILE.replace('"body"', '"other"'))
    written(tmp_path / "a.py")
    written(tmp_path / "_later.py", "not python at all")
    written(tmp_path / "._a.py", "nor this")
    written(tmp_path / "notes.txt", "nor this")
    found = read_own_steps([tmp_path, tmp_path / "a.py"])
    assert (list(found.steps), found.problems) == (["body", "other"], ())


def test_a_file_with_a_fault_is_left_out_and_the_others_count(tmp_path: Path) -> None:
    good, twice = written(tmp_path / "good.py"), written(tmp_path / "twice.py")
    found = read_own_steps([tmp_path / "gone.py", good, written(tmp_path / "bad.py", "1 +"), twice])
    assert list(found.steps) == ["body"]
    said = [str(one) for one in found.problems]
    assert len(said) == 3
    assert "not there" in said[0]
    assert "bad.py, line 1: not Python" in said[1]
    assert f"twice.py, line {CLASS_LINE}: two indicators of one name: 'body'; the other is in {good}" in said[2]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return (float(self.n),)", "return (float(self.n)", "line {line}: not Python"),
        (
            "WEIGHT = 2.0",
            "WEIGHT = 2.0 / 0.0",
            "line {line}: raises ZeroDivisionError when it is read: 'float division",
        ),
        ("WEIGHT = 2.0", "raise SystemExit(3)", "line {line}: raises SystemExit when it is read: '3'"),
        ("WEIGHT = 2.0", "import nothing_of_the_kind", "line {line}: raises ModuleNotFoundError"),
        ("class Body", "class _Body", "no indicator in the file"),
        ('"body"', '"ema"', "an indicator of this name is shipped: 'ema'"),
        ('"body"', '"bb_width"', "a name that is taken: 'bb_width'"),
        (
            '"body"',
            '"rsi_14"',
            "a name that is taken: 'rsi_14'; give yours another name: it means a column of a shipped",
        ),
        ('"body"', '"garch"', "Body: a name that is taken: 'garch'; give yours another name: it means the volatility"),
        ('"body"', '"over"', "a name that is taken: 'over'; give yours another name: it means an indicator over"),
        ('"body"', '"volume"', "a name that is taken: 'volume'; .*: it means a column of the bars"),
        ('"body"', '"technical"', "a name that is taken: 'technical'; .*: it means a feature set"),
        ('"body"', '"return_24h"', "a name that is taken: 'return_24h'; .*: it means a label"),
        ('"body"', '"all"', "a name that is taken: 'all'; .*: it means everything that ships"),
        ('"body"', '"Body"', "name is no name: 'Body'"),
        ("def warmup", "def warm", "not a whole indicator: 'no warmup'"),
        ("frozen=True, ", "", "not a frozen dataclass"),
        ("n: int = 3", "n: int", "raises TypeError when it is made"),
        ("n: int = 3", "n: int = 0", "line [0-9]+: Body: length of body out of range: '0'"),
        ("n: int = 3", "n: int = 3\n    is_on: bool = True", "parameter is_on of another kind: 'True'"),
        ('(f"body_{self.n}",)', '("close_time",)', "an output cannot be called so: 'close_time'"),
        ('(f"body_{self.n}",)', 'f"body_{self.n}"', "outputs are no names of columns"),
        ('("open", "close")', '("opened",)', "inputs are no columns of a bar: 'opened'"),
        ('("quote units",)', "()", "docs.units are not one for each output"),
        (
            '"by definition")',
            '"by definition", family="momentun")',
            "docs.family is none: 'momentun'; did you mean mom",
        ),
        ("return 0\n", "return -1\n", "warmup is no number of bars: '-1'"),
        ("(0.0,), NO_WINDOW", "(0,), NO_WINDOW", "the state that .* returns: not floats: '\\(0,\\)'"),
        ("(0.0,), NO_WINDOW", "(0.0,), [0.0]", "the window that .* returns is none"),
        (
            "return (0.0,), NO_WINDOW",
            "import numpy; return (0.0,), numpy.empty(10**7 + 1)",
            "the window that .* returns is too long: '10000001'",
        ),
        ("WEIGHT = 2.0", "WEIGHT = [2.0]", "reads what may change: 'WEIGHT'"),
        ("return body_kernel", "return math.sin", "not a kernel: 'sin'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert FILE.count(old) >= 1
    text = FILE.replace(old, new)
    line = text[: text.index(new)].count("\n") + 1
    with pytest.raises(BadInputError, match=said.format(line=line)) as caught:
        read_file(written(tmp_path / "mine.py", text))
    assert str(tmp_path / "mine.py") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_bytes(b"\xff\xfe\x00x")
    with pytest.raises(BadInputError, match=r"mine\.py.*: not Python"):
        read_file(tmp_path / "mine.py")


def test_what_a_file_prints_does_not_get_into_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read_file(written(tmp_path / "loud.py", f"print('hello')\n{FILE}"))
    assert capsys.readouterr() == ("", "hello\n")


def test_own_code_that_fails_is_named_and_a_fault_of_shipped_code_is_let_through(tmp_path: Path) -> None:
    (make,) = read_file(written(tmp_path / "body.py", FILE.replace('("open", "close")', '("close",)'))).values()
    with (
        pytest.raises(
            BadInputError, match=r"indicator body of .*body\.py fails with ValueError: 'no'; run `assay feat"
        ),
        running(Over(make(), "volume")),
    ):
        raise ValueError("no")
    with pytest.raises(ValueError, match="no"), running(find_step("ema")()):
        raise ValueError("no")


def test_a_shipped_name_cannot_be_taken() -> None:
    with pytest.raises(BadInputError, match="is shipped: 'rsi'"):
        use_own_steps({"rsi": STEPS["ema"]})
