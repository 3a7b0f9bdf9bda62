"""What goes into logs, and what must not."""

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from crontopus_api.kit import log


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
