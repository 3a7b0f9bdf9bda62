"""The HTTP bridge under requests that no git client sends, over real sockets, with a real `git http-backend`."""

import asyncio
import base64
import gzip
import resource
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontopus_api.gitstore.embedded.limits import BridgeLimits
from crontopus_api.gitstore.gunzip import BadGzip, Gunzip

from ..gitstore.conftest import Platform
from ..gitstore.test_crash import fsck
from ..gitstore.test_fetch import Children, living
from .budget import fuzz

BASE = "/git/crontopus/job-manifests-acme.git"
TOKEN = "Basic " + base64.b64encode(b"x:t-acme").decode()
# 408: it stopped coming. 502: git ended without a word. 500 would be ours, and no answer at all as well.
ALLOWED = {200, 400, 401, 403, 404, 408, 411, 413, 414, 415, 431, 502, 503}
MOST_MEMORY_KB = 256 << 10


@pytest.fixture
def limits() -> BridgeLimits:
    return BridgeLimits(idle_seconds=0.2, total_seconds=20, max_fetch_body=1 << 20, max_push_body=1 << 20)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    return Children(monkeypatch)


def listing(root: Path) -> set[str]:
    """Every file below the host's root but Git's objects."""
    found = (path.relative_to(root) for path in root.rglob("*"))
    return {str(path) for path in found if "objects" not in path.parts and "hooks" not in path.parts}


async def exchange(port: int, request: bytes, *, cut: bool = False) -> tuple[int, bytes]:
    """The status (0: the connection was closed without one) and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        if cut:
            writer.write_eof()
        async with asyncio.timeout(30):
            answer = await reader.read()
    except ConnectionError:
        return 0, b""
    finally:
        writer.transport.abort()
    head, _, body = answer.partition(b"\r\n\r\n")
    return (int(head.split()[1]) if head.startswith(b"HTTP/1.") else 0), body


async def none_left(children: Children) -> None:
    while not children.started.empty():
        pid = children.started.get_nowait()
        async with asyncio.timeout(20):
            while await children.ended.get() != pid:
                pass
        assert living(pid) == []


steps = st.sampled_from(
    [
        *(
            "/git",
            "/crontopus",
            "/job-manifests-acme.git",
            "/job-manifests-umbrella.git",
            "/info/refs",
            "/HEAD",
        ),
        *("/git-upload-pack", "/git-receive-pack", "/..", "/.", "//", "%2e%2e", "%2f", "%00", "%0d%0a", "\\"),
        *(
            "?service=git-upload-pack",
            "?service=git-receive-pack",
            "&service=x",
            "#",
            "/.git",
            "/objects/",
            "%",
        ),
        *("/config", "/hooks/pre-receive", "/../../../../etc/passwd", "%252e%252e/", ";", "\xff", "~", "*"),
    ]
)
headers = st.lists(
    st.sampled_from(
        [
            f"Authorization: {TOKEN}",
            "Authorization: Basic ====",
            "Authorization: Bearer " + "x" * 5000,
            "Authorization: Digest a",
            "Content-Type: text/plain",
            "Content-Type: application/x-git-upload-pack-request",
            "Content-Type: " + "a" * 300,
            "Content-Encoding: gzip",
            "Content-Encoding: br",
            "Content-Encoding: gzip, gzip",
            "Git-Protocol: version=2",
            "Git-Protocol: version=99",
            "Git-Protocol: version=2\x01",
            "Transfer-Encoding: chunked",
            "Content-Length: 99999999999999999999",
            "Content-Length: -1",
            "Content-Length: 5",
            "X-Forwarded-For: ../..",
            "Expect: 100-continue",
            "Range: bytes=0-",
            "Upgrade: h2c",
            "\xff\xfe: \x00",
        ]
    ),
    max_size=5,
)


@fuzz(40)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "PROPFIND", "get"]),
    path=st.lists(steps, max_size=8).map("".join)
    | st.lists(steps, max_size=3).map(lambda s: BASE + "".join(s)),
    fields=headers,
    body=st.binary(max_size=200),
)
async def test_any_request_at_all(
    platform: Platform, children: Children, method: str, path: str, fields: list[str], body: bytes
) -> None:
    before = listing(platform.host.root)
    lines = [f"{method} {path or '/'} HTTP/1.1", "Host: x", *fields, "Connection: close"]
    if method == "POST" and not any(field.startswith(("Content-Length", "Transfer")) for field in fields):
        lines.append(f"Content-Length: {len(body)}")
    request = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
    status, answer = await exchange(platform.port, request, cut=True)
    assert status in ALLOWED | {0, 405}
    assert b"root:" not in answer
    assert b"[core]" not in answer
    await none_left(children)
    assert listing(platform.host.root) == before


def line(payload: bytes) -> bytes:
    return b"%04x" % (len(payload) + 4) + payload


HEAD = b"a" * 40
pieces = st.one_of(
    st.sampled_from(
        [
            *(b"0000", b"0001", b"0002", b"0003", b"0004", b"fff0", b"ffff", b"-001", b"zzzz", b"0"),
            *(
                line(b"command=ls-refs\n"),
                line(b"command=fetch"),
                line(b"command=" + b"x" * 1000),
                line(b"agent=x"),
            ),
            *(line(b"want " + HEAD + b"\n"), line(b"have " + HEAD + b"\n"), line(b"done\n"), line(b"want x")),
            *(
                line(b"filter blob:none\n"),
                line(b"filter combine:tree:0+tree:0\n"),
                line(b"filter sparse:oid=main"),
            ),
            *(
                line(b"deepen 1\n"),
                line(b"deepen -1\n"),
                line(b"deepen 99999999999999999999"),
                line(b"shallow x"),
            ),
            *(line(b"ref-prefix ../../\n"), line(b"object-format=sha256"), line(b"symrefs"), line(b"peel")),
            line(b"0" * 40 + b" " + HEAD + b" refs/heads/main\0report-status side-band-64k"),
            line(b"0" * 40 + b" " + HEAD + b" refs/heads/../../../../evil\0report-status"),
            line(HEAD + b" " + b"0" * 40 + b" refs/heads/main\0report-status delete-refs"),
            line(b"0" * 40 + b" " + b"0" * 40 + b" HEAD\0report-status push-options atomic"),
            line(b"push-cert\0report-status"),
            line(b"x" * 65516),
            b"PACK\0\0\0\2\0\0\0\1",
            b"PACK\0\0\0\2\xff\xff\xff\xff",
            b"PACK\0\0\0\2\0\0\0\1\xb0\x00x\x9c" + zlib.compress(b"0" * 1000),
        ]
    ),
    st.binary(max_size=30),
    st.binary(max_size=30).map(line),
)


@fuzz(40)
@given(
    service=st.sampled_from(["git-upload-pack", "git-receive-pack"]),
    version=st.sampled_from(["", "Git-Protocol: version=1\r\n", "Git-Protocol: version=2\r\n"]),
    body=st.lists(pieces, max_size=12).map(b"".join),
    how=st.sampled_from(["plain", "gzip", "not gzip", "cut gzip", "cut", "chunked"]),
)
async def test_any_body_of_a_known_service(
    platform: Platform, children: Children, service: str, version: str, body: bytes, how: str
) -> None:
    before, head = listing(platform.host.root), await platform.host.head("acme")
    if how in {"gzip", "cut gzip"}:
        body = gzip.compress(body)[: -9 if how == "cut gzip" else None]
    encoding = "Content-Encoding: gzip\r\n" if "gzip" in how else ""
    length = f"Content-Length: {len(body) + 10 * (how == 'cut')}\r\n"
    if how == "chunked":
        body, length = (
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(body) + 4, body + b"0000"),
            "Transfer-Encoding: chunked\r\n",
        )
    head_lines = (
        f"POST {BASE}/{service} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {TOKEN}\r\n"
    )
    request = f"{head_lines}{version}{encoding}{length}\r\n".encode() + body
    status, _ = await exchange(platform.port, request)
    assert status in ALLOWED
    await none_left(children)
    assert await platform.host.head("acme") == head
    assert listing(platform.host.root) == before
    assert platform.pushes == []


async def test_after_all_that_the_repository_is_whole(platform: Platform) -> None:
    """A push of garbage leaves no object behind: what is refused stays in quarantine and goes with it."""
    pack = b"PACK\0\0\0\2\0\0\0\1" + b"\xb0\x01" + zlib.compress(b"garbage")
    command = line(b"0" * 40 + b" " + HEAD + b" refs/heads/x\0report-status side-band-64k")
    body = command + b"0000" + pack
    head = (
        f"POST {BASE}/git-receive-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {TOKEN}\r\n"
    )
    status, answer = await exchange(
        platform.port, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    )
    assert status == 200
    assert b"unpack" in answer
    fsck(platform.host)
    assert list((platform.host.path("acme") / "objects").glob("tmp*")) == []


def zipped(pieces: Iterator[bytes]) -> bytes:
    compress = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(compress.compress(piece) for piece in pieces) + compress.flush()


BOMBS = {
    "zeros": lambda: zipped(bytes(1 << 20) for _ in range(20)),
    "flushes": lambda: zipped(b"0000" * (1 << 18) for _ in range(20)),
    "shallows": lambda: zipped(
        [line(b"command=fetch"), b"0001", *(line(b"shallow %040x\n" % n) for n in range(60_000))].__iter__()
    ),
    "haves": lambda: zipped(
        [line(b"command=fetch"), b"0001", *(line(b"have %040x\n" % n) for n in range(60_000))].__iter__()
    ),
}


def most_memory_of_children() -> int:
    """In KiB. Until it starts its program a child is as large as we are, which says nothing of the program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max(before, own + (32 << 10), MOST_MEMORY_KB)


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("service", ["git-upload-pack", "git-receive-pack"])
async def test_a_body_that_unfolds_to_much_more(
    platform: Platform, children: Children, name: str, service: str
) -> None:
    body = BOMBS[name]()
    lines = [f"POST {BASE}/{service} HTTP/1.1", "Host: x", "Connection: close", f"Authorization: {TOKEN}"]
    lines += ["Git-Protocol: version=2", "Content-Encoding: gzip", f"Content-Length: {len(body)}", "", ""]
    allowed = most_memory_of_children()
    status, answer = await exchange(platform.port, "\r\n".join(lines).encode() + body)
    assert status in {200, 400, 413, 502}
    if name in {"shallows", "haves"} and service == "git-upload-pack":
        assert status == 413, answer
    await none_left(children)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= allowed


async def test_a_body_that_is_not_the_gzip_it_says_to_be(platform: Platform) -> None:
    whole = gzip.compress(b"0014command=ls-refs\n0000")
    for body in (whole[:-1], whole + b"x", b"0014command=ls-refs\n0000", b""):
        lines = [f"POST {BASE}/git-upload-pack HTTP/1.1", "Host: x", "Connection: close"]
        lines += [f"Authorization: {TOKEN}", "Content-Encoding: gzip", f"Content-Length: {len(body)}", "", ""]
        status, answer = await exchange(platform.port, "\r\n".join(lines).encode() + body)
        assert (status, b"gzip" in answer) == (400, True)


@fuzz(100)
@given(
    data=st.binary(max_size=400),
    cuts=st.lists(st.integers(1, 60), max_size=20),
    tail=st.binary(max_size=3),
    drop=st.integers(0, 10),
)
def test_gunzip_gives_back_what_was_zipped_or_says_why_not(
    data: bytes, cuts: list[int], tail: bytes, drop: int
) -> None:
    body = gzip.compress(data)
    body = body[: len(body) - drop] + tail if drop or tail else body
    gunzip, found, at = Gunzip(), b"", 0
    try:
        for cut in [*cuts, len(body)]:
            found += b"".join(gunzip.pieces(body[at : at + cut]))
            at += cut
        gunzip.end()
    except BadGzip:
        assert drop or tail
        return
    assert found == data
    assert not tail or body == gzip.compress(data)


def test_gunzip_unfolds_no_more_than_is_read() -> None:
    body = zipped(bytes(1 << 20) for _ in range(20))
    pieces = Gunzip().pieces(body)
    assert [len(next(pieces)) for _ in range(5)] == [1 << 16] * 5
