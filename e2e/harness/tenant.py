"""A registered user and what they do through the API."""

import secrets
from collections.abc import Iterator
from typing import Any

import httpx

from harness.waiting import eventually

PASSWORD = "correct horse battery staple"


class Tenant:
    def __init__(self, base_url: str, session: dict[str, Any]) -> None:
        self.base_url = base_url
        self.username: str = session["user"]["username"]
        self.email: str = session["user"]["email"]
        self.id: str = session["tenant"]["id"]
        self.slug: str = session["tenant"]["slug"]
        self.clone_url: str = session["repository"]["clone_url"]
        self.token: str = session["token"]
        self.api = client(base_url, self.token)

    @classmethod
    def register(cls, base_url: str, name: str) -> "Tenant":
        """A new user; `name` is made unique, so that stories can share a platform."""
        username = f"{name}-{secrets.token_hex(3)}"
        answer = httpx.post(
            f"{base_url}/api/v1/auth/register",
            json={
                "username": username,
                "email": f"{username}@example.com",
                "password": PASSWORD,
                "mode": "token",
                "token_name": "e2e",
            },
            timeout=30,
            trust_env=False,
        )
        assert answer.status_code == 201, answer.text
        return cls(base_url, answer.json())

    @property
    def authenticated_clone_url(self) -> str:
        return with_password(self.clone_url, self.token)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.api.get(path, params=query)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every item of a list, page after page."""
        return list(self._pages(path, query))

    def _pages(self, path: str, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        page = self.get(path, limit=200, **query)
        yield from page["items"]
        while page["next_cursor"]:
            page = self.get(path, limit=200, cursor=page["next_cursor"], **query)
            yield from page["items"]

    def put_job(self, address: str, spec: dict[str, Any], **headers: str) -> Any:
        answer = self.api.put(f"/jobs/{address}", json={"spec": spec}, headers=headers)
        assert answer.status_code in {200, 201}, f"PUT {address}: {answer.status_code} {answer.text}"
        return answer.json()

    def delete_job(self, address: str) -> None:
        answer = self.api.delete(f"/jobs/{address}")
        assert answer.status_code == 204, answer.text

    def runs(self, address: str, **query: Any) -> list[dict[str, Any]]:
        return self.items("/runs", job=address, **query)

    def instance(self, address: str) -> dict[str, Any]:
        (only,) = self.items("/instances", job=address)
        return only

    def incident(self, address: str, state: str, *, within: float) -> dict[str, Any]:
        """The job's incident, once it is in `state`."""

        def found() -> dict[str, Any] | None:
            items = self.items("/incidents", state=state)
            return next(
                (item for item in items if f"{item['job']['namespace']}/{item['job']['name']}" == address),
                None,
            )

        return eventually(found, f"{state} incident of {address}", within=within)

    def enrollment_token(self, **settings: Any) -> str:
        answer = self.api.post("/enrollment-tokens", json=settings)
        assert answer.status_code == 201, answer.text
        secret: str = answer.json()["secret"]
        return secret


def client(base_url: str, token: str | None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=f"{base_url}/api/v1", headers=headers, timeout=30, trust_env=False)


def with_password(clone_url: str, password: str) -> str:
    return clone_url.replace("://", f"://x:{password}@", 1)


def ping(url: str, action: str = "", *, body: str | None = None, **query: str) -> httpx.Response:
    """What `curl URL/ACTION` does."""
    address = f"{url}/{action}" if action else url
    return httpx.request(
        "POST" if body is not None else "GET",
        address,
        content=body,
        params=query,
        timeout=30,
        trust_env=False,
    )
