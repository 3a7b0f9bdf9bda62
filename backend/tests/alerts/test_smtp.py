"""Real mail servers: encryption, passwords, and those that want to be asked twice."""

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from ..platform import running_platform
from .acting import deliver, fail, states
from .mail import running_sink


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, found = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *(*subject, "-keyout", str(key), "-out", str(found)),
        ],
        check=True,
        capture_output=True,
    )
    return key, found


def _context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    return context


def _knows(_: SMTP, __: Session, ___: Envelope, mechanism: str, data: object) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ada", b"s@cret")
    return AuthResult(success=right, handled=right)


@pytest.mark.parametrize(("password", "taken"), [("s%40cret", True), ("wrong", False)])
async def test_by_starttls_with_a_password(
    database_url: str,
    tmp_path: Path,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    password: str,
    taken: bool,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    options = {
        "tls_context": _context(certificate),
        "require_starttls": True,
        "auth_required": True,
        "authenticator": _knows,
    }
    with running_sink(**options) as sink:
        url = f"smtp://ada:{password}@127.0.0.1:{sink.port}"
        async with running_platform(
            database_url, tmp_path / "data", smtp_url=url, email_verification="off"
        ) as platform:
            ada = await platform.register("ada")
            await fail(platform, ada)
            await deliver(platform, ada)
            assert (len(sink.messages) == 1) is taken
            if not taken:
                waiting = (await ada.get("/deliveries", state="pending"))["items"]
                assert any("535" in (each["last_error"] or "") for each in waiting)
                assert "wrong" not in (await ada.api.get("/api/v1/deliveries")).text


async def test_who_cannot_be_trusted_gets_no_password(
    database_url: str, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    """A certificate that nobody vouches for."""
    seen: list[object] = []

    def listening(*arguments: object) -> AuthResult:
        seen.append(arguments)
        return AuthResult(success=True)

    with running_sink(tls_context=_context(certificate), authenticator=listening) as sink:
        url = f"smtp://ada:s%40cret@127.0.0.1:{sink.port}"
        async with running_platform(
            database_url, tmp_path / "data", smtp_url=url, email_verification="off"
        ) as platform:
            ada = await platform.register("ada")
            await fail(platform, ada)
            await deliver(platform, ada)
            assert (sink.messages, seen) == ([], [])


@pytest.mark.parametrize("refusal", ["421 too busy", "450 greylisted, come again", "452 disk full"])
async def test_who_wants_to_be_asked_again_is(database_url: str, tmp_path: Path, refusal: str) -> None:
    with running_sink() as sink:
        url = f"smtp://127.0.0.1:{sink.port}"
        async with running_platform(
            database_url, tmp_path / "data", smtp_url=url, email_verification="off"
        ) as platform:
            ada = await platform.register("ada")
            await fail(platform, ada)
            sink.refuse = refusal
            pause = await deliver(platform, ada)
            assert pause is not None
            sink.refuse = None
            with time_machine.travel(datetime.now(UTC) + pause + timedelta(seconds=1), tick=True):
                assert await deliver(platform, ada) is None
            assert len(sink.messages) == 1
            assert await states(platform, ada) == {"sent": 1}
