"""deploy-app-platform.sh from end to end, without DigitalOcean and Docker: `deploying` has what stands in."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from .deploying import APP, REGISTRY, SECRETS, World

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
