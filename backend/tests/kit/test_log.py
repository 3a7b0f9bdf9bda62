"""What goes into logs, and what must not."""

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from crontopus_api.kit import log
from crontopus_api.kit.caller import Caller, note_caller


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _fail(password: str) -> None:
    raise ValueError(f"cannot sign in with {len(password)} characters")


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_shows_no_local_variables(
    capsys: pytest.CaptureFixture[str], form: Literal["console", "json"]
) -> None:
    log.configure("info", form)
    try:
        _fail("hunter2-" * 2)
    except ValueError:
        structlog.get_logger().exception("request_failed")
    written = capsys.readouterr().err
    assert "cannot sign in with 16 characters" in written
    assert "hunter2-hunter2-" not in written


def test_values_under_telling_names_are_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    structlog.get_logger().info("signed_in", api_token="ctp_user_x", username="ada")
    line = json.loads(capsys.readouterr().err)
    assert (line["api_token"], line["username"]) == ("[redacted]", "ada")


TOKEN = "ctp_user_abcdefghij0123456789ABCDEFGHIJabc"
KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"
SECRETS = {
    f"GET /ping/{KEY}/start HTTP/1.1": KEY,
    "GET /ping/AbCdEfGhIjKlMnOpQrStUv/nightly": "AbCdEfGhIjKlMnOpQrStUv",
    "/api/1/cron/nightly/AbCdEfGhIjKlMnOpQrStUv/": "AbCdEfGhIjKlMnOpQrStUv",
    f"Authorization: Bearer {TOKEN}": TOKEN[9:],
    f"the token {TOKEN} is unknown": TOKEN[9:],
    "Basic dXNlcjpwYXNzd29yZA== was sent": "dXNlcjpwYXNzd29yZA",
    "connecting to postgresql://crontopus:hunter2@db:5432/x failed": "hunter2",
    "smtps://me:hunter2@mail.example": "hunter2",
    "host=db user=crontopus password=hunter2 dbname=x": "hunter2",
    "GET /verify?token=abc.def-ghi&x=1": "abc.def-ghi",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END": "hunter2",
}


def _complain(words: str) -> None:
    raise ValueError(words)


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize("line", SECRETS)
def test_secrets_are_redacted_wherever_they_stand(
    capsys: pytest.CaptureFixture[str], form: Literal["console", "json"], line: str
) -> None:
    log.configure("info", form)
    structlog.get_logger().info(line)
    structlog.get_logger().info("x", detail={"deep": [line, {"more": line}]}, raw=line.encode())
    logging.getLogger("uvicorn.error").warning("refused: %s", line)
    try:
        _complain(line)
    except ValueError as error:
        structlog.get_logger().exception("failed")
        structlog.get_logger().warning("failed", error=error)
        logging.getLogger("somebody.else").exception("failed")
    written = capsys.readouterr().err
    assert SECRETS[line] not in written
    assert written.count("[redacted]") >= 7
    assert "ValueError" in written


def test_names_tell_deep_down_and_numbers_stay(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    structlog.get_logger().info("x", headers={"Cookie": "a=b", "Host": "h"}, count=3, ok=True, none=None)
    line = json.loads(capsys.readouterr().err)
    assert line["headers"] == {"Cookie": "[redacted]", "Host": "h"}
    assert (line["count"], line["ok"], line["none"]) == (3, True, None)


def test_every_line_names_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    note_caller(Caller("192.0.2.1", "curl", "abc-1"))
    structlog.get_logger().info("x")
    # Not uvicorn's own: other tests of this process run servers, which set its level.
    logging.getLogger("a.library").warning("y")
    assert [json.loads(line)["request_id"] for line in capsys.readouterr().err.splitlines()] == ["abc-1"] * 2
    note_caller(Caller())
