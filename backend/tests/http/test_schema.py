"""The whole OpenAPI, by schemathesis: whatever is sent, the answer is one that the description promises.

`make soak` runs it with CRONTOPUS_SOAK times as many cases; CRONTOPUS_FUZZ_SEED repeats what a failure names.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ..fuzz.budget import fuzz
from ..platform import PASSWORD
from .process import ApiProcess, api_process

CASES_PER_OPERATION = 5
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Streams do not end; backend/tests/live has them.
STREAMS = r"(/events|/stream|/tail)$"


class Tenant:
    """Somebody with a job, a run, an endpoint: so that more than "not found" is tried."""

    def __init__(self, api: ApiProcess) -> None:
        self._api = api
        self.session = requests.Session()
        self.session.trust_env = False
        self.known: dict[str, list[str]] = {}
        self.enter()

    def enter(self) -> None:
        name = f"u{secrets.token_hex(6)}"
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "mode": "token"}
        self._token = self._post("auth/register", body)["token"]
        job = self._call("PUT", "jobs/default/hello", {"spec": {"schedule": "every 15m"}})
        run = self._post("check-ins", {"job": "default/hello", "kind": "finish", "exit_code": 0})
        spare = self._post("tokens", {"name": "spare"})
        enrolment = self._post("enrollment-tokens", {"name": "spare"})
        self.known = {
            "namespace": ["default"],
            "name": ["hello"],
            "run_id": [run["run_id"]],
            "token_id": [spare["token"]["id"], enrolment["token"]["id"]],
        }
        self.known["name"] += [job["name"]] if "name" in job else []

    def revive(self) -> None:
        """What was tried may have ended the token."""
        if self._request("GET", "auth/me", None).status_code == 401:
            self.enter()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _request(self, method: str, path: str, body: Any) -> httpx.Response:
        headers = self.headers if hasattr(self, "_token") else {}
        url = f"{self._api.url}/api/v1/{path}"
        return httpx.request(method, url, json=body, headers=headers, trust_env=False, timeout=30)

    def _call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        answer = self._request(method, path, body)
        assert answer.is_success, answer.text
        return answer.json()

    def _post(self, path: str, body: Any) -> dict[str, Any]:
        return self._call("POST", path, body)


@pytest.fixture(scope="module")
def api(postgres_cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    name = postgres_cluster.create()
    with api_process(postgres_cluster.url(name), tmp_path_factory.mktemp("api")) as running:
        yield running
    postgres_cluster.drop(name)


def cases(operation: APIOperation[Any, Any, Any, Any]) -> st.SearchStrategy[Case]:
    """What fits the description, and what does not."""
    valid = operation.as_strategy(GenerationMode.POSITIVE)
    if operation.body or operation.query or operation.path_parameters:
        return valid | operation.as_strategy(GenerationMode.NEGATIVE)
    return valid


def attempt(tenant: Tenant, base_url: str, case: Case, known: bool, anonymous: bool) -> None:
    if known and isinstance(case.path_parameters, dict):
        for name in set(case.path_parameters) & set(tenant.known):
            case.path_parameters[name] = tenant.known[name][0]
    headers = {} if anonymous else tenant.headers
    answer = case.call(base_url=base_url, session=tenant.session, headers=headers, timeout=60)
    case.validate_response(answer, checks=CHECKS)
    if answer.status_code == 401 or case.operation.path.endswith("/logout"):
        tenant.revive()


def test_every_answer_is_one_that_is_described(api: ApiProcess, tmp_path: Path) -> None:
    description = httpx.get(f"{api.url}/api/openapi.json", trust_env=False).json()
    schema = schemathesis.openapi.from_dict(description).exclude(path_regex=STREAMS)
    tenant = Tenant(api)
    wrong: list[Exception] = []
    tried = 0

    for found in schema.get_all_operations():
        operation = found.ok()

        @fuzz(CASES_PER_OPERATION)
        @given(case=cases(operation), known=st.booleans(), anonymous=st.sampled_from([False] * 9 + [True]))
        def check(case: Case, known: bool, anonymous: bool) -> None:
            nonlocal tried
            tried += 1
            attempt(tenant, api.url, case, known, anonymous)

        try:
            check()
        except Exception as error:
            wrong.append(error)
    print(f"{tried} cases")  # noqa: T201
    if wrong:
        raise ExceptionGroup(f"{len(wrong)} operations; see {api.log}", wrong)
    assert tried >= 200
