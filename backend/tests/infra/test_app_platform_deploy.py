"""deploy-app-platform.sh from end to end, in a clone of its own.

DigitalOcean and Docker cannot be had here: programs of their names stand in, which write down how they were called and
answer what the test tells them to.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
SCRIPT = "infra/app-platform/deploy-app-platform.sh"
TOOLS = ("bash", "env", "git", "sed", "awk", "grep", "tr", "sort", "cat", "dirname")
# Isolated and without site-packages: it starts in half the time.
STAND_IN = f"""#!{sys.executable} -IS
import json, os, sys
from pathlib import Path
here = Path(__file__).resolve().parent
call = [Path(sys.argv[0]).name, *sys.argv[1:]]
said = sys.stdin.read() if "-" in call else ""
calls = here / "calls"
before = [json.loads(line)["call"] for line in calls.read_text().splitlines()]
with calls.open("a") as log:
    log.write(json.dumps({{"call": call, "said": said}}) + "\\n")
for start, answers in json.loads((here / "answers").read_text()).items():
    if " ".join(call).startswith(start):
        times = sum(" ".join(each).startswith(start) for each in before)
        out, code = answers[min(times, len(answers) - 1)]
        print(out, end="")
        sys.exit(code)
sys.exit(f"nobody said what to answer to {{call}}")
"""
OK = ["", 0]
REGISTRY = "registry.digitalocean.com/acme"
APP = "5f0c9a52-0000-4000-8000-000000000001"
SECRETS = {
    "CRONTOPUS_DATABASE_URL": "postgresql://crontopus_service:pw@db.internal:25060/crontopus?sslmode=require",
    "CRONTOPUS_SECRET_KEY": """q"uo\\te: # `touch x` $(touch x) & ' *""",
    "CRONTOPUS_METRICS_TOKEN": "m" * 40,
    "CRONTOPUS_FORGEJO_TOKEN": "f" * 40,
}
VALUES = {
    "DEPLOY_REGION": "fra",
    "DEPLOY_DOMAIN": "crontopus.example.com",
    "CRONTOPUS_PING_HOST": "ping.example.com",
    "DEPLOY_POSTGRES_CLUSTER": "pg-main",
    "DEPLOY_VALKEY_CLUSTER": "valkey-main",
    "CRONTOPUS_FORGEJO_URL": "https://git.example.com",
}
FAILED_DEPLOYMENT = json.dumps(
    [
        {
            "id": "dep-1",
            "progress": {
                "steps": [
                    {"name": "build", "status": "SUCCESS"},
                    {
                        "name": "deploy",
                        "status": "ERROR",
                        "steps": [
                            {
                                "name": "migrate",
                                "status": "ERROR",
                                "reason": {"code": "DeployContainerExitNonZero", "message": "exit code 1"},
                                "component_name": "migrate",
                            },
                            {"name": "api", "status": "PENDING", "component_name": "api"},
                        ],
                    },
                ]
            },
        }
    ],
    indent=2,
)


class World:
    """A clone, stand-ins on the PATH, and what they answer."""

    def __init__(self, directory: Path) -> None:
        self.clone, self._bin = directory / "clone", directory / "bin"
        (self.clone / "infra/app-platform").mkdir(parents=True)
        for file in (ROOT / "infra/app-platform").iterdir():
            shutil.copy(file, self.clone / "infra/app-platform")
        self._bin.mkdir()
        for tool in TOOLS:
            (self._bin / tool).symlink_to(str(shutil.which(tool)))
        for program in ("docker", "doctl"):
            (self._bin / program).write_text(STAND_IN)
            (self._bin / program).chmod(0o755)
        (self._bin / "calls").touch()
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "all of it")
        self.tag = self.git("rev-parse", "HEAD").strip()
        self.values = VALUES | SECRETS
        self.answers: dict[str, list[list[Any]]] = {
            "docker info": [OK],
            "docker build": [OK],
            "docker push": [OK],
            "doctl account get": [["ops@example.com\n", 0]],
            "doctl registry get": [[f"{REGISTRY}\n", 0]],
            "doctl registry login": [OK],
            "doctl registry repository list-tags": [["", 1]],
            "doctl apps list ": [["other crontopus-dev-2\n", 0], [f"{APP}    crontopus\n", 0]],
            "doctl apps spec validate": [OK],
            "doctl apps propose": [OK],
            "doctl apps create": [OK],
            "doctl apps update": [OK],
            f"doctl apps spec get {APP}": [["name: crontopus\n", 0]],
            f"doctl apps get {APP}": [["https://crontopus-x.ondigitalocean.app\n", 0]],
        }

    def exists(self, *, spec: str = "name: crontopus\n") -> None:
        """The app was deployed before."""
        self.answers["doctl apps list "] = [[f"{APP}    crontopus\n", 0]]
        self.answers[f"doctl apps spec get {APP}"] = [[spec, 0]]

    def without(self, program: str) -> None:
        (self._bin / program).unlink()

    def git(self, *arguments: str) -> str:
        person = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *person, *arguments], cwd=self.clone, check=True, capture_output=True, text=True
        )
        return done.stdout

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self._bin / "answers").write_text(json.dumps(self.answers))
        environment = {"PATH": str(self._bin), "HOME": os.environ["HOME"], **self.values}
        return subprocess.run(
            ["bash", SCRIPT, *arguments], cwd=self.clone, env=environment, capture_output=True, text=True, check=False
        )  # fmt: skip

    @property
    def calls(self) -> list[str]:
        return [" ".join(each["call"]) for each in self._log]

    def said(self, start: str) -> dict[str, Any]:
        """The spec that went into the call."""
        [text] = [each["said"] for each in self._log if " ".join(each["call"]).startswith(start)]
        return dict(yaml.safe_load(text))

    @property
    def _log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self._bin / "calls").read_text().splitlines()]

    def changed(self) -> list[str]:
        """What was done that somebody else notices."""
        reading = ("info", "account", "list", "get", "validate", "propose")
        return [call for call in self.calls if not any(f" {word}" in call for word in reading)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def variables(spec: dict[str, Any]) -> dict[str, str]:
    return {each["key"]: each["value"] for each in spec["envs"]}


def test_the_first_deployment(world: World) -> None:
    done = world.run()
    assert done.returncode == 0, done.stderr
    places = [f"{REGISTRY}/crontopus-{image}:{world.tag}" for image in ("api", "admin")]
    build = "docker build --platform linux/amd64 --file infra/docker"
    assert world.changed() == [
        "doctl registry login --expiry-seconds 3600",
        f"{build}/api.Dockerfile --tag {places[0]} .",
        f"docker push {places[0]}",
        f"{build}/admin.Dockerfile --tag {places[1]} .",
        f"docker push {places[1]}",
        "doctl apps create --spec - --wait",
    ]
    assert world.calls.index("doctl apps spec validate --schema-only -") < world.calls.index(
        world.changed()[1]
    )
    assert "doctl apps propose --spec -" in world.calls
    assert "live: https://crontopus.example.com (https://crontopus-x.ondigitalocean.app)" in done.stderr
    assert done.stdout == ""


def test_the_spec_holds_what_the_environment_says(world: World) -> None:
    world.run()
    spec = world.said("doctl apps create")
    given = variables(spec)
    assert {name: given[name] for name in SECRETS} == SECRETS
    assert given["CRONTOPUS_PUBLIC_URL"] == "https://crontopus.example.com"
    assert not {"CRONTOPUS_SMTP_URL", "CRONTOPUS_REGISTRATION"} & set(given)
    assert "${valkey.HOSTNAME}" in given["CRONTOPUS_REDIS_URL"]
    assert {each["image"]["tag"] for kind in ("jobs", "services", "workers") for each in spec[kind]} == {
        world.tag
    }
    assert [each["cluster_name"] for each in spec["databases"]] == ["pg-main", "valkey-main"]
    assert not (world.clone / "x").exists()
    for secret in SECRETS.values():
        assert not [call for call in world.calls if secret in call]


def test_an_update_leaves_secrets_that_are_not_given(world: World) -> None:
    held = {name: f"EV[1:{name}:c2VjcmV0/+=]" for name in SECRETS} | {"CRONTOPUS_SMTP_URL": "EV[1:smtp:eA==]"}
    envs = [
        {"key": name, "scope": "RUN_TIME", "type": "SECRET", "value": value} for name, value in held.items()
    ]
    # As doctl writes it: keys in order, the list not indented.
    world.exists(spec=yaml.safe_dump({"envs": envs, "name": "crontopus"}))
    for name in ("CRONTOPUS_SECRET_KEY", "CRONTOPUS_DATABASE_URL"):
        del world.values[name]
    done = world.run("--env", "production")
    assert done.returncode == 0, done.stderr
    assert f"doctl apps propose --spec - --app {APP}" in world.calls
    assert world.changed()[-1] == f"doctl apps update {APP} --spec - --wait"
    given = variables(world.said("doctl apps update"))
    for name in ("CRONTOPUS_SECRET_KEY", "CRONTOPUS_DATABASE_URL", "CRONTOPUS_SMTP_URL"):
        assert given[name] == held[name]
    assert given["CRONTOPUS_METRICS_TOKEN"] == SECRETS["CRONTOPUS_METRICS_TOKEN"]


def test_an_optional_secret_set_to_nothing_is_taken_away(world: World) -> None:
    world.exists(
        spec="envs:\n- key: CRONTOPUS_SMTP_URL\n  type: SECRET\n  value: EV[1:a:b]\nname: crontopus\n"
    )
    world.values["CRONTOPUS_SMTP_URL"] = ""
    assert world.run().returncode == 0
    assert "CRONTOPUS_SMTP_URL" not in variables(world.said("doctl apps update"))


def test_an_image_that_was_pushed_is_not_built_again(world: World) -> None:
    world.answers["doctl registry repository list-tags"] = [[f"latest\n{world.tag}\n", 0]]
    done = world.run()
    assert done.returncode == 0, done.stderr
    assert not [call for call in world.calls if call.startswith(("docker build", "docker push"))]


def test_dev_is_an_app_of_its_own(world: World) -> None:
    world.exists()
    done = world.run("--env=dev")
    assert done.returncode == 0, done.stderr
    assert world.said("doctl apps create")["name"] == "crontopus-dev"


def test_a_working_tree_that_differs_is_refused(world: World) -> None:
    (world.clone / "forgotten.txt").touch()
    done = world.run()
    assert done.returncode == 1
    assert f"deploy: the working tree differs from commit {world.tag}" in done.stderr
    assert world.changed() == []


@pytest.mark.parametrize("missing", ["DEPLOY_REGION", "CRONTOPUS_SECRET_KEY"])
def test_a_missing_value_is_named(world: World, missing: str) -> None:
    del world.values[missing]
    done = world.run()
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.endswith(f": {missing}")
    assert world.changed() == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DEPLOY_DOMAIN", "$(touch x)", "DEPLOY_DOMAIN is a host name"),
        ("CRONTOPUS_PING_HOST", "https://ping.example.com", "CRONTOPUS_PING_HOST is a host name"),
        ("CRONTOPUS_SECRET_KEY", "two\nlines", "CRONTOPUS_SECRET_KEY holds a line break"),
        ("CRONTOPUS_SMTP_URL", "smtp://${postgres.PASSWORD}", "CRONTOPUS_SMTP_URL holds ${"),
        (
            "CRONTOPUS_DATABASE_URL",
            "postgresql://doadmin:pw@db/crontopus",
            "CRONTOPUS_DATABASE_URL logs in as doadmin",
        ),
    ],
)
def test_values_that_cannot_be_right_are_refused(world: World, name: str, value: str, says: str) -> None:
    world.values[name] = value
    done = world.run()
    assert done.returncode == 2
    assert done.stderr.startswith(f"deploy: {says}")
    assert world.changed() == []


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("docker info", "docker does not answer: start"),
        ("doctl account get", "doctl is not signed in: run 'doctl auth init'"),
        ("doctl registry get", "there is no container registry: make one"),
        ("doctl apps list ", "the apps could not be listed"),
        ("doctl apps spec validate", "infra/app-platform/production.yaml is no app spec"),
    ],
)
def test_what_does_not_work_is_said_before_anything_is_changed(world: World, call: str, says: str) -> None:
    world.answers[call] = [["", 1]]
    done = world.run()
    assert done.returncode == 1
    assert f"deploy: {says}" in done.stderr.splitlines()[-1]
    assert world.changed() == []


@pytest.mark.parametrize("program", ["docker", "doctl"])
def test_a_missing_program_is_named(world: World, program: str) -> None:
    world.without(program)
    done = world.run()
    assert done.returncode == 1
    assert done.stderr.startswith(f"deploy: {program} is missing: install ")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("docker build", "crontopus-api could not be built; nothing was deployed"),
        ("docker push", "could not be pushed; nothing was deployed"),
        ("doctl apps propose", "App Platform refuses the spec; nothing was deployed"),
    ],
)
def test_a_step_that_fails_is_the_last(world: World, call: str, says: str) -> None:
    world.answers[call] = [["", 1]]
    done = world.run()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(says)
    assert not [call for call in world.calls if call.startswith(("doctl apps create", "doctl apps update"))]


@pytest.mark.parametrize("first", [True, False])
def test_a_failed_deployment_says_which_part(world: World, first: bool) -> None:
    if not first:
        world.exists()
    world.answers["doctl apps create"] = world.answers["doctl apps update"] = [["", 1]]
    world.answers["doctl apps list-deployments"] = [["dep-1\ndep-0\n", 0]]
    world.answers["doctl apps get-deployment"] = [[FAILED_DEPLOYMENT, 0]]
    done = world.run()
    assert done.returncode == 1
    assert "deploy: failed: migrate – exit code 1\n" in done.stderr
    assert "failed: api" not in done.stderr
    assert f"doctl apps logs {APP} --type deploy --deployment dep-1" in done.stderr.splitlines()[-1]


def test_a_dry_run_shows_everything_but_secrets_and_changes_nothing(world: World) -> None:
    world.exists()
    (world.clone / "forgotten.txt").touch()
    done = world.run("--dry-run")
    assert done.returncode == 0, done.stderr
    assert world.changed() == []
    given = variables(yaml.safe_load(done.stdout))
    assert {given[name] for name in SECRETS} == {"********"}
    assert given["CRONTOPUS_FORGEJO_URL"] == "https://git.example.com"
    assert f"would update crontopus ({APP})" in done.stderr
    assert (
        f"would build infra/docker/api.Dockerfile and push it as {REGISTRY}/crontopus-api:{world.tag}"
        in done.stderr
    )
    assert "the working tree differs" in done.stderr


def test_a_dry_run_needs_neither_docker_nor_doctl(world: World) -> None:
    for program in ("docker", "doctl"):
        world.without(program)
    done = world.run("--dry-run", "--env", "dev")
    assert done.returncode == 0, done.stderr
    assert "shown as for a first deployment" in done.stderr
    assert yaml.safe_load(done.stdout)["name"] == "crontopus-dev"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--help"], 0, "Usage: infra/app-platform/deploy-app-platform.sh"),
        (["--env", "staging"], 2, "deploy: there is no environment staging"),
        (["--env"], 2, "deploy: --env needs a name"),
        (["now"], 2, "deploy: unknown argument now"),
    ],
)
def test_the_call(world: World, arguments: list[str], code: int, says: str) -> None:
    done = world.run(*arguments)
    assert done.returncode == code
    assert (done.stdout + done.stderr).startswith(says)
    assert world.calls == []
