"""Smart HTTP requests as CGI: what `git http-backend` is told, and what it answers."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

from crontopus_api.gitstore.bare.plumbing import git_environment
from crontopus_api.gitstore.embedded.layout import HARDENING, environment_config
from crontopus_api.gitstore.paths import SLUG_PATTERN, repository_name

Action = Literal["read", "write"]

_PATH = re.compile(
    rf"(?:/git)?/crontopus/job-manifests-(?P<slug>{SLUG_PATTERN})\.git"
    r"/(?P<endpoint>info/refs|git-upload-pack|git-receive-pack)"
)
_ACTIONS: Mapping[str, Action] = {"git-upload-pack": "read", "git-receive-pack": "write"}
_PROTOCOL = re.compile(r"version=[012](?::[a-z0-9=-]{1,64})?")
_STATUS = re.compile(rb"Status:\s*([1-5][0-9][0-9])", re.IGNORECASE)
_FORWARDED = {b"content-type", b"cache-control", b"expires", b"pragma"}

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the client sent: Basic (`password` is the token, `username` means nothing) or Bearer."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class GitRequest:
    slug: str
    service: str  # git-upload-pack, git-receive-pack
    advertisement: bool  # GET info/refs; else POST to the service
    action: Action
    headers: Mapping[str, str]

    @property
    def content_length(self) -> int | None:
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def gzipped(self) -> bool:
        """Whether the body says so; an advertisement has none."""
        return not self.advertisement and self.headers.get("content-encoding", "").lower() in {
            "gzip",
            "x-gzip",
        }

    @property
    def credentials(self) -> Credentials | None:
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and value.strip():
            return Credentials("", value.strip())
        if scheme.lower() != "basic":
            return None
        try:
            username, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except ValueError:  # no base64, no UTF-8, or letters beyond ASCII
            return None
        return Credentials(username, password) if colon else None


def parse_request(scope: Mapping[str, Any]) -> GitRequest | None:
    """The request, if it is one of the three that smart HTTP knows; everything else does not exist."""
    path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    endpoint = match["endpoint"]
    advertisement = endpoint == "info/refs"
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    if advertisement:
        endpoint = dict(query).get("service", "") if len(query) == 1 else ""
    action = _ACTIONS.get(endpoint)
    if action is None or scope["method"] != ("GET" if advertisement else "POST"):
        return None
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    return GitRequest(match["slug"], endpoint, advertisement, action, headers)


def environment(
    request: GitRequest, repository: Path, hooks: Path, subject: str, max_body: int
) -> dict[str, str]:
    """Everything `git http-backend` sees. Only checked values of the request get in."""
    name = repository_name(request.slug)
    config = {
        **HARDENING,
        "core.hooksPath": str(hooks),
        "safe.directory": str(repository),
        "receive.maxInputSize": str(max_body),
        "http.maxRequestBuffer": str(max_body),
        "pack.threads": "1",  # fair between tenants: parallel clones share the cores, one takes not all
    }
    env = {
        "GIT_PROJECT_ROOT": str(repository.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_USER": re.sub(r"[^A-Za-z0-9._@-]", "_", subject) or "unknown",
        "REQUEST_METHOD": "GET" if request.advertisement else "POST",
        "PATH_INFO": f"/{name}/{'info/refs' if request.advertisement else request.service}",
        "QUERY_STRING": f"service={request.service}" if request.advertisement else "",
        "CONTENT_TYPE": "" if request.advertisement else f"application/x-{request.service}-request",
        **environment_config(config),
    }
    # No CONTENT_LENGTH: with it `git http-backend` waits for the rest of a body that was cut off, reading
    # end-of-file in a busy loop for ever. Without it, the end of its input is the end of the body.
    if (protocol := git_protocol(request)) is not None:
        env["GIT_PROTOCOL"] = protocol
    return git_environment(env)


def git_protocol(request: GitRequest) -> str | None:
    """The version that the client asks for, if it is nothing but that."""
    protocol = request.headers.get("git-protocol", "")
    return protocol if _PROTOCOL.fullmatch(protocol) else None


def parse_head(head: bytes) -> tuple[int, Headers]:
    """Status and headers of a CGI answer, of which only the harmless ones pass."""
    status = 200
    headers: Headers = []
    for line in head.splitlines():
        found = _STATUS.match(line)
        name, _, value = line.partition(b":")
        if found:
            status = int(found[1])
        elif name.strip().lower() in _FORWARDED:
            headers.append((name.strip().lower(), value.strip()))
    return status, headers
