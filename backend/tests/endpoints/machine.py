"""An endpoint as the agent keeps it."""

import base64
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..platform import Person, Platform


@dataclass
class Generation:
    number: int = 0
    mark: str | None = None

    def next(self) -> dict[str, Any]:
        return {"number": self.number, "mark": self.mark, "next": uuid4().hex}


@dataclass
class Machine:
    id: UUID
    key: Ed25519PrivateKey
    token: str
    platform: Platform
    tenant_id: UUID
    generation: Generation = field(default_factory=Generation)

    @property
    def api(self) -> httpx.AsyncClient:
        return self.platform.client(self.token)

    def cloned(self) -> "Machine":
        twin = copy(self)
        twin.generation = copy(self.generation)
        return twin

    async def report(self, **more: Any) -> httpx.Response:
        body = {"agent_version": "1.0", "sent_at": datetime.now(UTC).isoformat(), **more}
        return await self.api.post("/api/v1/endpoints/self/heartbeat", json=body)

    async def heartbeat(self, **more: Any) -> dict[str, Any]:
        answer = await self.report(**more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def advance(self) -> httpx.Response:
        shown = self.generation.next()
        answer = await self.report(generation=shown)
        self._keep(answer, shown)
        return answer

    def rotation(self, at: datetime | None = None, nonce: str | None = None) -> dict[str, str]:
        timestamp, nonce = (at or datetime.now(UTC)).isoformat(), nonce or uuid4().hex
        words = f"crontopus-rotate-v1\n{self.id}\n{timestamp}\n{nonce}".encode()
        signature = base64.b64encode(self.key.sign(words)).decode()
        return {"timestamp": timestamp, "nonce": nonce, "signature": signature}

    def signed(self, shown: dict[str, Any]) -> dict[str, Any]:
        timestamp, nonce = datetime.now(UTC).isoformat(), uuid4().hex
        about = [self.tenant_id, self.id, timestamp, nonce]
        words = ["crontopus-rotate-v2", *about, shown["number"], shown["mark"] or "-", shown["next"] or "-"]
        signature = base64.b64encode(self.key.sign("\n".join(map(str, words)).encode())).decode()
        return {
            "tenant_id": str(self.tenant_id),
            "endpoint_id": str(self.id),
            "generation": shown,
            "timestamp": timestamp,
            "nonce": nonce,
            "signature": signature,
        }

    async def rotate(self, *, with_token: bool = True) -> httpx.Response:
        shown = self.generation.next()
        api = self.api if with_token else self.platform.client()
        answer = await api.post("/api/v1/endpoints/self/rotate-token", json=self.signed(shown))
        self._keep(answer, shown)
        if answer.status_code == 200:
            self.token = answer.json()["token"]
        return answer

    def _keep(self, answer: httpx.Response, shown: dict[str, Any]) -> None:
        if answer.status_code == 200:
            self.generation = Generation(answer.json()["generation"], shown["next"])


async def enrol_token(person: Person, **options: Any) -> str:
    answer = await person.api.post("/api/v1/enrollment-tokens", json=options)
    assert answer.status_code == 201, answer.text
    return answer.json()["secret"]


async def enrol(platform: Platform, token: str, hostname: str = "web-1", **more: Any) -> httpx.Response:
    key = more.pop("key", None) or Ed25519PrivateKey.generate()
    body = {
        "token": token,
        "hostname": hostname,
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "1.0",
        "machine_id": "m-1",
        "public_key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        **more,
    }
    return await platform.client().post("/api/v1/endpoints/enroll", json=body)


async def new_machine(platform: Platform, person: Person, **more: Any) -> Machine:
    key = Ed25519PrivateKey.generate()
    token = await enrol_token(person, labels={"role": "db"})
    answer = (await enrol(platform, token, key=key, **more)).json()
    return Machine(
        UUID(answer["endpoint_id"]),
        key,
        answer["token"],
        platform,
        person.tenant_id,
        Generation(answer["generation"]),
    )
