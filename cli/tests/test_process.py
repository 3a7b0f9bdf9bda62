"""The installed script as scripts and people meet it: exit codes, what is on stdout, the terminal."""

import json
import re
from pathlib import Path

import pytest
import yaml
from cli_tests.fake_server import PASSWORD, FakeServer, job
from cli_tests.running import on_terminal, script

ANSI = re.compile(r"\x1b\[[0-9;]*m")
CONFIG = Path("config/crontopus/cli.json")


def test_help_is_exit_0_on_stdout() -> None:
    result = script("--help")

    assert (result.code, result.err) == (0, "")
    assert "enroll-token" in result.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("jobs", "list", "--state", "happy"),
        ("jobs", "apply"),
        ("runs", "list", "--since", "yesterdayish"),
        ("jobs", "get", "a/b/c"),
        ("login", "--server", "ftp://example.com"),
    ],
)
def test_a_wrong_command_line_is_exit_2_with_nothing_on_stdout(arguments: tuple[str, ...]) -> None:
    result = script(*arguments, CRONTOPUS_TOKEN="ctp_user_x")

    assert (result.code, result.out) == (2, "")
    assert result.err
    assert "Traceback" not in result.err


def test_not_logged_in_is_exit_3_and_says_how_to() -> None:
    result = script("jobs", "list")

    assert (result.code, result.out) == (3, "")
    assert result.err == "Error: not logged in\n  → run `crontopus login --server URL`\n"


def test_a_refused_token_is_exit_3(signed_in: FakeServer) -> None:
    result = script("jobs", "list", CRONTOPUS_TOKEN="ctp_user_wrong")

    assert (result.code, result.out) == (3, "")
    assert "the token is not valid" in result.err
    assert f"crontopus login --server {signed_in.url}" in result.err


def test_a_server_that_is_not_there_is_one_line_and_exit_1() -> None:
    result = script("runs", "list", CRONTOPUS_SERVER="http://127.0.0.1:9", CRONTOPUS_TOKEN="ctp_user_x")

    assert (result.code, result.out) == (1, "")
    assert re.fullmatch(
        r"Error: cannot reach http://127.0.0.1:9: .*\n  → is the server running.*\n", result.err
    )


def test_only_data_is_on_stdout(signed_in: FakeServer) -> None:
    signed_in.jobs = [job(f"job-{number}", "healthy") for number in range(3)]

    limited = script("jobs", "list", "--limit", "2", "--output", "json")

    assert [item["name"] for item in json.loads(limited.out)] == ["job-0", "job-1"]
    assert "--limit 0" in limited.err


def test_nothing_to_show_is_said_on_stderr(signed_in: FakeServer) -> None:
    signed_in.jobs = []

    assert script("jobs", "list").out == ""
    assert json.loads(script("jobs", "list", "-o", "json").out) == []
    assert yaml.safe_load(script("jobs", "list", "-o", "yaml").out) == []


def test_log_in_by_password_then_use_it_then_log_out(server: FakeServer, tmp_path: Path) -> None:
    login = script(
        "login", "--server", server.url, "--username", "ada", "--password-stdin", stdin=f"{PASSWORD}\n"
    )
    assert (login.code, login.out) == (0, "")
    assert (tmp_path / CONFIG).stat().st_mode & 0o777 == 0o600
    assert server.requests[-1][2]["token_name"].startswith("cli on ")  # type: ignore[index]

    assert json.loads(script("whoami", "-o", "json").out)["user"]["username"] == "ada"

    assert script("logout").code == 0
    assert server.requests[-1][:2] == ("POST", "/auth/logout")
    assert len(server.tokens) == 1
    assert script("whoami").code == 3


def test_log_in_asks_on_a_terminal_and_does_not_show_the_password(server: FakeServer) -> None:
    code, shown = on_terminal(
        "login", "--server", server.url, columns=80, replies=[("email", "ada"), ("Password: ", PASSWORD)]
    )

    assert code == 0, shown
    assert "Logged in as ada" in shown
    assert PASSWORD not in shown  # the space after the prompt comes once the echo is off


def test_tables_fit_the_terminal_and_have_colour(signed_in: FakeServer) -> None:
    signed_in.jobs.append(job("a-name-that-is-as-long-as-names-may-be-and-then-some", "late", "production"))
    cases = [(60, "jobs"), (80, "jobs"), (140, "jobs"), (60, "runs"), (80, "incidents"), (80, "endpoints")]
    for columns, noun in cases:
        code, shown = on_terminal(noun, "list", columns=columns)
        assert code == 0
        assert max(len(ANSI.sub("", line)) for line in shown.splitlines()) <= columns, shown
        assert ANSI.search(shown)


def test_a_wide_terminal_shows_more_columns(signed_in: FakeServer) -> None:
    _, narrow = on_terminal("runs", "list", columns=80)
    _, wide = on_terminal("runs", "list", columns=140)

    assert "ENDPOINT" not in narrow
    assert "ENDPOINT" in wide
    assert signed_in.runs[0]["id"] in narrow  # what `runs output` needs is never cut


def test_no_colour_with_no_color(signed_in: FakeServer) -> None:
    _, shown = on_terminal("jobs", "list", columns=80, NO_COLOR="1")

    assert "\x1b[3" not in shown
    assert "healthy" in shown


def test_a_pipe_gets_every_column_whole_and_no_colour(signed_in: FakeServer) -> None:
    long = "a-name-that-is-as-long-as-names-may-be-and-then-some-more-of-it"
    signed_in.jobs = [job(long, "late", "production")]

    result = script("jobs", "list", COLUMNS="40")

    assert f"production/{long}" in result.out
    assert "COMMIT" in result.out
    assert "\x1b" not in result.out


def test_output_of_a_run_is_exact_in_a_pipe_and_harmless_on_a_terminal(signed_in: FakeServer) -> None:
    run_id = signed_in.runs[0]["id"]

    assert script("runs", "output", run_id).out == "héllo\x1b]0;title\x07 \x1b[32mgreen\x1b[0m"

    _, shown = on_terminal("runs", "output", run_id, columns=80)
    assert "héllo\\x1b]0;title\\x07 \x1b[32mgreen\x1b[0m" in shown


def test_deleting_asks_on_a_terminal(signed_in: FakeServer) -> None:
    code, shown = on_terminal("jobs", "delete", "hello", columns=80, replies=[("?", "n")])
    assert code == 1
    assert "Delete default/hello?" in shown
    assert len(signed_in.jobs) == 2

    code, _ = on_terminal("jobs", "delete", "hello", columns=80, replies=[("?", "y")])
    assert code == 0
    assert len(signed_in.jobs) == 1
