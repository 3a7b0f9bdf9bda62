"""Counters over TLS with a password, in database 3, as the specs address them: on a real server whose certificate is
verified like any other."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from crontopus_api.checkins.sharing import SharedCounts
from crontopus_api.kit.limits import RateLimits

from .test_app_platform import SPECS, read, shared

PASSWORD = "AVNS_0aZ-9bY_8cX"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Its own authority, for localhost."""
    key, crt = tmp_path / "server.key", tmp_path / "server.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", crt],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, crt


@pytest.fixture
def port(tmp_path: Path, certificate: tuple[Path, Path]) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    binary = shutil.which("redis-server")
    assert binary is not None, "apt-get install redis-server"
    key, crt = certificate
    options = {
        "port": 0, "tls-port": free, "tls-cert-file": crt, "tls-key-file": key, "tls-auth-clients": "no",
        "requirepass": PASSWORD, "dir": tmp_path, "save": "", "bind": "127.0.0.1",
    }  # fmt: skip
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    process = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while "Ready to accept connections" not in process.stdout.readline():
        assert process.poll() is None
    yield free
    process.kill()
    process.wait()


def address(port: int) -> str:
    """The production spec's, as App Platform fills it in."""
    bound = {"USERNAME": "default", "PASSWORD": PASSWORD, "HOSTNAME": "localhost", "PORT": str(port)}
    url = shared(read(SPECS["production"]))["CRONTOPUS_REDIS_URL"]
    for name, value in bound.items():
        url = url.replace(f"${{valkey.{name}}}", value)
    return url


async def test_counters_are_shared_in_database_3(
    port: int, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    url = address(port)
    limits, counts = RateLimits(url), SharedCounts(url)
    await limits.take("5/minute", "login", "ada")
    assert await limits.ready()
    assert await counts.add({"key": 2}, 60.0) == {"key": 2}
    await counts.aclose()
    for database, keys in ((3, 2), (0, 0)):
        with redis.Redis.from_url(url.replace("/3", f"/{database}")) as there:
            assert there.dbsize() == keys


async def test_a_certificate_of_a_stranger_is_not_believed(port: int) -> None:
    limits, counts = RateLimits(address(port)), SharedCounts(address(port))
    assert not await limits.ready()
    assert await counts.add({"key": 2}, 60.0) is None
    await counts.aclose()
