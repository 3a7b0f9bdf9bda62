"""Errors a newcomer meets: one clear line that says what to do, an exit code, never a traceback."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import Crontopus
from harness.git import Git
from harness.narrative import Story
from harness.paths import SCRIPTS
from harness.ports import free_port
from harness.processes import one_clear_line, plain_environment, run
from harness.stack import Stack
from harness.tenant import Tenant, with_password

Register = Callable[[str], Tenant]
WRONG_TOKEN = "ctp_user_0000000000000000000000000000000000000000"


@pytest.fixture
def up(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`crontopus-server up` that is expected to end by itself."""

    def start(**environment: str) -> subprocess.CompletedProcess[str]:
        settings = {"CRONTOPUS_DATA_DIR": str(home / "data"), "CRONTOPUS_PORT": str(free_port())}
        return run(
            [SCRIPTS / "crontopus-server", "up"],
            env=plain_environment(home) | settings | environment,
            cwd=home,
            timeout=120,
        )

    return start


def refusal(done: subprocess.CompletedProcess[str], story: Story, *words: str) -> str:
    """What it said on stderr, which must be one clear line with these words."""
    assert "Traceback" not in done.stdout, done.stdout
    said = one_clear_line(done.stderr)
    story.tell(said.replace("\n", "\n    "))
    assert done.returncode not in {0, None}
    for word in words:
        assert word in said, f"{word!r} is not in: {said}"
    return said


def test_port_taken(up: Callable[..., subprocess.CompletedProcess[str]], story: Story) -> None:
    """up: the port is taken"""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        refusal(up(CRONTOPUS_PORT=port), story, port, "CRONTOPUS_PORT")


def test_second_up(up: Callable[..., subprocess.CompletedProcess[str]], stack: Stack, story: Story) -> None:
    """up: a second one on the same data directory"""
    done = up(CRONTOPUS_DATA_DIR=str(stack.data_dir))
    refusal(done, story, "already running", str(stack.data_dir), stack.url)
    stack.await_ready()


def test_no_git(up: Callable[..., subprocess.CompletedProcess[str]], home: Path, story: Story) -> None:
    """up: no git on PATH"""
    refusal(up(PATH=str(home)), story, "git", "Install")


def test_unwritable_data_directory(
    up: Callable[..., subprocess.CompletedProcess[str]], home: Path, story: Story
) -> None:
    """up: the data directory cannot be written"""
    if os.geteuid() == 0:
        place = Path("/proc/crontopus")  # where even root can make nothing
    else:
        place = home / "locked" / "data"
        place.parent.mkdir(mode=0o500)
    refusal(up(CRONTOPUS_DATA_DIR=str(place)), story, str(place), "CRONTOPUS_DATA_DIR")


@pytest.mark.parametrize(
    "setting",
    [{"CRONTOPUS_PORT": "eighty"}, {"CRONTOPUS_SECRET_KEY": "short"}, {"CRONTOPUS_DATABASE_URL": "here"}],
)
def test_wrong_setting(
    up: Callable[..., subprocess.CompletedProcess[str]], story: Story, setting: dict[str, str]
) -> None:
    """up: a setting is wrong"""
    done = up(**setting)
    refusal(done, story, *setting)
    assert "Starting PostgreSQL" not in done.stdout, "before anything is started"


def test_database_away(up: Callable[..., subprocess.CompletedProcess[str]], story: Story) -> None:
    """up: the configured database does not answer"""
    refusal(
        up(CRONTOPUS_DATABASE_URL=f"postgresql://someone:hunter22@127.0.0.1:{free_port()}/db"),
        story,
        "CRONTOPUS_DATABASE_URL",
        "refused",
    )


def test_cli_wrong_token(cli: Callable[..., Crontopus], story: Story) -> None:
    """CLI: a wrong token"""
    done = cli(WRONG_TOKEN)("jobs", "list")
    refusal(done, story, "token")
    assert done.returncode == 3


def test_cli_not_logged_in(cli: Callable[..., Crontopus], story: Story) -> None:
    """CLI: not logged in"""
    refusal(cli()("jobs", "list"), story, "crontopus login")


def test_cli_server_unreachable(cli: Callable[..., Crontopus], story: Story) -> None:
    """CLI: the server cannot be reached"""
    server = f"http://127.0.0.1:{free_port()}"
    refusal(cli(WRONG_TOKEN, server)("jobs", "list"), story, server)


def test_cli_invalid_yaml(
    cli: Callable[..., Crontopus], register: Register, home: Path, story: Story
) -> None:
    """CLI: a manifest that is no YAML, and one with a mistake"""
    tenant = register("yaml")
    broken = home / "broken.yaml"
    broken.write_text("apiVersion: crontopus/v1\nkind: Job\nmetadata: {name: hello\n")
    refusal(cli(tenant.token)("jobs", "apply", "--file", str(broken)), story, f"{broken}:")

    wrong = home / "wrong.yaml"
    wrong.write_text(
        'apiVersion: crontopus/v1\nkind: Job\nmetadata: {name: hello}\nspec:\n  schedule: "61 * * * *"\n'
    )
    refusal(cli(tenant.token)("jobs", "apply", "--file", str(wrong)), story, f"{wrong}:5:")
    assert tenant.items("/jobs") == []


def test_git_wrong_token(stack: Stack, register: Register, git: Git, story: Story) -> None:
    """git: a wrong token"""
    tenant = register("git")
    done = git.run("clone", "--quiet", with_password(tenant.clone_url, WRONG_TOKEN), "copy")
    refusal(done, story, "Authentication failed")


@pytest.fixture
def agent(home: Path, programs: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The agent in the story's home; only commands that leave the crontab alone."""
    return lambda *arguments: run([programs / "crontopus-agent", *arguments], env=plain_environment(home))


def test_agent_server_unreachable(
    agent: Callable[..., subprocess.CompletedProcess[str]], story: Story
) -> None:
    """Agent: the server cannot be reached"""
    server = f"http://127.0.0.1:{free_port()}"
    refusal(agent("enroll", "--server", server, "--token", "ctp_enr_x"), story, server)


def test_agent_wrong_tokens(
    agent: Callable[..., subprocess.CompletedProcess[str]], register: Register, story: Story
) -> None:
    """Agent: a wrong enrolment token, no enrolment at all, and one that was revoked"""
    tenant = register("revoked")
    refusal(
        agent("enroll", "--server", tenant.base_url, "--token", "ctp_enr_wrong"), story, "enrolment token"
    )
    refusal(agent("plan"), story, "enroll")

    if shutil.which("crontab") is None:
        pytest.skip("no crontab command here")
    enrolled = agent("enroll", "--server", tenant.base_url, "--token", tenant.enrollment_token())
    assert enrolled.returncode == 0, enrolled.stderr
    (endpoint,) = tenant.items("/endpoints")
    assert tenant.api.delete(f"/endpoints/{endpoint['id']}").status_code == 204
    done = agent("plan")
    story.tell(done.stderr.strip().splitlines()[-1])
    assert done.returncode != 0
    assert "enrol" in done.stderr.splitlines()[-1]
    assert "panic" not in done.stderr
