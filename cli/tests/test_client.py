"""What happens when the network or the server does not behave."""

import pytest
from cli_tests.fake_server import FakeServer
from cli_tests.running import Crontopus

from crontopus_cli import __version__, client


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "RETRY_DELAYS", (0, 0))


def test_a_get_is_tried_again_when_the_connection_breaks(crontopus: Crontopus, signed_in: FakeServer) -> None:
    signed_in.drop_connections = 2

    assert crontopus("jobs", "list").code == 0
    assert len(signed_in.requests) == 3


def test_a_get_is_not_tried_for_ever(crontopus: Crontopus, signed_in: FakeServer) -> None:
    signed_in.drop_connections = 10

    result = crontopus("jobs", "list")

    assert result.code == 1
    assert f"cannot reach {signed_in.url}" in result.err
    assert len(signed_in.requests) == 3


@pytest.mark.parametrize(
    "arguments",
    [("enroll-token", "create"), ("jobs", "delete", "hello", "--yes"), ("jobs", "apply", "-f", "-")],
)
def test_what_changes_things_is_sent_once(
    crontopus: Crontopus, signed_in: FakeServer, arguments: tuple[str, ...]
) -> None:
    signed_in.drop_connections = 1

    result = crontopus(*arguments, stdin="metadata: {name: hello}\n")

    assert (result.code, result.out) == (1, "")
    assert len(signed_in.requests) == 1


@pytest.mark.parametrize(
    ("status", "content_type", "body", "said", "code"),
    [
        (200, "text/html", b"<html>", "does not answer like a Crontopus server (HTTP 200)", 1),
        (404, "text/html", b"<html>", "does not answer like a Crontopus server (HTTP 404)", 1),
        (302, "text/html", b"", "does not answer like a Crontopus server (HTTP 302)", 1),
        (502, "text/html", b"<html>", "failed with HTTP 502", 1),
        (401, "text/html", b"<html>", "refuses the token", 3),
        (403, "application/problem+json", b'{"title": "Forbidden", "status": 403}', "Forbidden", 3),
        (429, "application/problem+json", b'{"title": "Too many requests"}', "try again in a few minutes", 1),
        (200, "application/json", b'{"other": 1}', "sent no list", 1),
        (200, "application/json", b"[]", "does not answer like a Crontopus server", 1),
    ],
)
def test_answers_that_are_not_the_apis(
    crontopus: Crontopus,
    signed_in: FakeServer,
    status: int,
    content_type: str,
    body: bytes,
    said: str,
    code: int,
) -> None:
    signed_in.answer_with = (status, content_type, body)

    result = crontopus("jobs", "list")

    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert "Traceback" not in result.err


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long the client waited, each time; it does not really."""
    waits: list[float] = []
    monkeypatch.setattr("crontopus_cli.client.time.sleep", waits.append)
    return waits


@pytest.mark.parametrize("arguments", [("jobs", "list"), ("runs", "export")])
def test_a_read_waits_once_for_as_long_as_the_server_asks(
    crontopus: Crontopus, signed_in: FakeServer, slept: list[float], arguments: tuple[str, ...]
) -> None:
    signed_in.too_many = ["7"]

    result = crontopus(*arguments)

    assert (result.code, slept) == (0, [7])
    assert "going on in 7s" in result.err

    signed_in.too_many = ["7", "9"]
    assert crontopus(*arguments).code == 1
    assert slept == [7, 7]


@pytest.mark.parametrize(
    ("arguments", "wait", "said"),
    [
        (("jobs", "list"), "3600", "try again in 60m, at "),
        (("jobs", "list"), "soon", "try again in a few minutes"),
        (("namespaces", "add", "new"), "7", "try again in 7s, at "),
        (("jobs", "delete", "hello", "--yes"), "7", "hello: Too many attempts. (try again in 7s, at "),
    ],
)
def test_what_does_not_wait_says_when_to_try_again(
    crontopus: Crontopus,
    signed_in: FakeServer,
    slept: list[float],
    arguments: tuple[str, ...],
    wait: str,
    said: str,
) -> None:
    signed_in.too_many = [wait]

    result = crontopus(*arguments)

    assert (result.code, result.out, slept) == (1, "", [])
    assert said in result.err
    assert len(signed_in.requests) == 1


def test_an_object_without_what_this_version_expects_is_not_a_traceback(
    crontopus: Crontopus, signed_in: FakeServer
) -> None:
    del signed_in.jobs[0]["schedule"]

    result = crontopus("jobs", "list")

    assert (result.code, result.out) == (1, "")
    assert "CRONTOPUS_DEBUG=1" in result.err
    assert "Traceback" not in result.err


def test_a_token_with_a_line_break_is_not_sent(
    crontopus: Crontopus, signed_in: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRONTOPUS_TOKEN", "ctp_user\nX-Evil: 1")

    assert crontopus("jobs", "list").code == 3
    assert signed_in.requests == []


def test_names_cannot_leave_their_place_in_the_path(crontopus: Crontopus, signed_in: FakeServer) -> None:
    crontopus("jobs", "get", "default/..%2fx?y#z")

    assert signed_in.requests[0][1] == "/jobs/default/..%252fx%3Fy%23z"


def test_it_says_which_version_asks(crontopus: Crontopus, signed_in: FakeServer) -> None:
    crontopus("whoami")

    assert signed_in.user_agents == {f"crontopus-cli/{__version__}"}
