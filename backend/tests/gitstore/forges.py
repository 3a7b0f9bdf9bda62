"""The Forgejos that tests run against: the fake one always, a real one where the environment names it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import httpx

from crontopus_api.gitstore.forgejo.config import ForgejoConfig
from crontopus_api.gitstore.forgejo.host import ForgejoGitHost
from crontopus_api.gitstore.host import Signer

from .fake_forgejo import TOKEN, FakeForgejo

LIVE_URL = os.environ.get("CRONTOPUS_FORGEJO_URL")
LIVE_TOKEN = os.environ.get("CRONTOPUS_FORGEJO_TOKEN")
FORGES = ["fake", *(["live"] if LIVE_URL and LIVE_TOKEN else [])]


@dataclass
class Forge:
    """One Forgejo with an organisation of the test's own. `fake` is there where faults can be had."""

    url: str
    token: str = field(repr=False)
    organization: str
    directory: Path
    fake: FakeForgejo | None = None
    hosts: list[ForgejoGitHost] = field(default_factory=list)

    def config(self, **settings: object) -> ForgejoConfig:
        return ForgejoConfig(self.url, self.token, organization=self.organization, **settings)  # type: ignore[arg-type]

    def host(
        self, cache: str = "cache", *, signer: Signer | None = None, **settings: object
    ) -> ForgejoGitHost:
        """One process' host; processes are told apart by their caches."""
        host = ForgejoGitHost(self.config(**settings), self.directory / cache, signer=signer)
        self.hosts.append(host)
        return host

    def address(self, slug: str = "acme") -> str:
        """For a `git` client with the service's own rights: what a person with access would do."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://x:{self.token}@{rest}/{self.organization}/job-manifests-{slug}.git"

    async def api(
        self, method: str, path: str, json: object = None, token: str | None = None
    ) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            address = f"{self.url}/api/v1/{path}"
            return await client.request(method, address, json=json, auth=("x", token or self.token))

    async def close(self) -> None:
        for host in self.hosts:
            await host.aclose()
        if self.fake is None:
            org = await self.api("GET", f"orgs/{self.organization}")
            if org.status_code == 200:
                query = f"uid={org.json()['id']}&exclusive=true&sort=updated&order=desc&limit=50"
                for repo in (await self.api("GET", f"repos/search?{query}")).json()["data"]:
                    await self.api("DELETE", f"repos/{repo['full_name']}")
                await self.api("DELETE", f"orgs/{self.organization}")


@asynccontextmanager
async def forge_of(kind: str, directory: Path) -> AsyncIterator[Forge]:
    organization = f"crontopus-test-{token_hex(4)}"
    if kind == "live":
        assert LIVE_URL is not None
        assert LIVE_TOKEN is not None
        forge = Forge(LIVE_URL.rstrip("/"), LIVE_TOKEN, organization, directory)
        try:
            yield forge
        finally:
            await forge.close()
        return
    async with FakeForgejo(directory / "forgejo").serve() as fake:
        forge = Forge(fake.url, TOKEN, organization, directory, fake)
        try:
            yield forge
        finally:
            await forge.close()
