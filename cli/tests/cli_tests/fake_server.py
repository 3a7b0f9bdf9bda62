"""A real HTTP server that speaks the API's shapes, with a little state: jobs, tokens, one user.

It exists so that the CLI is tested through sockets. What the real service does is the backend's to test.
"""

import json
import re
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Json = dict[str, Any]

USER_TOKEN = "ctp_user_0123456789abcdef"
PASSWORD = "correct horse battery"
COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f80919a2b3c4"


class FakeServer:
    """The state, what was asked, and what shall go wrong."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, str, Json | str]] = []
        self.tokens = {USER_TOKEN}
        self.jobs = [job("hello", "healthy"), job("nightly-backup", "failing", namespace="production")]
        self.runs = [run(number) for number in range(3)]
        self.incidents = [incident()]
        self.endpoints = [endpoint()]
        self.plan: Json | None = None  # the answer of /plan and of every dry run
        self.user_agents: set[str] = set()
        self.git_root: Path | None = None  # served under /git/ by git's plain-file protocol
        self.too_many: list[str] = []  # the next requests are one too many: Retry-After of each
        self.drop_connections = 0  # that many requests are cut off without an answer
        self.answer_with: tuple[int, str, bytes] | None = None  # status, content type and body for everything

    def session(self, token: str | None = None) -> Json:
        tenant = {"id": "t1", "slug": "ada", "name": "Ada", "role": "owner"}
        return {
            "user": {"id": "u1", "username": "ada", "email": "ada@example.com"},
            "tenant": tenant,
            "tenants": [tenant],
            "repository": {
                "clone_url": f"{self.url}/git/crontopus/job-manifests-ada.git",
                "branch": "main",
            },
            "scopes": ["jobs:read", "jobs:write"],
            "token": token,
        }


def job(name: str, state: str, namespace: str = "default") -> Json:
    return {
        "id": f"id-{namespace}-{name}",
        "namespace": namespace,
        "name": name,
        "mode": "agent",
        "schedule": ["0 2 * * *"],
        "timezone": "Europe/London",
        "enabled": True,
        "paused": False,
        "labels": {"team": "platform"},
        "state": state,
        "instances": {"total": 2, "by_state": {state: 2}},
        "next_run_at": "2126-11-22T02:00:00Z",
        "last_run": {
            "id": "r1",
            "state": "success",
            "started_at": "2026-11-21T02:00:00Z",
            "finished_at": "2026-11-21T02:03:20Z",
            "duration_seconds": 200.123,
            "exit_code": 0,
        },
        "commit": COMMIT,
        "changed_by": "ada",
        "changed_at": "2026-11-20T10:00:00Z",
        "updated_at": "2026-11-20T10:00:00Z",
        "errors": [],
        "violations": [],
    }


def whole_job(summary: Json) -> Json:
    text = f"# by hand\nkind: Job\nmetadata:\n  name: {summary['name']}\n"
    return {
        **summary,
        "manifest": {"kind": "Job", "metadata": {"name": summary["name"]}},
        "yaml": text,
        "path": f"{summary['namespace']}/{summary['name']}.yaml",
        "etag": "e7a9",
        "schedule_text": "At 02:00 every day, in Europe/London",
        "ping_url": None,
        "instances_list": summary.get("instances_list", []),
    }


def run(number: int) -> Json:
    return {
        "id": f"0195f3a0-0000-7000-8000-00000000000{number}",
        "job": {"id": "id-default-hello", "namespace": "default", "name": "hello"},
        "instance_id": "i1",
        "endpoint": {"id": "e1", "name": "db-1"},
        "state": "failure" if number else "success",
        "slot_at": "2026-11-21T02:00:00Z",
        "started_at": "2026-11-21T02:00:00Z",
        "finished_at": "2026-11-21T02:00:01Z",
        "duration_seconds": 0.734,
        "exit_code": number,
        "source": "agent",
        "commit": None,
        "message": None,
        "output": {"bytes": 4, "total_bytes": 4, "truncated": False},
    }


def incident() -> Json:
    return {
        "id": "0195f3a0-0000-7000-8000-0000000000aa",
        "kind": "missed",
        "state": "open",
        "severity": "critical",
        "title": "production/nightly-backup did not run at 02:00",
        "cause": None,
        "job": {"id": "x", "namespace": "production", "name": "nightly-backup"},
        "endpoint": None,
        "instance_id": "i2",
        "opened_at": "2026-11-21T02:10:00Z",
        "resolved_at": None,
    }


def endpoint() -> Json:
    return {
        "id": "0195f3a0-0000-7000-8000-0000000000ee",
        "name": "db-1",
        "hostname": "db-1.internal",
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "0.1.0",
        "labels": {"role": "db"},
        "state": "online",
        "last_seen_at": "2026-11-21T02:10:00Z",
        "enrolled_at": "2026-11-01T00:00:00Z",
        "applied_commit": "1a2b3c4d5e6f",
        "fetched_commit": "1a2b3c4d5e6f",
        "instances": 2,
    }


class Problem(Exception):
    def __init__(self, status: int, code: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"type": "about:blank", "title": code.replace("_", " "), "status": status} | {
            "detail": detail,
            "code": code,
            **more,
        }


Query = dict[str, str]
Answer = tuple[int, object]
ROUTES: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = []


def route(method: str, pattern: str) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    def register(function: Callable[..., Answer]) -> Callable[..., Answer]:
        ROUTES.append((method, re.compile(pattern), function))
        return function

    return register


def paged(items: list[Json], query: Query) -> Answer:
    start, size = int(query.get("cursor", "0")), int(query.get("limit", "50"))
    if not 1 <= size <= 200:
        raise Problem(422, "invalid_query", "limit must be between 1 and 200")
    end = start + size
    return 200, {"items": items[start:end], "next_cursor": str(end) if end < len(items) else None}


@route("POST", "/auth/login")
def _login(server: FakeServer, body: Json, _query: Query) -> Answer:
    if (body["login"], body["password"]) != ("ada", PASSWORD):
        raise Problem(401, "invalid_credentials", "user name or password is wrong", hint="try again")
    token = f"ctp_user_login{len(server.tokens)}"
    server.tokens.add(token)
    return 200, server.session(token)


@route("POST", "/auth/logout")
def _logout(server: FakeServer, body: Json, _query: Query) -> Answer:
    server.tokens.discard(body["_token"])
    return 204, None


@route("GET", "/auth/me")
def _me(server: FakeServer, _body: Json, _query: Query) -> Answer:
    return 200, server.session()


@route("GET", "/jobs")
def _jobs(server: FakeServer, _body: Json, query: Query) -> Answer:
    wanted = [
        item
        for item in server.jobs
        if query.get("namespace", item["namespace"]) == item["namespace"]
        and query.get("state", item["state"]) == item["state"]
    ]
    return paged(wanted, query)


@route("GET", "/jobs/([^/]+)/([^/]+)")
def _job(server: FakeServer, _body: Json, _query: Query, namespace: str, name: str) -> Answer:
    for item in server.jobs:
        if (item["namespace"], item["name"]) == (namespace, name):
            return 200, whole_job(item)
    raise Problem(404, "not_found", f"there is no job {namespace}/{name}")


@route("DELETE", "/jobs/([^/]+)/([^/]+)")
def _delete_job(server: FakeServer, _body: Json, _query: Query, namespace: str, name: str) -> Answer:
    _job(server, {}, {}, namespace, name)
    server.jobs = [item for item in server.jobs if (item["namespace"], item["name"]) != (namespace, name)]
    return 204, None


@route("GET", "/runs")
def _runs(server: FakeServer, _body: Json, query: Query) -> Answer:
    if "format" in query:
        return 200, "id\r\n" + "".join(f"{item['id']}\r\n" for item in server.runs)
    return paged([item for item in server.runs if query.get("state", item["state"]) == item["state"]], query)


@route("GET", "/runs/([^/]+)/output")
def _output(server: FakeServer, _body: Json, _query: Query, run_id: str) -> Answer:
    if all(item["id"] != run_id for item in server.runs):
        raise Problem(404, "no_output", "this run kept no output")
    return 200, "héllo\x1b]0;title\x07 \x1b[32mgreen\x1b[0m"


@route("GET", "/runs/([^/]+)/output/tail")
def _tail(_server: FakeServer, _body: Json, _query: Query, _run_id: str) -> Answer:
    pieces = [(0, b"h\xc3"), (2, b"\xa9 one\n"), (0, b"again\x07")]
    events = [
        f"event: output\ndata: {json.dumps({'offset': offset, 'data': b64encode(data).decode()})}\n\n"
        for offset, data in pieces
    ]
    return 200, ": keep-alive\n\n" + "".join(events) + 'event: end\ndata: {"state": "success"}\n\n'


@route("GET", "/incidents")
def _incidents(server: FakeServer, _body: Json, query: Query) -> Answer:
    return paged(
        [item for item in server.incidents if query.get("state", item["state"]) == item["state"]], query
    )


@route("GET", "/endpoints")
def _endpoints(server: FakeServer, _body: Json, query: Query) -> Answer:
    return paged(server.endpoints, query)


@route("POST", "/enrollment-tokens")
def _enrol(_server: FakeServer, body: Json, _query: Query) -> Answer:
    token = {"id": "et1", "name": body.get("name"), "uses_left": body["uses"], "labels": body["labels"]}
    return 201, {"token": token, "secret": "ctp_enr_abc"}


@route("GET", "/tokens")
def _tokens(_server: FakeServer, _body: Json, query: Query) -> Answer:
    token = {
        "id": "tk1",
        "name": "ci",
        "hint": "ctp_user_01…",
        "scopes": ["jobs:read"],
        "created_at": "2026-11-01T00:00:00Z",
        "expires_at": None,
        "last_used_at": None,
    }
    return paged([token], query)


@route("POST", "/tokens")
def _create_token(_server: FakeServer, body: Json, _query: Query) -> Answer:
    return 201, {"token": {"id": "tk2", "name": body["name"]}, "secret": "ctp_user_new"}


@route("DELETE", "/tokens/([^/]+)")
def _revoke_token(_server: FakeServer, _body: Json, _query: Query, token_id: str) -> Answer:
    if token_id != "tk1":
        raise Problem(404, "not_found", "there is no such token")
    return 204, None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FakeServer

    def handle_request(self) -> None:
        server = self.state
        size = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(size)
        url = urlsplit(self.path)
        path = url.path.removeprefix("/api/v1")
        body: Json | str = raw.decode()
        if self.headers.get("Content-Type") == "application/json":
            body = json.loads(raw)
        server.requests.append((self.command, f"{path}?{url.query}" if url.query else path, body))
        server.user_agents.add(self.headers["User-Agent"])
        if server.drop_connections > 0:
            server.drop_connections -= 1
            self.close_connection = True
            return
        if server.too_many:
            problem = Problem(429, "rate_limited", "Too many attempts.", hint="Wait a little.")
            self._send_problem(problem, **{"Retry-After": server.too_many.pop(0)})
            return
        if path.startswith("/git/"):
            self._send_git(path.removeprefix("/git/"))
            return
        if server.answer_with is not None:
            self._send(*server.answer_with)
            return
        try:
            status, answer = self._answer(path, dict(parse_qsl(url.query)), body)
        except Problem as problem:
            self._send_problem(problem)
            return
        if isinstance(answer, str):
            self._send(status, "text/plain; charset=utf-8", answer.encode())
        else:
            self._send(status, "application/json", b"" if answer is None else json.dumps(answer).encode())

    def _answer(self, path: str, query: Query, body: Json | str) -> Answer:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if path not in {"/auth/login", "/auth/register"} and token not in self.state.tokens:
            raise Problem(401, "invalid_token", "the token is not valid")
        if path == "/auth/logout":
            body = {"_token": token}
        for method, pattern, function in ROUTES:
            if method == self.command and (found := pattern.fullmatch(path)):
                return function(self.state, body, query, *(unquote(part) for part in found.groups()))
        raise Problem(404, "not_found", f"no such path: {path}")

    def _send_git(self, path: str) -> None:
        scheme, _, encoded = (self.headers.get("Authorization") or "").partition(" ")
        password = b64decode(encoded).decode().partition(":")[2] if scheme == "Basic" else ""
        if password not in self.state.tokens:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="crontopus"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        assert self.state.git_root is not None
        file = self.state.git_root / path
        found = file.is_file()
        self._send(200 if found else 404, "application/octet-stream", file.read_bytes() if found else b"")

    def _send_problem(self, problem: Problem, **headers: str) -> None:
        content = json.dumps(problem.body).encode()
        self._send(problem.status, "application/problem+json", content, **headers)

    def _send(self, status: int, content_type: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = handle_request

    def log_message(self, *_arguments: object) -> None:
        """Not on the tests' stderr."""


@contextmanager
def serving() -> Iterator[FakeServer]:
    state = FakeServer()
    handler = type("BoundHandler", (Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        state.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            http.shutdown()
            thread.join()
