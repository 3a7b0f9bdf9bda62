"""A release made by `make release`, handed out by the API, and installed from it."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from crontopus_api.kit.errors import NotFound
from crontopus_api.releases.service import ReleaseService

from ..platform import running_platform

ROOT = Path(__file__).resolve().parents[3]
_TOOLS = (
    "sh",
    "sed",
    "cut",
    "head",
    "tail",
    "cmp",
    "uname",
    "id",
    "mktemp",
    "cp",
    "mv",
    "rm",
    "chmod",
    "mkdir",
    "cat",
    "tr",
)
_TOOLS += ("curl", "sha256sum", "grep", "printf")


def release(directory: Path, key: Path, **env: str) -> None:
    if not key.exists():
        subprocess.run(["go", "run", "./tools/release", "keygen", str(key)], cwd=ROOT / "agent", check=True)
    wanted = {"VERSION": "1.2.3", "SOURCE_DATE_EPOCH": "1790000000", "CRONTOPUS_SIGNING_KEY_FILE": str(key)}
    subprocess.run(
        [ROOT / "scripts" / "release", directory],
        env=os.environ | {"RELEASE_TARGETS": "linux/amd64 linux/arm64"} | wanted | env,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For this machine's kind of processor and another one."""
    base = tmp_path_factory.mktemp("release")
    release(base / "out", base / "key")
    return base / "out"


@dataclass
class Site:
    """Hands out what the API would; `tampered` are answers that somebody changed on the way."""

    url: str
    tampered: dict[str, bytes]


@pytest.fixture
def site(made: Path) -> Iterator[Site]:
    tampered: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service = ReleaseService(made, f"http://127.0.0.1:{server.server_port}")
            name = self.path.rpartition("/")[2]
            try:
                if self.path.startswith("/downloads/"):
                    body = tampered.get(name) or service.file(name).read_bytes()
                else:
                    body = tampered.get(name) or service.installer(name).encode()
            except NotFound:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Site(f"http://127.0.0.1:{server.server_port}", tampered)
    server.shutdown()
    server.server_close()


def install(
    site: Site, root: Path, *arguments: str, tools: tuple[str, ...] = ("minisign",)
) -> subprocess.CompletedProcess[str]:
    """As a person would: fetched and piped into a shell, on a machine that has only these tools."""
    path = root / "tools"
    path.mkdir(parents=True)
    for tool in (*_TOOLS, *tools):
        found = shutil.which(tool)
        assert found, f"{tool} is needed for this test"
        (path / tool).symlink_to(found)
    command = f'curl -fsSL {site.url}/install.sh | sh -s -- --prefix "{root}/bin" {" ".join(arguments)}'
    return subprocess.run(
        ["/bin/sh", "-c", command],
        env={"PATH": str(path), "HOME": str(root), "TMPDIR": str(root), "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
    )


_NAME = f"crontopus-agent-linux-{'arm64' if os.uname().machine == 'aarch64' else 'amd64'}"


@pytest.mark.parametrize("checker", ["minisign", "openssl"])
def test_installed_and_running(site: Site, tmp_path: Path, checker: str) -> None:
    done = install(site, tmp_path, tools=("openssl",) if checker == "openssl" else ("minisign",))
    assert done.returncode == 0, done.stderr
    assert "Crontopus agent 1.2.3 is in" in done.stdout
    said = subprocess.run(
        [tmp_path / "bin" / "crontopus-agent", "version"], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("crontopus-agent 1.2.3")
    assert (tmp_path / "bin" / "crontopus-run").stat().st_mode & 0o777 == 0o755
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bin", "tools"]  # nothing is left behind


@pytest.mark.parametrize("checker", ["minisign", "openssl"])
@pytest.mark.parametrize("what", ["binary", "checksum too", "signature", "older version", "another program"])
def test_what_is_not_genuine_is_not_installed(
    site: Site, made: Path, tmp_path: Path, checker: str, what: str
) -> None:
    binary = (made / _NAME).read_bytes()
    script = ReleaseService(made, site.url).installer("install.sh")
    digest = next(line.split()[0] for line in script.splitlines() if line.strip("'").endswith(_NAME)).split(
        "'"
    )[-1]
    if what in {"binary", "checksum too"}:
        binary = binary[:-1] + bytes([binary[-1] ^ 1])
        site.tampered[_NAME] = binary
    if what == "checksum too":
        site.tampered["install.sh"] = script.replace(digest, _sha256(binary)).encode()
    if what == "signature":
        site.tampered[f"{_NAME}.minisig"] = (made / "SHA256SUMS.minisig").read_bytes()
    if what == "older version":  # a genuine file, handed out as something newer
        site.tampered["install.sh"] = script.replace("VERSION='1.2.3'", "VERSION='1.2.4'").encode()
    if what == "another program":
        other = _NAME.replace("agent", "run")
        site.tampered |= {
            _NAME: (made / other).read_bytes(),
            f"{_NAME}.minisig": (made / f"{other}.minisig").read_bytes(),
            "install.sh": script.replace(digest, _sha256((made / other).read_bytes())).encode(),
        }
    done = install(site, tmp_path, tools=("openssl",) if checker == "openssl" else ("minisign",))
    assert done.returncode != 0
    assert "NOT GENUINE" in done.stderr
    assert not (tmp_path / "bin").exists()


def test_without_a_way_to_check_nothing_is_installed_unless_asked(site: Site, tmp_path: Path) -> None:
    done = install(site, tmp_path / "a", tools=())
    assert (done.returncode, "minisign or OpenSSL 3 is needed" in done.stderr) == (1, True)
    assert not (tmp_path / "a" / "bin").exists()
    asked = install(site, tmp_path / "b", "--skip-signature", tools=())
    assert asked.returncode == 0, asked.stderr


def test_a_script_that_was_cut_off_does_nothing(made: Path, tmp_path: Path) -> None:
    script = ReleaseService(made, "http://127.0.0.1:1").installer("install.sh")
    lines = script.splitlines(keepends=True)
    for keep in range(0, len(lines) - 1, 7):
        done = subprocess.run(
            ["/bin/sh", "-s", "--", "--prefix", str(tmp_path / "bin")],
            input="".join(lines[:keep]),
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "cannot download" not in done.stderr, keep
    assert list(tmp_path.iterdir()) == []


def test_a_second_build_is_the_same(made: Path, tmp_path: Path) -> None:
    release(tmp_path / "again", made.parent / "key", RELEASE_TARGETS="linux/amd64", GOFLAGS="-count=1")
    for name in (
        "crontopus-agent-linux-amd64",
        "crontopus-run-linux-amd64",
        "crontopus-run-linux-amd64.cdx.json",
    ):
        assert (tmp_path / "again" / name).read_bytes() == (made / name).read_bytes(), name


def test_verify_refuses_a_tampered_binary(made: Path, tmp_path: Path) -> None:
    agent = tmp_path / "crontopus-agent-linux-amd64"
    for suffix in ("", ".minisig"):
        shutil.copy(made / (agent.name + suffix), tmp_path)

    def verify() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [made / _NAME, "verify", str(agent)], capture_output=True, text=True, check=False
        )

    good = verify()
    assert (good.returncode, good.stdout) == (0, f"{agent}: genuine crontopus-agent-linux-amd64 1.2.3\n")
    with agent.open("r+b") as file:
        file.seek(100_000)
        file.write(b"\xff\x00\xff")
    bad = verify()
    assert bad.returncode == 1
    assert "NOT GENUINE" in bad.stderr


def test_signed_for_windows(tmp_path: Path) -> None:
    subject = ["-subj", "/CN=Test only", "-addext", "extendedKeyUsage=codeSigning"]
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        key,
        "-out",
        cert,
        *subject,
    ]
    subprocess.run(make, check=True, capture_output=True)
    release(
        tmp_path / "out",
        tmp_path / "release.key",
        RELEASE_TARGETS="windows/amd64",
        CRONTOPUS_WINDOWS_CERT=str(cert),
        CRONTOPUS_WINDOWS_KEY=str(key),
    )
    program = tmp_path / "out" / "crontopus-run-windows-amd64.exe"
    check = ["osslsigncode", "verify", "-CAfile", cert, "-in"]
    assert subprocess.run([*check, program], check=False, capture_output=True).returncode == 0
    with program.open("r+b") as file:
        file.seek(50_000)
        file.write(b"\xff\x00\xff")
    assert subprocess.run([*check, program], check=False, capture_output=True).returncode != 0


async def test_the_api_hands_out_the_release_and_nothing_else(
    database_url: str, made: Path, tmp_path: Path
) -> None:
    (made / "key").write_text("not part of the release")
    async with running_platform(database_url, tmp_path / "data", releases_dir=made) as platform:
        api = platform.client()
        script = await api.get("/install.sh")
        assert script.headers["content-type"].startswith("text/plain")
        assert "SERVER='http://crontopus.test'" in script.text
        assert "@" not in "".join(
            line for line in script.text.splitlines() if line.startswith(("SERVER", "VERSION"))
        )
        assert "SERVER" not in (await api.get("/install.ps1")).text
        got = await api.get(f"/downloads/{_NAME}")
        assert got.content == (made / _NAME).read_bytes()
        for name in ("manifest.json", "SHA256SUMS", "manifest.json.minisig", f"{_NAME}.minisig"):
            assert (await api.get(f"/downloads/{name}")).status_code == 200, name
        for name in ("key", "..%2fkey", "%2e%2e", ".hidden", "none-such", "manifest.json.minisig.minisig"):
            assert (await api.get(f"/downloads/{name}")).status_code == 404, name


async def test_without_a_release_there_is_nothing_to_pipe_into_a_shell(
    database_url: str, tmp_path: Path
) -> None:
    async with running_platform(database_url, tmp_path / "data") as platform:
        for path in ("/install.sh", "/install.ps1", "/downloads/manifest.json"):
            answer = await platform.client().get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_release")


def test_an_address_that_a_shell_would_read_is_not_filled_in(made: Path) -> None:
    for url in ("http://x';reboot;'", "http://x$(id)", "http://x`id`", "http://x y", 'http://x"'):
        with pytest.raises(NotFound):
            ReleaseService(made, url).installer("install.sh")


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()
