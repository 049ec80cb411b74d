from pathlib import Path

import pytest

from taskscope.errors import UsageError
from taskscope.sdk.address import parse_address, read_address


@pytest.mark.parametrize(
    ("url", "host", "port", "encrypted", "path"),
    [
        ("http://127.0.0.1:8787", "127.0.0.1", 8787, False, "/api/v1/events"),
        ("http://monitor.example/", "monitor.example", 80, False, "/api/v1/events"),
        ("https://monitor.example", "monitor.example", 443, True, "/api/v1/events"),
        ("HTTPS://monitor.example/scope/", "monitor.example", 443, True, "/scope/api/v1/events"),
        ("http://[::1]:8787/api/v1/events", "::1", 8787, False, "/api/v1/events"),
    ],
)
def test_a_url_names_a_server(url: str, host: str, port: int, encrypted: bool, path: str) -> None:  # noqa: FBT001
    assert parse_address(url)[:4] == (host, port, encrypted, path)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8787",
        "ftp://host",
        "unix:///run/x",
        "http://",
        "http://:8787",
        "http://host:0",
        "http://host:99999",
        "http://host:x",
        "http://[::1",
        "http://me:hunter2@host",
        "http://host/?token=hunter2",
        "http://host/#hunter2",
        "http://host/a b",
        "http://host/\r\nX: y",
        "http://höst",
    ],
)
def test_what_is_no_address_is_refused_with_the_remedy_and_without_what_may_be_secret(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_address(url)
    assert "TASKSCOPE_URL" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ümlaut", "\x00"])
def test_a_token_that_can_be_none_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_address("http://host", token)
    assert token not in str(refused.value)


def test_the_environment_names_server_and_token() -> None:
    assert read_address({}) is None
    assert read_address({"TASKSCOPE_URL": " "}) is None
    address = read_address({"TASKSCOPE_URL": "https://host", "TASKSCOPE_TOKEN": " secret\n"})
    assert address is not None
    assert address.token == "secret"
    assert "secret" not in f"{address} {address!r}"
    assert str(address) == "https://host:443"


@pytest.mark.parametrize(
    ("url", "token", "exposed"),
    [
        ("http://monitor.example", "secret", True),
        ("http://monitor.example", None, False),
        ("https://monitor.example", "secret", False),
        ("http://127.0.0.1:8787", "secret", False),
        ("http://[::1]:8787", "secret", False),
        ("http://localhost:8787", "secret", False),
    ],
)
def test_a_token_in_the_clear_is_noticed(url: str, token: str | None, exposed: bool) -> None:  # noqa: FBT001
    assert parse_address(url, token).exposes_token is exposed


def test_a_token_may_stand_in_a_file_that_the_environment_names(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("taskscope_abc\n")
    environment = {"TASKSCOPE_URL": "http://host", "TASKSCOPE_TOKEN_FILE": str(secret)}
    found = read_address(environment)
    assert found is not None
    assert found.token == "taskscope_abc"
    found = read_address({**environment, "TASKSCOPE_TOKEN": "other"})
    assert found is not None
    assert found.token == "other"
    with pytest.raises(UsageError, match="TASKSCOPE_TOKEN_FILE"):
        read_address({**environment, "TASKSCOPE_TOKEN_FILE": str(tmp_path)})
