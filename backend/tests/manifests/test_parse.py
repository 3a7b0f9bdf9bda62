"""The package's own promises, beyond the vectors."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import pytest

from crontopus_api.manifests import (
    ManifestError,
    ManifestInvalid,
    Selector,
    dump_yaml,
    instance_id,
    is_job_path,
    job_from_mapping,
    job_id,
    job_path,
    misplaced,
    parse_job,
    selects,
    to_mapping,
)

TENANT = UUID("0191d5a0-0000-7000-8000-000000000001")


def _job(**spec: Any) -> Any:
    data = {"spec": {"schedule": "0 2 * * *", **spec}}
    return job_from_mapping("default/hello.yaml", data, namespace="default", name="hello")


def _errors(data: Any, namespace: str = "default", name: str = "hello") -> list[ManifestError]:
    with pytest.raises(ManifestInvalid) as caught:
        job_from_mapping("default/hello.yaml", data, namespace=namespace, name=name)
    return caught.value.errors


def test_errors_read_like_a_compilers() -> None:
    with pytest.raises(ManifestInvalid) as caught:
        parse_job("default/x.yaml", b"apiVersion: v1\nkind: Job\nmetadata: {name: x}\nspec: {shedule: a}\n")
    lines = str(caught.value).splitlines()
    assert lines[0] == "default/x.yaml:4:1: `spec.schedule` is required"
    assert lines[1] == "default/x.yaml:4:8: unknown key `shedule` (did you mean `schedule`?)"


def test_a_json_body_defaults_from_its_address() -> None:
    job = _job()
    assert (job.api_version, job.kind, job.address) == ("crontopus/v1", "Job", "default/hello")


def test_a_json_body_may_not_contradict_its_address() -> None:
    errors = _errors({"metadata": {"name": "other", "namespace": "prod"}, "spec": {"schedule": "@daily"}})
    assert {error.code for error in errors} == {"name_mismatch", "namespace_mismatch"}


def test_json_errors_have_a_path_and_no_line() -> None:
    (error,) = _errors({"spec": {"schedule": ["@daily", "61 * * * *"]}})
    assert (error.file, error.line, error.column) == ("default/hello.yaml", None, None)
    assert (error.path, error.code) == ("spec.schedule[1]", "bad_cron")
    assert str(error).startswith("default/hello.yaml: spec.schedule[1]: bad minute field `61`")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"spec": None}, "null_value"),
        ({"spec": {"schedule": "@daily", "timezone": None}}, "null_value"),
        ({"spec": {"schedule": "@daily", "command": "/bin/a", "args": ["a\0"]}}, "bad_character"),
        ({"spec": {"schedule": "@daily", "command": "/bin/a", "env": {"A": "\ud800"}}}, "bad_character"),
        ({"spec": {"schedule": "@daily"}, "metadata": {"labels": {"a\0": "b"}}}, "bad_character"),
        ({"spec": {"schedule": "@daily", 1: 2}}, "bad_key"),
        ({"spec": {"schedule": ["@daily"] * 5000}}, "too_many_nodes"),
    ],
)
def test_json_bodies_are_held_to_the_same_rules(data: Any, code: str) -> None:
    assert code in {error.code for error in _errors(data)}


def test_deep_json_is_refused() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert {error.code for error in _errors({"spec": deep})} == {"too_deep"}


def test_a_reserved_name_is_refused_for_json_too() -> None:
    (error,) = _errors({"spec": {"schedule": "@daily"}}, name="start")
    assert error.code == "reserved_name"


def test_canonical_yaml() -> None:
    job = _job(
        timezone="UTC",
        shell=True,
        command="set -e\nrun\n",
        env={"B": "yes", "A": "0o17", "C": "1e3"},
        timeout="90m",
        grace="300s",
        output={"maxBytes": 65536},
        retry={"attempts": 3, "backoff": "exponential", "delay": "30s"},
        selector={"hostname": "*"},
    )
    assert dump_yaml(job) == (
        "apiVersion: crontopus/v1\n"
        "kind: Job\n"
        "metadata:\n"
        "  name: hello\n"
        "  namespace: default\n"
        "spec:\n"
        "  schedule: 0 2 * * *\n"
        "  command: |\n"
        "    set -e\n"
        "    run\n"
        "  shell: true\n"
        "  env:\n"
        "    B: 'yes'\n"
        "    A: '0o17'\n"
        "    C: '1e3'\n"
        "  selector:\n"
        "    hostname: '*'\n"
        "  timeout: 1h30m\n"
        "  retry:\n"
        "    attempts: 3\n"
    )


def test_a_program_with_a_space_survives_the_round_trip() -> None:
    job = _job(command="/opt/my tool", args=[])
    assert to_mapping(job)["spec"]["args"] == []
    assert parse_job("default/hello.yaml", dump_yaml(job).encode()) == job


def test_manifests_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        _job().spec.timezone = "Europe/London"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("default/hello.yaml", True),
        ("a/b.yaml", True),
        ("log/start.yaml", True),
        ("default/hello.yml", False),
        ("default/hello.YAML", False),
        ("Default/hello.yaml", False),
        ("default/Hello.yaml", False),
        ("hello.yaml", False),
        ("default/sub/hello.yaml", False),
        ("default/.hello.yaml", False),
        (".crontopus/tenant.yaml", False),
        (".crontopus/policies/a.yaml", False),
        ("default/README.md", False),
        ("README.md", False),
        ("/default/hello.yaml", False),
        ("../default/hello.yaml", False),
        ("default/../hello.yaml", False),
        ("default//hello.yaml", False),
        ("default/hello.yaml/more", False),
        ("default/hello.yaml\n", False),
        ("default/" + "a" * 64 + ".yaml", False),
        ("", False),
    ],
)
def test_job_paths(path: str, expected: bool) -> None:
    assert is_job_path(path) is expected
    if expected:
        namespace, _, file = path.partition("/")
        assert job_path(namespace, file.removesuffix(".yaml")) == path


@pytest.mark.parametrize(
    ("namespace", "name"), [("..", "a"), ("a", "../b"), ("", "a"), ("a", ""), ("a/b", "c"), ("a", "b\n")]
)
def test_no_path_leads_elsewhere(namespace: str, name: str) -> None:
    with pytest.raises(ValueError, match="not a namespace and a name"):
        job_path(namespace, name)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("hello.yaml", "move it into a namespace: `default/hello.yaml`"),
        ("default/hello.yml", "rename it to `default/hello.yaml`"),
        ("prod/db/hello.yaml", "move it to `prod/hello.yaml`"),
        ("Prod/hello.yaml", "lower-case letters, digits, `-`"),
        ("prod/Hello.yaml", "lower-case letters, digits, `-`"),
    ],
)
def test_files_nobody_reads_are_pointed_out(path: str, hint: str) -> None:
    error = misplaced(path)
    assert error is not None
    assert (error.code, error.hint) == ("misplaced_file", hint)


@pytest.mark.parametrize(
    "path", ["default/a.yaml", "README.md", ".crontopus/tenant.yaml", ".github/x.yml", "a/b.txt"]
)
def test_other_files_are_left_alone(path: str) -> None:
    assert misplaced(path) is None


def test_ids() -> None:
    job = _job()
    assert job_id(TENANT, job) == job_id(TENANT, "default/hello") == uuid5(TENANT, "default/hello")
    # Fixed for good: history hangs on it.
    assert str(job_id(TENANT, "default/hello")) == "572ce61a-39b2-5b62-b1f8-fabf5f767fa3"
    endpoint = UUID("0191d5a0-0000-7000-8000-000000000002")
    assert instance_id(job_id(TENANT, job), endpoint) == uuid5(job_id(TENANT, job), str(endpoint))
    assert instance_id(job_id(TENANT, job), None) == uuid5(job_id(TENANT, job), "-")
    explicit = "5f0c9a52-6f0e-4a63-9d3a-0e5c3f7b2a10"
    data = {"metadata": {"id": explicit}, "spec": {"schedule": "@daily"}}
    named = job_from_mapping("default/hello.yaml", data, namespace="default", name="hello")
    assert str(job_id(TENANT, named)) == explicit


def _selector(**conditions: Any) -> Selector:
    return Selector.model_validate(conditions)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, False),
        (_selector(hostname="*"), True),
        (_selector(hostname="db1"), True),
        (_selector(hostname="DB1"), True),
        (_selector(hostname="db"), False),
        (_selector(hostname="db*"), True),
        (_selector(hostname="*1"), True),
        (_selector(hostname="d*1"), True),
        (_selector(hostname="db1*1"), False),
        (_selector(hostname="*b*"), True),
        (_selector(hostname="web-*"), False),
        (_selector(matchLabels={"role": "db"}), True),
        (_selector(matchLabels={"role": "web"}), False),
        (_selector(matchLabels={"role": "db", "env": "prod"}), False),
        (_selector(matchLabels={"role": "db"}, hostname="web"), False),
        (_selector(matchLabels={"role": "db"}, hostname="db1"), True),
        (_selector(matchLabels={"missing": ""}), False),
    ],
)
def test_selection(selector: Selector | None, expected: bool) -> None:
    assert selects(selector, hostname="db1", labels={"role": "db"}) is expected
