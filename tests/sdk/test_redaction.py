import dataclasses
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import taskscope
from taskscope.sdk.fact import DATA_LIMIT_BYTES
from taskscope.sdk.redaction import SECRET_NAMES, Redactor
from tests.sdk.processes import Reader

SECRET = "hunter2"
PLAIN = Redactor()


@dataclasses.dataclass
class Login:
    user: str
    password: str


class Key(msgspec.Struct):
    api_key: str


class Pair(NamedTuple):
    name: str
    token: str


class Odd:
    def __repr__(self) -> str:
        return f"Odd(secret='{SECRET}', url=postgres://u:{SECRET}@h, n=1)"


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize(
    "spell",
    [
        str.upper,
        str.title,
        lambda name: name.replace(" ", "_"),
        lambda name: name.replace(" ", "-"),
        lambda name: name.replace(" ", ""),
        lambda name: f"db.{name}_2",
    ],
)
def test_a_name_says_secret_however_it_is_spelled(name: str, spell: Callable[[str], str]) -> None:
    assert PLAIN.arguments({spell(name): SECRET, "other": 1}) == {"args": {spell(name): "***", "other": 1}}


@given(st.recursive(st.just({"Pass-Word": SECRET}) | st.just(f"a://b:{SECRET}@c"),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
                    | st.builds(Pair, inner, inner) | st.tuples(inner), max_leaves=20))  # fmt: skip
def test_no_depth_hides_a_secret(args: object) -> None:
    assert SECRET not in repr(PLAIN.arguments(args)["args"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Login("eve", SECRET), {"user": "eve", "password": "***"}),
        (Key(SECRET), {"api_key": "***"}),
        (Pair("n", SECRET), {"name": "n", "token": "***"}),
        (Odd(), "Odd(secret=***, url=postgres://u:***@h, n=1)"),
        ({Odd(): 1}, {"Odd(secret=***, url=postgres://u:***@h, n=1)": "***"}),
        (deque([{"cookie": SECRET}]), [{"cookie": "***"}]),
        ({"credentials": {"user": "eve", "x": [SECRET]}}, {"credentials": "***"}),
        (b"plain", "cGxhaW4="),
    ],
    ids=repr,
)
def test_objects_are_looked_into(value: object, shown: object) -> None:
    assert PLAIN.arguments(value) == {"args": shown}


@pytest.mark.parametrize(
    "args",
    [
        {"max_tokens": 512, "tokenizer": "bert"},
        {"password": None, "use_token": True},
        {"id": 7, "ratio": 0.5, "big": 1 << 70},
        ["http://host:8080/@me", "author: me", "if token == other:", "max_tokens=5", "InvalidTokenError: expired"],
    ],
)
def test_what_is_no_secret_stays(args: object) -> None:
    assert PLAIN.arguments(args) == {"args": args}


@given(
    user=st.text(max_size=9).filter(lambda user: not PLAIN.hides(user, "")),
    password=st.text(min_size=4, max_size=30),
    around=st.sampled_from(["%s", "'%s'", "(%s)"]),
)
def test_the_password_of_a_quoted_url_never_remains(user: str, password: str, around: str) -> None:
    secret = quote(f"S{password}S", safe="")
    text = around % f"https://{quote(user, safe='')}:{secret}@host:80/path"
    masked = PLAIN.text(text)
    assert secret not in masked
    assert masked == text.replace(f":{secret}@", ":***@")


@pytest.mark.parametrize(
    "text",
    [
        f"postgres://u:{SECRET}@h/d",
        f"postgres://u:p@{SECRET}@h/d",
        f"amqp://u:p/{SECRET}@h",
        f"redis://:{SECRET}@h",
        f"password={SECRET}",
        f"db_password : '{SECRET} and more'",
        f"{{'auth-token': \"{SECRET}\"}}",
        f"Authorization: Bearer {SECRET}",
        f"https://h/?a=1&api_key={SECRET}&b=2",
        f"password=b'{SECRET}'",
        f"password='{SECRET}",
        f"Credentials(secret=SecretStr('{SECRET}'))",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
        f"密码={SECRET}",
    ],
)
def test_no_text_shows_a_secret(text: str) -> None:
    assert SECRET not in PLAIN.text(text)
    assert "***" in PLAIN.text(text)


def test_the_application_names_more_secrets(home: Path, reader: Reader) -> None:
    scope = taskscope.connect("shop", home=home, redact=["order no", "", "-"])
    with scope.run("job", args={"Order-No": 7, "other": "ORDER_NO=7"}):
        pass
    assert reader.tasks()[0]["data"]["args"] == {"Order-No": "***", "other": "ORDER_NO=***"}
    assert taskscope.connect("shop", home=home, redact="order no") is not taskscope.connect("shop", home=home)
    scope.close()


@pytest.mark.parametrize("args", ["x" * (DATA_LIMIT_BYTES + 1), [0] * (DATA_LIMIT_BYTES + 1), b"x" * (1 << 17)])
def test_arguments_that_are_too_large_cost_little_and_are_left_out(args: Any) -> None:
    assert PLAIN.arguments(args) == {"shortened": True}


def test_arguments_that_hold_themselves_are_left_out() -> None:
    args: list[object] = []
    args.append(args)
    assert PLAIN.arguments(args) == {"shortened": True}


def test_no_secret_reaches_the_disk(home: Path, scope: taskscope.Scope) -> None:
    url = f"postgres://u:{SECRET}@h/d"

    def work() -> None:
        with scope.run("job", args={"dsn": url, "password": SECRET}):
            raise ConnectionError(f"can't reach {url}") from ValueError(f"token={SECRET}")

    def again() -> None:
        with scope.run("job"):
            raise taskscope.Retry(f"{url} is busy")

    with pytest.raises(ConnectionError, match=SECRET):
        work()
    with pytest.raises(taskscope.Retry):
        again()
    scope.submitted("job", args=[Odd()], idempotency_key=f"import {url}")
    written = [path for path in (home / "spool").rglob("*") if path.is_file()]
    assert len(written) == 3  # two segments, and the memory of keys
    for path in written:
        assert SECRET.encode() not in path.read_bytes()


def test_a_secret_on_the_edge_of_what_is_kept_of_a_message_is_masked(scope: taskscope.Scope, reader: Reader) -> None:
    with pytest.raises(ValueError, match="x"), scope.run("job"):
        raise ValueError("x" * 1990 + f" a://b:{SECRET}@host")
    error = reader.tasks()[-1]["data"]["error"]
    assert SECRET[:2] not in error["message"]
    assert SECRET not in error["traceback"]
