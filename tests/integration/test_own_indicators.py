"""The how-to adds an indicator as it says: its file passes its commands, and is known wherever a shipped one is."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from assay.domain.errors import BadInputError
from assay.features.registry import use_own_steps
from assay.pipelines.training_table import TableRequest, make_training_table
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import load_settings
from assay.web.chart import indicator_groups
from tests.integration.command import Command, Said, clone
from tests.integration.served import serving

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "add-an-indicator.md").read_text(encoding="utf-8")
((NAME, TEXT),) = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
SETTINGS, SET = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^assay (.*)$", PAGE, flags=re.MULTILINE)
SERIES = "binance:spot:BTC-USDT"
COLUMN = "efficiency_ratio_5"
SMALL = "{name: small, version: 1, steps: [MACD_signal, efficiency_ratio], aliases: {efficiency_ratio_10: straight}}"
"""A set whose Steps the other tests compile as well."""


@pytest.fixture(scope="module")
def home(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with what the page says in it."""
    home = clone(built, tmp_path_factory.mktemp("own") / "home")
    (home / "indicators").mkdir()
    (home / "indicators" / NAME).write_text(TEXT, encoding="utf-8")
    (home / "mine.yaml").write_text(SET, encoding="utf-8")
    (home / "small.yaml").write_text(SMALL, encoding="utf-8")
    (home / "assay.yaml").write_text(f"{SETTINGS}  sets: mine.yaml, small.yaml\n", encoding="utf-8")
    return home


@pytest.fixture(autouse=True)
def nothing_stays_known() -> Iterator[None]:
    yield
    use_own_steps({})


@pytest.fixture
def own(home: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys, home)


@pytest.fixture
def workspace(home: Path) -> Workspace:
    return open_workspace(load_settings({"home": home, "lake.threads": 1}), create=False)


def json_of(said: Said) -> dict[str, object]:
    assert said.code == 0, said.err
    return dict(json.loads(said.out))


def ratio(closes: list[float], n: int) -> list[float | None]:
    """The formula of the page, bar by bar."""
    found: list[float | None] = []
    for at in range(len(closes)):
        span = np.array(closes[max(0, at - n) : at + 1])
        way = float(np.abs(np.diff(span)).sum())
        found.append(None if at < n else abs(span[-1] - span[0]) / way if way else 0.0)
    return found


def test_commands_of_the_page_do_what_it_says(own: Command) -> None:
    check, *rest = COMMANDS
    assert [words.split()[:2] for words in COMMANDS] == [["features", one] for one in ("check", "show", "compute")]
    said = own(*shlex.split(check.replace(NAME, str(own.home / "indicators" / NAME))), "--cases", "2")
    assert said.code == 0, said.out + said.err
    assert "FAILED" not in said.out
    assert said.out.count("\npassed   ") == 23
    assert re.search(r"^history  exact after 11 bars", said.out, flags=re.MULTILINE)
    assert re.search(r"^speed    [0-9.]+ ns a bar in a batch, [0-9.]+ µs a bar in a stream$", said.out, flags=re.M)
    for words in rest:
        said = own(*shlex.split(words))
        assert said.code == 0, said.err
        assert "efficiency_ratio" in said.out


def test_a_check_that_fails_ends_with_one_and_shows_the_bars(own: Command, tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(TEXT.replace("return self.n\n", "return self.n - 1\n"), encoding="utf-8")
    said = own("features", "check", file, "--cases", "0", "--json")
    assert said.code == 1
    (step,) = said.document["steps"]
    assert (said.document["passed"], step["passed"], step["batch_ns"]) == (False, False, None)
    failed = next(one for one in step["checks"] if one["check"] == "first value comes exactly after the warmup")
    assert not failed["passed"]
    assert failed["broken"].startswith("no value after the warm-up of 1 bars: 'row 0 of them")
    file.write_text(TEXT.replace("if math.isnan(bar.close):", "if math.isnan(bar.open):"), encoding="utf-8")
    said = own("features", "check", file, "--cases", "0")
    assert said.code == 1
    assert "open is read, which `inputs` does not name: 'row 0" in said.out or "has a value" in said.out
    assert re.search(r"the smallest bars found that break it \(\d+ rows?", said.out)
    missing = own("features", "check", tmp_path / "gone.py", "--json")
    assert (missing.code, json.loads(missing.out)["error"]["type"]) == (2, "BadInputError")


def test_it_is_listed_computed_and_stamped_like_a_shipped_one(own: Command, workspace: Workspace) -> None:
    listed = json_of(own("features", "list", "--json"))
    (step,) = [one for one in listed["steps"] if one["name"] == "efficiency_ratio"]  # type: ignore[attr-defined]
    assert (step["family"], step["file"]) == ("own", str(own.home / "indicators" / NAME))
    mine = next(one for one in listed["sets"] if one["name"] == "mine")  # type: ignore[attr-defined]
    assert "efficiency_ratio_10" in mine["columns"]
    file = own.home / "rows.parquet"
    asked = ("features", "compute", SERIES, "--features", "efficiency_ratio:5,MACD_signal")
    about = json_of(own(*asked, "--save-to", file, "--json"))
    rows = pl.read_parquet(file)
    file.unlink()
    assert rows.columns[6:-1] == [COLUMN, "macd_signal_12_26_9"]
    with workspace.lake() as lake:
        closes = lake.execute("select close from lake.silver.crypto_prices_cleaned order by open_time").fetchall()
    expected = ratio([float(close) for (close,) in closes], 5)
    assert rows[COLUMN].is_null().to_list() == [value is None for value in expected]
    np.testing.assert_allclose(rows[COLUMN].drop_nulls(), [one for one in expected if one is not None], rtol=1e-12)
    source = own.home / "indicators" / NAME
    source.write_text(TEXT.replace("path > 0.0 else 0.0", "path > 0.0 else 1.0"), encoding="utf-8")
    changed = json_of(own(*asked, "--json"))
    source.write_text(TEXT, encoding="utf-8")
    assert changed["feature_set"] != about["feature_set"]
    assert changed["content_hash"] == about["content_hash"]


def test_a_set_of_ones_own_makes_a_training_table_and_is_shown(own: Command, workspace: Workspace) -> None:
    shown = json_of(own("features", "show", "mine", "--json"))
    columns = [one["name"] for one in shown["columns"]]  # type: ignore[attr-defined]
    assert columns[:4] == ["rsi_14", "realised_volatility_24", "efficiency_ratio_10", "usual_volume"]
    small = json_of(own("features", "show", "small", "--json"))
    made = make_training_table(workspace, TableRequest((SERIES,), "small", "direction_1h"))
    assert made.feature_set == small["identity"]
    assert made.frame.columns[6:8] == ["macd_signal_12_26_9", "straight"]
    assert made.frame.height > 0
    said = own("features", "table", SERIES, "--features", "small", "--label", "direction_1h", "--json")
    assert json_of(said)["content_hash"] == made.content_hash
    for name, word in (
        ("mien", "did you mean mine"),
        ("zzz", "use one of direction, mine, next_bar, next_bar_flow, returns_and_risk, small"),
    ):
        with pytest.raises(BadInputError, match=f"unknown feature set: '{name}'; {word}"):
            make_training_table(workspace, TableRequest((SERIES,), name))


def test_the_api_and_the_chart_have_it(workspace: Workspace) -> None:
    with serving(workspace) as client:
        kinds = {one["name"]: one for one in client.json("/api/v1/indicators")["indicators"]}
        assert kinds["efficiency_ratio:10"]["outputs"] == ["efficiency_ratio_10"]
        asked = f"/api/v1/indicators/{SERIES}?interval=1h&indicators=efficiency_ratio:5"
        assert COLUMN in json.dumps(client.json(asked))
        page = client.get(f"/assets/{SERIES}/")
        assert "Efficiency ratio" in page.text
        assert indicator_groups()[-1].family.title == "Your own"


def test_a_bad_file_stops_a_command_and_not_a_server(
    own: Command, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    bad = own.home / "indicators" / "wrong.py"
    bad.write_text("import math\n\n1 +\n", encoding="utf-8")
    try:
        for words in (("list",), ("show", "rsi"), ("compute", SERIES, "--features", "rsi"), ("table", SERIES)):
            said = own("features", *words)
            assert (said.code, said.is_one_line()) == (2, True)
            assert f"{bad}, line 3: not Python" in said.err
        assert own("status").code == 0
        with serving(workspace) as client:
            names = [one["name"] for one in client.json("/api/v1/indicators")["indicators"]]
        assert "efficiency_ratio:10" in names
        assert f"indicator_left_out=\"{bad}, line 3: not Python: 'invalid syntax'; correct it\"" in caplog.text
    finally:
        bad.unlink()


def test_a_kernel_that_fails_in_use_is_one_line_too(own: Command) -> None:
    bad = own.home / "indicators" / "late.py"
    text = TEXT.replace('"efficiency_ratio"', '"late"').replace("efficiency_ratio_{", "late_{")
    bad.write_text(text.replace("ratio = abs(", "ratio = window[99_999] + abs("), encoding="utf-8")
    try:
        said = own("features", "compute", SERIES, "--features", "late")
        assert (said.code, said.is_one_line()) == (2, True)
        assert f"indicator late of {bad} fails with IndexError" in said.err
        assert f"run `assay features check {bad}`" in said.err
    finally:
        bad.unlink()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{name: technical, version: 1, steps: [rsi]}", "two feature sets of one name: 'technical'; call the set in "),
        (
            "{name: rsi, version: 1, steps: [ema]}",
            "a feature set with the name of an indicator: 'rsi'; call the set in ",
        ),
        (
            "name: mine\nversion: 1\nsteps: [rsi]\nversion: 2",
            r"mine\.yaml, line 4: a key stands twice: 'version'; it is in line 2 too: keep one",
        ),
        ("{name: mine, version: 1, steps: [{step: ema, n: 3, n: 4}]}", r"mine\.yaml, line 1: a key stands twice: 'n'"),
        ("{name: mine, version: 1", "a feature set that is not YAML"),
        ("[" * 5_000, r"a file of features\.sets goes too deep"),
        ("{name: mine, version: 1, steps: [&a {step: ema, n: 3, of: *a}]}", r"steps\[1\]: steps of steps without end"),
        ("{name: mine, version: 1, steps: [rsi, no_such]}", r"mine\.yaml: steps\[2\]: unknown"),
    ],
)
def test_a_bad_set_is_one_line_wherever_sets_are_named(
    workspace: Workspace, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    sets = workspace.settings.features.model_copy(update={"sets": (str(tmp_path / "mine.yaml"),)})
    settings = workspace.settings.model_copy(update={"features": sets})
    with pytest.raises(BadInputError, match=said):
        make_training_table(open_workspace(settings, create=False), TableRequest((SERIES,)))


def test_a_name_that_is_taken_is_left_out_by_a_server_and_the_shipped_one_answers(
    own: Command, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    bad = own.home / "indicators" / "mine.py"
    bad.write_text(TEXT.replace('"efficiency_ratio"', '"garch"'), encoding="utf-8")
    try:
        said = own("features", "list")
        assert (said.code, said.is_one_line()) == (2, True)
        assert re.search(rf"{bad}, line \d+: \w+: a name that is taken: 'garch'; give yours another name", said.err)
        with serving(workspace) as client:
            kinds = {one["name"]: one for one in client.json("/api/v1/indicators")["indicators"]}
            assert kinds["garch:168:2000:t"]["outputs"] == ["garch_volatility", "garch_volatility_annualised"]
            assert "efficiency_ratio:10" in kinds
            titles = [one.title for group in indicator_groups() for one in group.forms if one.name == "garch"]
            assert titles == [kinds["garch:168:2000:t"]["title"]]
        assert "a name that is taken: 'garch'" in caplog.text
    finally:
        bad.unlink()


def test_an_own_name_that_begins_like_a_label_is_audited_as_what_it_is(own: Command) -> None:
    mine = own.home / "indicators" / "mine.py"
    mine.write_text(
        TEXT.replace('"efficiency_ratio"', '"return_path"').replace("efficiency_ratio_{", "return_path_{"),
        encoding="utf-8",
    )
    try:
        said = own("audit", "return_path:5", "--json")
        assert (said.code, said.document["is_causal"]) == (0, True)
    finally:
        mine.unlink()


def test_bars_that_are_too_long_for_a_step_are_refused_and_not_answered_with_nothing(
    own: Command, workspace: Workspace
) -> None:
    words = "bars of 1h do not make bars of 15m: 'rsi_14_15m'; ask for bars of 15m, or for shorter ones"
    for asked in (("features", "compute", SERIES, "--features", "ema:3,rsi@15m"), ("audit", "rsi@15m")):
        said = own(*asked)
        assert (said.code, said.is_one_line()) == (2, True)
        assert words in said.err
    (own.home / "fine.yaml").write_text("{name: fine, version: 1, steps: [rsi@15m]}", encoding="utf-8")
    sets = workspace.settings.features.model_copy(update={"sets": (str(own.home / "fine.yaml"),)})
    settings = workspace.settings.model_copy(update={"features": sets})
    with pytest.raises(BadInputError, match=words):
        make_training_table(open_workspace(settings, create=False), TableRequest((SERIES,), "fine", "direction_1h"))


def test_lengths_of_time_are_counted_in_the_bars_that_are_asked_for(own: Command) -> None:
    other = own.home / "short.yaml"
    other.write_text("{name: short, version: 1, steps: [Price_momentum_30m]}", encoding="utf-8")
    settings = own.home / "assay.yaml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before.replace("sets: mine.yaml", "sets: short.yaml, mine.yaml"), encoding="utf-8")
    try:
        # Of no concern to whoever asks for something else.
        assert own("features", "compute", SERIES, "--features", "rsi").code == 0
        said = own("features", "list")
        assert (said.code, "no whole number of bars of 1h: 'Price_momentum_30m'" in said.err) == (2, True)
        shown = json_of(own("features", "show", "short", "--interval", "15m", "--json"))
        assert [one["name"] for one in shown["columns"]] == ["price_momentum_2"]  # type: ignore[attr-defined]
    finally:
        settings.write_text(before, encoding="utf-8")
        other.unlink()
