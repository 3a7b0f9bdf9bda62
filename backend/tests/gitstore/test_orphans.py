"""A git process whose API was killed -9 must end by itself."""

import asyncio
import subprocess
from pathlib import Path

from crontopus_api.gitstore.embedded.cgi import GitRequest, environment
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost

from .conftest import TENANT


def test_a_body_that_stops_half_way_ends_git(tmp_path: Path) -> None:
    """With CONTENT_LENGTH in its environment `git http-backend` reads end-of-file for ever, at full speed."""
    host = EmbeddedGitHost(tmp_path)
    asyncio.run(host.ensure_repository("acme", TENANT))
    headers = {"content-length": "100000"}
    request = GitRequest("acme", "git-receive-pack", False, "write", headers)
    env = environment(request, host.path("acme"), tmp_path, "ada", 1 << 20)
    with subprocess.Popen(
        ["git", "http-backend"],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            process.communicate(b"0000", timeout=20)
        finally:
            process.kill()
    assert process.returncode != -9
