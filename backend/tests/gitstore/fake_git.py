"""The Git half of the fake Forgejo: `git http-backend`, as a real one runs `git upload-pack` and the rest."""

import asyncio
import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response


async def run_git(*arguments: str, env: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    process = await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": os.devnull, **(env or {})},
    )
    out, _ = await process.communicate(body)
    return out


async def refs_of(path: Path) -> dict[str, str]:
    lines = (
        await run_git("--git-dir", str(path), "for-each-ref", "--format=%(refname) %(objectname)")
    ).decode()
    return dict(line.split(" ") for line in lines.splitlines())


async def backend(path: Path, service: str, request: Request, body: bytes) -> Response:
    endpoint = "info/refs" if request.method == "GET" else service
    env = {
        "GIT_PROJECT_ROOT": str(path.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_USER": "crontopus-service",
        "REQUEST_METHOD": request.method,
        "PATH_INFO": f"/{path.name}/{endpoint}",
        "QUERY_STRING": request.url.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    head, _, content = (await run_git("http-backend", env=env, body=body)).partition(b"\r\n\r\n")
    headers = dict(line.decode().split(": ", 1) for line in head.splitlines())
    status = int(headers.pop("Status", "200").split()[0])
    return Response(content, status, headers)
