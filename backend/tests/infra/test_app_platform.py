"""The App Platform specs, held against what they deploy. Whether they are specs at all is for `doctl` to say
(infra/app-platform/lint.sh)."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args

import pytest
import typer
import yaml
from pydantic import SecretStr

from crontopus_api.checkins.doors.router import Doors
from crontopus_api.server.api import GRACE_SECONDS
from crontopus_api.server.cli import app as server
from crontopus_api.settings import PREFIX, Settings

ROOT = Path(__file__).parents[3]
SPECS = {name: ROOT / f"infra/app-platform/{name}.yaml" for name in ("production", "dev")}
# In the database's address is a password; who knows the watchdog's may keep it quiet.
SECRET_ADDRESSES = {"CRONTOPUS_DATABASE_URL", "CRONTOPUS_DATABASE_DIRECT_URL", "CRONTOPUS_WATCHDOG_URL"}
# What each environment decides for itself.
OWN = {"name", "instance_size_slug", "instance_count"}
_PLACEHOLDER = re.compile(r"\$\{((?:DEPLOY|CRONTOPUS)_[A-Z_]+)\}")

Spec = dict[str, Any]


@pytest.fixture(params=SPECS.values(), ids=SPECS.keys())
def file(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def spec(file: Path) -> Spec:
    return read(file)


def read(file: Path) -> Spec:
    return dict(yaml.safe_load(file.read_text()))


def components(spec: Spec) -> Iterator[Spec]:
    for kind in ("jobs", "services", "workers"):
        yield from spec[kind]


def component(spec: Spec, name: str) -> Spec:
    return next(each for each in components(spec) if each["name"] == name)


def variables(spec: Spec) -> Iterator[Spec]:
    yield from spec["envs"]
    for each in components(spec):
        yield from each.get("envs", ())


def shared(spec: Spec) -> dict[str, str]:
    return {each["key"]: each["value"] for each in spec["envs"]}


def compose() -> Spec:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


def test_every_variable_is_a_setting(spec: Spec) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    given = [each["key"] for each in variables(spec)]
    assert set(given) <= known
    assert len(given) == len(set(given))


def test_values_that_stand_there_are_understood(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in shared(spec).items():
        if "${" not in value:
            monkeypatch.setenv(key, value)
    settings = Settings()
    assert (settings.environment, settings.git_host, settings.journal) == ("production", "forgejo", False)
    assert settings.client_header == "do-connecting-ip"
    assert settings.trusted_proxies


def test_every_command_exists(spec: Spec) -> None:
    commands = typer.main.get_command(server).commands  # type: ignore[attr-defined] # a group
    admin = tomllib.loads((ROOT / "internal_admin/pyproject.toml").read_text())["project"]["scripts"]
    for each in components(spec):
        entrypoint, program, *arguments = each["run_command"].split()
        assert entrypoint == "crontopus-entrypoint"
        if program == "crontopus-server":
            assert [argument for argument in arguments if argument not in commands] == [], each["name"]
            assert each["image"]["repository"] == "crontopus-api"
        else:
            assert program in admin
            assert (arguments, each["image"]["repository"]) == ([], "crontopus-admin")


def test_every_image_is_built_and_tagged_with_the_commit(spec: Spec) -> None:
    script = (ROOT / "infra/app-platform/deploy-app-platform.sh").read_text()
    built = re.search(r'^IMAGES="(.*)"$', script, re.MULTILINE)
    assert built
    for each in components(spec):
        repository = each["image"]["repository"]
        assert repository in built[1].split()
        assert (ROOT / f"infra/docker/{repository.removeprefix('crontopus-')}.Dockerfile").is_file()
        assert each["image"]["tag"] == "${DEPLOY_TAG}"


def test_secrets_have_no_value_here(spec: Spec) -> None:
    for each in variables(spec):
        kind = Settings.model_fields[each["key"].removeprefix(PREFIX).lower()].annotation
        kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
        secret = SecretStr in kinds or each["key"] in SECRET_ADDRESSES
        assert (each.get("type") == "SECRET") == secret, each["key"]
        if secret:
            assert each["value"] == f"${{{each['key']}}}"


def test_only_migrations_know_the_owner(spec: Spec) -> None:
    knowing = {each["name"] for each in components(spec) if "postgres.DATABASE_URL" in str(each)}
    assert knowing == {"migrate"}
    assert "postgres." not in str(spec["envs"])
    migrate = component(spec, "migrate")
    assert migrate["kind"] == "PRE_DEPLOY"
    assert [each["key"] for each in migrate["envs"]] == ["CRONTOPUS_DATABASE_OWNER_URL"]


def test_valkey_is_reached_by_tls_in_database_3(spec: Spec) -> None:
    valkey = next(each for each in spec["databases"] if each["engine"] == "VALKEY")
    assert valkey["production"]
    parts = "USERNAME", "PASSWORD", "HOSTNAME", "PORT"
    user, password, host, port = (f"${{{valkey['name']}.{part}}}" for part in parts)
    assert shared(spec)["CRONTOPUS_REDIS_URL"] == f"rediss://{user}:{password}@{host}:{port}/3"


def test_ingress_leads_pings_to_ingest_and_the_rest_to_the_api(spec: Spec) -> None:
    rules = [
        (rule["match"].get("authority", {}).get("exact"), rule["match"]["path"]["prefix"], rule["component"])
        for rule in spec["ingress"]["rules"]
    ]
    assert all(component["preserve_path_prefix"] for *_, component in rules)
    assert [(host, path, component["name"]) for host, path, component in rules] == [
        ("${CRONTOPUS_PING_HOST}", "/", "ingest"),
        (None, "/ping", "ingest"),
        (None, "/p", "ingest"),
        (None, "/api/1", "ingest"),
        (None, "/", "api"),
    ]


@pytest.mark.parametrize(
    "path", ["/ping/key", "/ping/key/start", "/p/key/job", "/api/1/envelope/", "/api/1/cron/job/key/"]
)
def test_what_goes_to_ingest_is_a_door(spec: Spec, path: str) -> None:
    prefixes = [rule["match"]["path"]["prefix"] for rule in spec["ingress"]["rules"][1:-1]]
    assert any(path.startswith(f"{prefix}/") for prefix in prefixes)
    doors = Doors(None, None, None)  # type: ignore[arg-type] # found, not opened
    assert doors.find({"type": "http", "path": path, "query_string": b"", "headers": []}) is not None


def test_the_admin_is_reached_from_inside_only(spec: Spec) -> None:
    admin = component(spec, "admin")
    assert admin["internal_ports"] == [Settings.model_fields["admin_port"].default]
    assert "http_port" not in admin
    assert "routes" not in admin
    assert "admin" not in {rule["component"]["name"] for rule in spec["ingress"]["rules"]}


def test_services_listen_where_the_image_does_and_have_time_to_end(spec: Spec) -> None:
    dockerfile = (ROOT / "infra/docker/api.Dockerfile").read_text()
    for name in ("api", "ingest"):
        service = component(spec, name)
        assert f"CRONTOPUS_PORT={service['http_port']} " in dockerfile
        assert (
            service["health_check"]["http_path"]
            == service["liveness_health_check"]["http_path"]
            == "/healthz"
        )
    for each in components(spec):
        if each["name"] != "migrate":
            assert each["termination"]["grace_period_seconds"] >= 2 * GRACE_SECONDS


def test_compose_and_spec_agree(spec: Spec) -> None:
    there = compose()
    settings = {name.removesuffix("_FILE"): value for name, value in there["x-server-environment"].items()}
    # Forgejo calls back at the public address here, which is the default.
    assert set(settings) - set(shared(spec)) == {"CRONTOPUS_FORGEJO_WEBHOOK_URL"}
    assert settings["CRONTOPUS_ENVIRONMENT"] == shared(spec)["CRONTOPUS_ENVIRONMENT"]
    same = {each["name"] for each in components(spec)} & set(there["services"]) - {"admin"}
    assert same >= {"api", "worker", "migrate"}
    for name in same:
        assert there["services"][name]["command"] == component(spec, name)["run_command"].split()[2:]


def test_dev_is_production_but_smaller() -> None:
    def alike(part: Any) -> Any:
        if isinstance(part, dict):
            own = OWN if "services" in part else OWN - {"name"}
            return {key: alike(value) for key, value in part.items() if key not in own}
        return [alike(each) for each in part] if isinstance(part, list) else part

    production, dev = (read(file) for file in SPECS.values())
    assert production["name"] != dev["name"]
    for spec in (production, dev):
        spec["envs"] = [each for each in spec["envs"] if each["key"] != "CRONTOPUS_LOG_LEVEL"]
    assert alike(production) == alike(dev)


def test_placeholders_stand_in_quotes_and_in_the_example(file: Path) -> None:
    example = (ROOT / "infra/app-platform/example.env").read_text()
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")]
    for line in lines:
        quoted = "".join(re.findall(r'"[^"]*"', line))
        for name in _PLACEHOLDER.findall(line):
            assert f"${{{name}}}" in quoted, line
            assert name == "DEPLOY_TAG" or re.search(rf"^(# )?{name}=", example, re.MULTILINE), name
