from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from taskscope import config
from taskscope.errors import UsageError


def write(home: Path, text: str) -> str:
    (home / config.FILE_NAME).write_text(text, "utf-8")
    return str(home)


def test_without_file_and_environment_everything_has_a_value(tmp_path: Path) -> None:
    settings = config.load(str(tmp_path), environment={})
    assert settings == config.Settings(home=tmp_path)
    assert (settings.zone, settings.retention_events_days, settings.keep_runs) == (ZoneInfo("UTC"), 14, 1000)


def test_the_file_is_read(tmp_path: Path) -> None:
    home = write(tmp_path, "timezone: Asia/Shanghai\nretention_hours_days: 7\nsweep_interval_s: 0.5\nlog_level: warn\n")
    settings = config.load(home, environment={})
    assert settings.zone == ZoneInfo("Asia/Shanghai")
    assert (settings.retention_hours_days, settings.sweep_interval_s, settings.log_level) == (7, 0.5, "WARNING")


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    home = write(tmp_path, "store: sqlite:////file.db\nkeep_runs: 1\n")
    environment = {"TASKSCOPE_STORE": "sqlite:////environment.db", "TASKSCOPE_KEEP_RUNS": "2"}
    assert config.load(home, environment={}).store == "sqlite:////file.db"
    settings = config.load(home, environment=environment)
    assert (settings.store, settings.keep_runs) == ("sqlite:////environment.db", 2)
    assert config.load(home, "sqlite:////line.db", environment).store == "sqlite:////line.db"


def test_the_home_comes_from_the_command_line_then_the_environment(tmp_path: Path) -> None:
    environment = {"TASKSCOPE_HOME": str(tmp_path / "environment")}
    assert config.load(environment=environment).home == tmp_path / "environment"
    assert config.load(str(tmp_path / "line"), environment=environment).home == tmp_path / "line"


def test_the_log_level_has_two_names_and_the_own_one_wins(tmp_path: Path) -> None:
    assert config.load(str(tmp_path), environment={"LOG_LEVEL": "debug"}).log_level == "DEBUG"
    both = {"LOG_LEVEL": "debug", "TASKSCOPE_LOG_LEVEL": "ERROR"}
    assert config.load(str(tmp_path), environment=both).log_level == "ERROR"


def test_an_empty_variable_and_an_empty_file_count_as_unset(tmp_path: Path) -> None:
    home = write(tmp_path, "# nothing yet\nstore:\n")
    environment = {"TASKSCOPE_TIMEZONE": "", "LOG_LEVEL": ""}
    assert config.load(home, environment=environment) == config.Settings(home=tmp_path)


def test_lists_stand_in_the_file_as_such_and_in_the_environment_with_commas(tmp_path: Path) -> None:
    home = write(tmp_path, "hosts: [monitor.example, '::1']\noutgoing_networks:\n  - 10.0.0.0/8\n")
    settings = config.load(home, environment={})
    assert (settings.hosts, settings.outgoing_networks) == (("monitor.example", "::1"), ("10.0.0.0/8",))
    environment = {"TASKSCOPE_HOSTS": "a.example, b.example", "TASKSCOPE_OUTGOING_NETWORKS": "fd00::/8"}
    settings = config.load(home, environment=environment)
    assert (settings.hosts, settings.outgoing_networks) == (("a.example", "b.example"), ("fd00::/8",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TASKSCOPE_HOSTS", "https://monitor.example"),
        ("TASKSCOPE_HOSTS", "a,,b"),
        ("TASKSCOPE_HOSTS", "*"),
        ("TASKSCOPE_OUTGOING_NETWORKS", "10.0.0.1/8"),
        ("TASKSCOPE_OUTGOING_NETWORKS", "all"),
        ("TASKSCOPE_REQUESTS_PER_S", "0"),
    ],
)
def test_a_name_or_network_that_is_none_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        config.load(str(tmp_path), environment={name: value})


def test_the_store_may_stand_in_a_file_that_the_environment_names(tmp_path: Path) -> None:
    secret = tmp_path / "store.url"
    secret.write_text("postgresql://me:hunter2@db/scope\n")
    environment = {"TASKSCOPE_STORE_FILE": str(secret)}
    assert config.load(str(tmp_path), environment=environment).store == "postgresql://me:hunter2@db/scope"
    both = {**environment, "TASKSCOPE_STORE": "sqlite:////x.db"}
    assert config.load(str(tmp_path), environment=both).store == "sqlite:////x.db"
    with pytest.raises(UsageError, match="TASKSCOPE_STORE_FILE"):
        config.load(str(tmp_path), environment={"TASKSCOPE_STORE_FILE": str(tmp_path / "none")})


def test_a_relative_store_in_the_file_lies_in_the_home(tmp_path: Path) -> None:
    home = write(tmp_path, "store: sqlite:///data/x.db\n")
    assert config.load(home, environment={}).store == f"sqlite:///{tmp_path}/data/x.db"


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("TASKSCOPE_TIMEZONE", "Mars/Olympus", "IANA"),
        ("TASKSCOPE_TIMEZONE", "../../etc/passwd", "IANA"),
        ("TASKSCOPE_TIMEZONE", "Europe", "IANA"),
        ("TASKSCOPE_RETENTION_EVENTS_DAYS", "0", "from 1"),
        ("TASKSCOPE_RETENTION_EVENTS_DAYS", "two", "whole number"),
        ("TASKSCOPE_RETENTION_MINUTES_DAYS", "1.5", "whole number"),
        ("TASKSCOPE_KEEP_RUNS", "-1", "from 0"),
        ("TASKSCOPE_SWEEP_INTERVAL_S", "0", "above 0"),
        ("TASKSCOPE_SWEEP_INTERVAL_S", "nan", "above 0"),
        ("TASKSCOPE_LOG_LEVEL", "loud", "DEBUG"),
        ("LOG_LEVEL", "loud", "DEBUG"),
    ],
)
def test_a_bad_variable_is_named_with_value_and_remedy(tmp_path: Path, name: str, value: str, remedy: str) -> None:
    with pytest.raises(UsageError) as refusal:
        config.load(str(tmp_path), environment={name: value})
    assert str(refusal.value).startswith(f"{name} is '{value}'; ")
    assert remedy in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("keep_runs: many", ["keep_runs", "'many'", "whole number"]),
        ("keep_runs: '5'", ["keep_runs", "'5'", "whole number"]),
        ("timezone: 8", ["timezone", "8", "IANA"]),
        ("store: [a]", ["store", "['a']", "URL"]),
        ("keep_run: 5", ["'keep_run' is no setting", "keep_runs"]),
        ("- a\n- b", ["['a', 'b']", "key: value"]),
        ("just text", ["'just text'", "key: value"]),
        ("b: 1\na: [", ["no YAML", "line 2"]),
        ("a: b: c", ["no YAML"]),
        ("!!python/object/apply:os.system ['false']", ["no YAML"]),
        ("[" * 5000, ["no YAML"]),
        ("2026-13-45: x", ["no YAML", "month"]),
    ],
)
def test_a_bad_file_is_named_with_value_and_remedy(tmp_path: Path, text: str, words: list[str]) -> None:
    home = write(tmp_path, text)
    with pytest.raises(UsageError) as refusal:
        config.load(home, environment={})
    for word in [str(tmp_path / config.FILE_NAME), *words]:
        assert word in str(refusal.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / config.FILE_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="UTF-8"):
        config.load(str(tmp_path), environment={})
