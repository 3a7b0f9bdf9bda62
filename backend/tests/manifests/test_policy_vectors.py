"""contract/vectors/policy, run whole. The Go evaluator will run the same files."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from crontopus_api.manifests import Policy, parse_document, parse_job_located, violations

from .contract import ROOT

COUNT = 92
FIELDS = ("policy", "enforcement", "code", "line", "column", "path")


def _load() -> list[dict[str, Any]]:
    cases = []
    for file in sorted((ROOT / "contract/vectors/policy").glob("*.yaml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert document.keys() == {"format", "cases"}, file
        assert document["format"] == "crontopus/policy-vectors/1", file
        cases += document["cases"]
    return cases


CASES = _load()


def _policy(name: str, spec: dict[str, Any]) -> Policy:
    """A policy of the vectors: JSON is YAML, so it is read as its file would be."""
    document = {"apiVersion": "crontopus/v1", "kind": "Policy", "metadata": {"name": name}, "spec": spec}
    policy = parse_document(f".crontopus/policies/{name}.yaml", json.dumps(document).encode())
    assert isinstance(policy, Policy)
    return policy


def test_the_count_is_known_and_names_are_unique() -> None:
    assert len(CASES) == COUNT
    assert len({case["name"] for case in CASES}) == COUNT


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_vector(case: dict[str, Any]) -> None:
    assert case.keys() - {"why"} == {"name", "path", "policies", "manifest", "violations"}
    assert all(tuple(violation) == FIELDS for violation in case["violations"])
    policies = [_policy(name, spec) for name, spec in case["policies"].items()]
    job, places = parse_job_located(case["path"], case["manifest"].encode())
    found = violations(case["path"], job, policies, places)
    assert [{field: getattr(v, field) for field in FIELDS} for v in found] == case["violations"]
    assert all(v.file == case["path"] and v.message.startswith(f"policy `{v.policy}`: ") for v in found)
    assert len(violations(case["path"], job, policies)) == len(found), "positions change nothing"
