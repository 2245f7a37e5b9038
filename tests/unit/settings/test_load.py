"""Where a setting comes from, which source wins, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from assay.domain.errors import SettingsError
from assay.settings import Settings, describe, load_settings, setting_keys, variable_of
from assay.settings.load import NOT_SETTINGS

TOKEN = "hunter2-do-not-show"


class SinkSettings(BaseModel):
    webhook: SecretStr | None = None
    token: SecretStr = SecretStr("")


class WithSecrets(Settings):
    sink: SinkSettings = SinkSettings()


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def sources(settings: Settings) -> dict[str, str]:
    return {row.key: row.source for row in describe(settings)}


def test_defaults_hold_when_nothing_is_said() -> None:
    settings = load_settings()
    assert settings.home == Path.home() / ".assay"
    assert settings.preferred_places == ("coinbase:spot", "binance:spot", "binance:usdm")
    assert (settings.lake.threads, settings.lake.memory_limit, settings.lake.min_free_bytes) == (2, "2GB", 200_000_000)
    assert (settings.model.horizon_hours, settings.model.folds, settings.model.block_bars) == (24, 6, 168)
    assert set(sources(settings).values()) == {"default"}


def test_argument_wins_over_environment_over_file_over_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "some.yaml", "lake: {threads: 3, memory_limit: 3GB, lock_timeout_s: 3}\nlog_level: info\n")
    monkeypatch.setenv("ASSAY_LAKE__THREADS", "4")
    monkeypatch.setenv("ASSAY_LAKE__MEMORY_LIMIT", "4GB")
    settings = load_settings({"lake.threads": 5, "model.seed": None}, file=file)
    assert (settings.lake.threads, settings.lake.memory_limit, settings.lake.lock_timeout_s) == (5, "4GB", 3.0)
    assert settings.log_level == "INFO"
    found = sources(settings)
    assert found["lake.threads"] == "argument"
    assert found["lake.memory_limit"] == "environment"
    assert found["lake.lock_timeout_s"] == found["log_level"] == "file"
    assert found["lake.min_free_bytes"] == found["model.seed"] == "default"


@pytest.mark.parametrize("key", setting_keys())
def test_every_setting_can_be_set_in_every_source(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"home": "elsewhere", "preferred_places": "kraken:spot", "recordings": "plan.yaml", "log_level": "error"}
    values |= {"lake.memory_limit": "3GB", "model.folds": "5", "lake.threads": "32", "ingest.intervals": "1d,1h"}
    values |= dict.fromkeys(("ingest.since", "ingest.since_short", "ingest.every", "ingest.settle"), "3h")
    values |= {"lake.keep_snapshots": "3h", "lake.keep_bodies": "3h"}
    values |= dict.fromkeys(("ingest.confirmations", "ingest.concurrency", "ingest.attempts"), "32")
    values |= {"serve.public_url": "https://a.org", "serve.secret_key": "k" * 50}
    values |= dict.fromkeys(("serve.require_keys", "serve.require_login"), "true")
    values |= {"reconcile.stand_ins": "binance:spot:USDT=spot:USD", "fees.own": "binance:spot=7.5/7.5@2024-01-31"}
    values |= {"lake.catalog": "postgresql://host/lake", "lake.catalog_schema": "lake", "lake.bronze": "s3://market/b"}
    values |= {"venues.ccxt.exchanges": "kraken"}
    values |= {"mlops.tracking_uri": "http://127.0.0.1:5000", "mlops.prefix": "desk", "model.confidence": "0.8"}
    values |= {"lake.s3.endpoint_url": "http://127.0.0.1:9000", "lake.s3.region": "x", "lake.s3.path_style": "false"}
    last = key.rpartition(".")[2]
    is_on = getattr(getattr(Settings().venues, key.split(".")[1], None), "enabled", True) if "." in key else True
    value = values.get(
        key, {"enabled": str(not is_on).lower(), "base_url": "http://127.0.0.1:89", "quote": "TRY"}.get(last, "321")
    )
    group, _, name = key.rpartition(".")
    text = f"{group}: {{{name}: '{value}'}}" if group else f"{name}: '{value}'"
    from_file = load_settings(file=write(tmp_path / "some.yaml", text))
    from_argument = load_settings({key: value})
    monkeypatch.setenv(variable_of(key), value)
    from_environment = load_settings()
    assert from_file.model_dump() == from_environment.model_dump() == from_argument.model_dump()
    assert from_file.model_dump() != Settings().model_dump()
    each = [sources(settings)[key] for settings in (from_file, from_environment, from_argument)]
    assert each == ["file", "environment", "argument"]


def test_file_is_found_in_the_home_or_named_by_the_environment_or_by_the_argument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "assay.yaml", "model: {seed: 1}")
    two, three = write(tmp_path / "two.yaml", "model: {seed: 2}"), write(tmp_path / "three.yaml", "model: {seed: 3}")
    assert load_settings().model.seed == 7
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    assert load_settings().model.seed == 1
    assert load_settings().home == tmp_path
    monkeypatch.setenv("ASSAY_SETTINGS", str(two))
    assert load_settings().model.seed == 2
    assert load_settings(file=three).model.seed == 3
    monkeypatch.delenv("ASSAY_SETTINGS")
    assert load_settings({"home": tmp_path / "other"}).model.seed == 7


def test_paths_are_absolute_and_tilde_is_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings({"home": "here"}).home == tmp_path / "here"
    assert load_settings({"home": "~/there"}).home == Path.home() / "there"
    assert load_settings().ingest.limits_dir == Settings().ingest.limits_dir == Path.home() / ".cache/assay/limits"
    assert load_settings({"ingest.limits_dir": "here"}).ingest.limits_dir == tmp_path / "here"


def test_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in setting_keys():
        monkeypatch.setenv(variable_of(key), "")
    monkeypatch.setenv("ASSAY_SETTINGS", "")
    assert set(sources(load_settings()).values()) == {"default"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "lake:\n", "lake: {}\n"])
def test_file_without_values_changes_nothing(text: str, tmp_path: Path) -> None:
    assert load_settings(file=write(tmp_path / "some.yaml", text)) == Settings()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("lake: {thread: 2}", "unknown setting in .*: 'lake.thread'; did you mean lake.threads\\?"),
        ("threads: 2", "unknown setting in .*: 'threads'; did you mean lake.threads\\?"),
        ("lake.threads: {a: 1}", "bad value for lake.threads"),
        ("lake: 2", "'lake'; it is a group; set lake.threads and so on"),
        ("lake: [2]", "'lake'; it is a group"),
        ("qqqqqqqq: 1", "'qqqqqqqq'; docs/reference/settings.md lists them all"),
        ("1: 1", "unknown setting in .*: '1'"),
        ("- lake", "the settings file holds no keys"),
        ("just words", "the settings file holds no keys"),
        (
            "lake: {threads: 1}\nlake: {threads: 2}",
            "some.yaml, line 2: a key stands twice: 'lake'; it is in line 1 too",
        ),
        (
            "log_level: INFO\nlake:\n  threads: 1\n  threads: 2",
            "yaml, line 4: a key stands twice: 'threads'; .* line 3",
        ),
        ("lake.threads: 1\nlake: {threads: 2}", "some.yaml: a setting stands twice: 'lake.threads'; keep one"),
        ("log_level: INFO\n bad: [", "cannot read the settings file \\(not YAML, line 2\\)"),
        ("a: !!python/object/apply:os.getcwd []", "cannot read the settings file \\(not YAML, line 1\\)"),
    ],
)
def test_file_with_a_mistake_is_refused_in_one_line(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=complaint) as caught:
        load_settings(file=write(tmp_path / "some.yaml", text))
    assert "\n" not in str(caught.value)


def test_file_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"cannot read the settings file \(No such file or directory\).*gone.yaml"):
        load_settings(file=tmp_path / "gone.yaml")
    with pytest.raises(SettingsError, match="Is a directory"):
        load_settings(file=tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x81")
    monkeypatch.setenv("ASSAY_SETTINGS", str(tmp_path / "binary.yaml"))
    with pytest.raises(SettingsError, match="not text"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("ASSAY_LAKE__THREAD", "'ASSAY_LAKE__THREAD'; did you mean ASSAY_LAKE__THREADS\\?"),
        ("ASSAY_LAKE_THREADS", "did you mean ASSAY_LAKE__THREADS\\?"),
        ("ASSAY_HOM", "did you mean ASSAY_HOME\\?"),
        ("ASSAY_SETTING", "did you mean ASSAY_SETTINGS\\?"),
        ("ASSAY_LAKE", "it is a group; set ASSAY_LAKE__THREADS and so on"),
        ("ASSAY_QQQQQQQQQQQQQQQQQQ", "docs/reference/settings.md lists them all"),
        ("assay_hom", "'assay_hom'; did you mean ASSAY_HOME\\?"),
    ],
)
def test_unknown_variable_is_refused_naming_the_nearest(
    name: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match="unknown environment variable: .*" + complaint):
        load_settings()


def test_other_programs_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESSAY_HOME", "x")
    monkeypatch.setenv("ASSAYER", "x")
    monkeypatch.setenv("ASSAY_DEBUG", "1")
    assert load_settings() == Settings()


def test_unknown_argument_is_refused() -> None:
    with pytest.raises(SettingsError, match="unknown setting: 'lake.treads'; did you mean lake.threads\\?"):
        load_settings({"lake.treads": 1})


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("lake.threads", "many", "should be a valid integer"),
        ("lake.threads", "0", "should be greater than or equal to 1"),
        ("lake.memory_limit", "lots", "write a size like 2GB or 512MiB"),
        ("lake.memory_limit", "0GB", "write a size like 2GB"),
        ("lake.min_free_bytes", "much", "could not parse value"),
        ("lake.lock_timeout_s", "-1", "should be greater than or equal to 0"),
        ("lake.lock_timeout_s", "nan", "should be"),
        ("model.folds", "1", "should be greater than or equal to 2"),
        ("log_level", "LOUD", "should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("preferred_places", "binance", "write venue:market, like binance:spot"),
        ("preferred_places", "binance:futures", "use spot or usdm"),
        ("reconcile.stand_ins", "binance:spot:USDT", "write venue:market:QUOTE=market:QUOTE"),
        ("fees.own", "binance:spot=cheap", "write venue:market=maker/taker in basis points"),
        ("preferred_places", "binance:spot,,kraken:spot", "write venue:market"),
    ],
)
def test_bad_value_names_key_source_value_and_what_is_expected(
    key: str, value: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, _, name = key.rpartition(".")
    text = f"{group}: {{{name}: '{value}'}}" if group else f"{name}: '{value}'"
    file = write(tmp_path / "some.yaml", text)
    with pytest.raises(SettingsError, match=f"bad value for {key} in .*some.yaml.*{expected}"):
        load_settings(file=file)
    with pytest.raises(SettingsError, match=f"bad value for {key}: .*{expected}"):
        load_settings({key: value})
    monkeypatch.setenv(variable_of(key), value)
    with pytest.raises(SettingsError, match=f"bad value for {key} in {variable_of(key)}: .*{value}.*{expected}"):
        load_settings()


def test_settings_cannot_be_changed() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.home = Path("x")  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        settings.lake.threads = 3  # type: ignore[misc]


def test_settings_built_in_code_do_not_look_at_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_LAKE__THREADS", "5")
    assert Settings().lake.threads == 2


def test_secret_is_read_but_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_SINK__TOKEN", TOKEN)
    file = write(tmp_path / "some.yaml", f"sink: {{webhook: {TOKEN}}}")
    settings = load_settings(file=file, schema=WithSecrets)
    assert isinstance(settings, WithSecrets)
    assert settings.sink.token.get_secret_value() == TOKEN
    shown = {row.key: row for row in describe(settings)}
    assert shown["sink.token"].value == shown["sink.webhook"].value == "**********"
    assert (shown["sink.token"].source, shown["sink.webhook"].source) == ("environment", "file")
    assert TOKEN not in f"{settings!r} {settings} {describe(settings)}"


def test_secret_that_is_not_set_is_shown_as_not_set() -> None:
    shown = {row.key: row.value for row in describe(load_settings(schema=WithSecrets))}
    assert shown["sink.webhook"] is None


@pytest.mark.parametrize(
    "text",
    [
        f"sink: {{token: [{TOKEN}]}}",  # not a string
        f"sink: {{webhook: {{a: {TOKEN}}}}}",
        f"sink: {{tokem: {TOKEN}}}",  # an unknown key
        f"sink: {TOKEN}",  # not a group
        f"sink:\n  token: {TOKEN}\n bad",  # not YAML
        f"sink: {{token: 'x', token: {TOKEN}}}",
    ],
)
def test_secret_is_not_shown_by_the_error_about_it(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(file=write(tmp_path / "some.yaml", text), schema=WithSecrets)
    error: Any = caught.value
    assert TOKEN not in f"{error} {error!r} {error.value}"


def test_variables_of_the_example_file_are_settings() -> None:
    example = Path(__file__).parents[3] / ".env.example"
    assigned = [line.lstrip("#").partition("=") for line in example.read_text(encoding="utf-8").splitlines()]
    names = {name for name, equals, _ in assigned if equals and name.startswith("ASSAY_")}
    assert names == {*map(variable_of, setting_keys()), *NOT_SETTINGS}
    assert not names & set(os.environ), "conftest.py hides them"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("venues.binance.base_url", "api.binance.com", "write an address like https://"),
        ("venues.binance.base_url", "ftp://api.binance.com", "write an address like https://"),
        ("venues.binance.base_url", "https://api.binance.com?x=1", "write an address like https://"),
        ("venues.binance.base_url", "https://host:port", "write an address like https://"),
        ("venues.wazirx.quote", "in r", "write an asset like USDT"),
        ("ingest.symbols", "BTC,what?", "not 'what?'"),
        ("ingest.intervals", "1h,7m", "unknown interval: '7m'"),
        ("ingest.since", "yesterday", "or a date like 2024-01-31"),
        ("ingest.every", "15 minutes", "like 15m or 90d"),
        ("ingest.settle", "0h", "like 15m or 90d"),
        ("ingest.confirmations", "0", "greater than or equal to 1"),
    ],
)
def test_bad_value_for_a_venue_is_refused_with_what_is_expected(key: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({key: value})
    assert str(caught.value).startswith(f"bad value for {key}: ")
    assert said in str(caught.value)


def test_one_setting_of_a_venue_leaves_its_others_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_VENUES__WAZIRX__BASE_URL", "http://127.0.0.1:8900/wazirx/")
    wazirx = load_settings().venues.wazirx
    assert (wazirx.base_url, wazirx.quote, wazirx.enabled) == ("http://127.0.0.1:8900/wazirx", "INR", True)
