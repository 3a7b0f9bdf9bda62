"""The agent's own program against this API, on a real port: enrolled, rotated, copied, unlocked, revoked.

Built once per session with `go build`; without Go the test fails.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ..http.serving import served
from ..platform import Person, Platform
from .machine import enrol_token

AGENT = Path(__file__).resolve().parents[3] / "agent"


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("agent")
    programs = ["./cmd/crontopus-agent", "./cmd/crontopus-run"]
    subprocess.run(["go", "build", "-o", f"{target}/", *programs], cwd=AGENT, check=True)
    return target


@dataclass
class Agent:
    programs: Path
    state: Path
    crontab: Path

    def _environment(self) -> dict[str, str]:
        # A crontab(1) of its own: this test is about who the machine is, not about cron.
        return os.environ | {
            "PATH": f"{self.crontab}:{os.environ['PATH']}",
            "CRONTAB_FILE": str(self.state.with_suffix(".crontab")),
            "CRONTOPUS_HEARTBEAT_INTERVAL": "1s",
            "no_proxy": "*",
        }

    async def command(self, *arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            self.programs / "crontopus-agent",
            *arguments,
            "--state-dir",
            self.state,
            env=self._environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        process = await asyncio.create_subprocess_exec(
            self.programs / "crontopus-agent", "run", "--state-dir", self.state, env=self._environment()
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()

    async def refused(self) -> str:
        _, out = await self.command("status", "--output", "json")
        return json.loads(out)["last_round"].get("refused", "")

    def copied(self, name: str) -> "Agent":
        twin = Agent(self.programs, self.state.with_name(name), self.crontab)
        shutil.copytree(self.state, twin.state)
        return twin


async def eventually(ask: Callable[[], Awaitable[bool]], what: str, within: float = 45) -> None:
    """Another process is at work, and nothing tells when it is done."""
    try:
        async with asyncio.timeout(within):
            while not await ask():  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"waited {within} s: {what}")


# The part of crontab(1) that the agent asks for.
CRONTAB = """#!/bin/sh
case $1 in
-l) if [ -f "$CRONTAB_FILE" ]; then cat "$CRONTAB_FILE"; else echo "no crontab for $(id -un)" >&2; exit 1; fi ;;
-) cat >"$CRONTAB_FILE" ;;
*) cat "$1" >"$CRONTAB_FILE" ;;
esac
"""


@pytest.fixture
def crontab(tmp_path: Path) -> Path:
    directory = tmp_path / "bin"
    directory.mkdir()
    program = directory / "crontab"
    program.write_text(CRONTAB)
    program.chmod(0o755)
    return directory


async def test_the_agent_and_its_copies(
    platform: Platform, ada: Person, programs: Path, crontab: Path, tmp_path: Path
) -> None:
    async with served(platform.app) as port:
        agent = Agent(programs, tmp_path / "state", crontab)
        server = f"http://127.0.0.1:{port}"
        code, out = await agent.command("enroll", "--server", server, "--token", await enrol_token(ada))
        assert code == 0, out
        # The address that the API gives is its public one, which leads nowhere here.
        identity = json.loads((agent.state / "identity.json").read_text())
        identity["repository"]["url"] = identity["repository"]["url"].replace("http://crontopus.test", server)
        (agent.state / "identity.json").write_text(json.dumps(identity))
        path = f"/endpoints/{identity['endpoint_id']}"
        code, out = await agent.command("signers")
        current = (await platform.client().get("/api/v1/signers")).json()["current"]["fingerprint"]
        assert (code, out) == (0, f"{current} signs now\n")

        async def shown() -> dict[str, Any]:
            return await ada.get(path)

        async def state_is(state: str) -> bool:
            return (await shown())["state"] == state

        async with agent.running():
            await eventually(lambda: _has(shown, "applied_commit"), "the first commit is applied")
            assert abs((await shown())["clock_offset_ms"]) < 5000  # this machine's own clock
            # Another copy of the machine wakes up.
            twin = agent.copied("twin")
            async with twin.running():
                await eventually(lambda: state_is("locked"), "the copy is noticed")
                await eventually(lambda: _starts(agent.refused, "endpoint_locked"), "the agent shows it")
        assert (await ada.api.post(f"/api/v1{path}/unlock")).status_code == 200
        async with twin.running():
            await eventually(lambda: state_is("online"), "the first to come goes on", within=60)
            async with agent.running():
                await eventually(lambda: _starts(agent.refused, "endpoint_superseded"), "the other does not")
            assert await state_is("online")
            # Expired tokens are no reason to enrol anew.
            async with platform.services.database.tenant(ada.tenant_id) as session:
                await session.execute(text("UPDATE tokens SET expires_at = now() WHERE kind = 'endpoint'"))
            seen = (await shown())["last_seen_at"]
            await eventually(lambda: _other(shown, "last_seen_at", seen), "it comes back by its key", 90)
            assert (await ada.api.delete(f"/api/v1{path}")).status_code == 204
            await eventually(
                lambda: _starts(twin.refused, "endpoint_revoked"), "it shows that it was revoked", 90
            )
        kinds = [each["kind"] for each in (await ada.get(f"{path}/events"))["items"]][::-1]
        assert [each for each in kinds if each not in {"online", "offline"}] == [
            "enrolled",
            "clone_suspected",
            "unlocked",
            "claimed",
            "revoked",
        ]


async def _has(shown: Callable[[], Awaitable[dict[str, Any]]], name: str) -> bool:
    return bool((await shown())[name])


async def _other(shown: Callable[[], Awaitable[dict[str, Any]]], name: str, than: Any) -> bool:
    return (await shown())[name] != than


async def _starts(said: Callable[[], Awaitable[str]], word: str) -> bool:
    return (await said()).startswith(word)
