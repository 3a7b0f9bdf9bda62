"""The fake server's routes that change jobs or tell what a change would do."""

from typing import Any

from cli_tests.fake_server import (
    COMMIT,
    Answer,
    FakeServer,
    Json,
    Problem,
    Query,
    job,
    paged,
    route,
    whole_job,
)

OLD_COMMIT = "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"
NEW_COMMIT = "0123456789abcdef0123456789abcdef01234567"


def plan(*changes: Json, **more: Any) -> Json:
    """A plan in the API's shape, applicable unless `more` says otherwise."""
    actions = [change["action"] for change in changes]
    return {
        "base": COMMIT,
        "applicable": not more.get("errors") and not more.get("conflicts"),
        "summary": {kind: actions.count(kind) for kind in ("added", "changed", "removed", "moved")},
        "changes": list(changes),
        "files": [],
        "endpoints": [],
        "errors": [],
        "warnings": [],
        "conflicts": [],
    } | more


def change(action: str, path: str, **more: Any) -> Json:
    namespace, _, file = path.partition("/")
    return {
        "action": action,
        "id": f"id-{path}",
        "namespace": namespace,
        "name": file.removesuffix(".yaml"),
        "path": path,
        "moved_from": None,
        "fields": [],
        "endpoints_gained": [],
        "endpoints_lost": [],
        "endpoints_kept": [],
        "schedule_text": None,
        "next_runs": [],
        "diff": "",
    } | more


def findings(path: str, text: str) -> list[Json]:
    """What the fake has against a manifest: the key `schedul`."""
    return [
        {
            "file": path,
            "line": number,
            "column": 3,
            "code": "unknown_key",
            "message": "unknown key 'schedul'",
            "hint": "did you mean 'schedule'?",
        }
        for number, line in enumerate(text.splitlines(), start=1)
        if "schedul:" in line
    ]


def _find(server: FakeServer, namespace: str, name: str) -> Json:
    for item in server.jobs:
        if (item["namespace"], item["name"]) == (namespace, name):
            return item
    raise Problem(404, "not_found", f"there is no job {namespace}/{name}")


@route("PUT", "/jobs/([^/]+)/([^/]+)")
def _put_job(server: FakeServer, body: str, _query: Query, namespace: str, name: str) -> Answer:
    errors = findings(f"{namespace}/{name}.yaml", body)
    if errors:
        raise Problem(422, "invalid_manifest", "the manifest is not valid", errors=errors)
    return 200, whole_job(_find(server, namespace, name))


@route("POST", "/jobs:apply")
def _apply(server: FakeServer, body: Json, query: Query) -> Answer:
    known = {f"{item['namespace']}/{item['name']}.yaml" for item in server.jobs}
    changes, errors = [], []
    for file in body["files"]:
        path, content = file["path"], file["content"]
        if content is None:
            changes += [change("removed", path)] if path in known else []
        elif "unchanged" not in content:
            changes.append(change("changed" if path in known else "added", path))
            errors += findings(path, content)
    if query.get("dry_run") == "true":
        return 200, server.plan or plan(*changes, errors=errors)
    if errors:
        raise Problem(422, "invalid_manifest", "the manifest is not valid", errors=errors)
    return 200, {"commit": NEW_COMMIT, "changed": bool(changes)}


@route("POST", "/jobs/([^/]+)/([^/]+)/(pause|resume|rename|adopt|rollback)")
def _change(server: FakeServer, body: Json, query: Query, namespace: str, name: str, verb: str) -> Answer:
    if verb != "rollback":
        _find(server, namespace, name)
    if query.get("dry_run") == "true":
        return 200, server.plan or plan()
    changed = job(body.get("name", name), "healthy", body.get("namespace", namespace))
    return 200, whole_job(changed) | {"commit": NEW_COMMIT}


@route("GET", "/plan")
def _plan(server: FakeServer, _body: Json, query: Query) -> Answer:
    if server.plan is None:
        raise Problem(404, "not_found", f"there is no branch {query['ref']}", hint="push it first")
    return 200, server.plan


@route("GET", "/jobs/([^/]+)/([^/]+)/history")
def _history(_server: FakeServer, _body: Json, query: Query, namespace: str, name: str) -> Answer:
    version = {"author": "ada", "author_email": "ada@example.com", "at": "2026-11-21T02:00:00Z"}
    versions = [
        {
            "commit": COMMIT,
            "message": "Later\n\nbecause",
            "action": "renamed",
            "path": f"{namespace}/{name}.yaml",
        },
        {"commit": OLD_COMMIT, "message": "First", "action": "created", "path": "default/old.yaml"},
        {
            "commit": "9f8e" + OLD_COMMIT[::-1][4:],
            "message": "",
            "action": "created",
            "path": "default/old.yaml",
        },
    ]
    return paged([version | each for each in versions], query)


@route("GET", "/jobs/([^/]+)/([^/]+)/diff")
def _diff(_server: FakeServer, _body: Json, query: Query, namespace: str, name: str) -> Answer:
    path = f"{namespace}/{name}.yaml"
    text = f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a: 1\n+a: \u202e2\n"
    return 200, {"from_commit": query.get("from"), "to_commit": query.get("to", COMMIT)} | {
        "diff": "" if query.get("from") == COMMIT else text,
        "before": "a: 1\n",
        "after": "a: 2\n",
    }


@route("GET", "/jobs/([^/]+)/([^/]+)/next-runs")
def _next_runs(_server: FakeServer, _body: Json, query: Query, _namespace: str, _name: str) -> Answer:
    return 200, {
        "items": [{"at": "2026-11-23T02:00:00.000Z", "local": "2026-11-23T07:45:00+05:45"}]
        * int(query["count"]),
        "timezone": "Asia/Kathmandu",
        "schedule_text": "At 07:45 every day, in Asia/Kathmandu",
        "clock_changes": [{"text": "02:30 is skipped on 28 March."}],
    }


@route("POST", "/jobs:import")
def _import(server: FakeServer, body: Json, query: Query) -> Answer:
    imported = {
        "name": "backup",
        "path": f"{body['namespace']}/backup.yaml",
        "yaml": "kind: Job\nspec: {}\n",
        "line": 3,
        "source": "0 2 * * * /opt/backup.sh",
        "warnings": ["its output is thrown away"],
    }
    problem = {"line": 4, "source": "@reboot /x", "reason": "has no time", "hint": "give it one"}
    setting = {"line": 1, "source": "MAILTO=x", "effect": "nothing"}
    answer = {"jobs": [imported], "problems": [problem], "settings": [setting], "plan": None, "commit": None}
    if query.get("dry_run") != "true":
        return 200, answer | {"commit": NEW_COMMIT}
    found = server.plan or plan(change("added", imported["path"]))
    return 200, answer | {"plan": found, "jobs": [imported] if found["changes"] else []}


@route("GET", "/repository")
def _repository(_server: FakeServer, _body: Json, _query: Query) -> Answer:
    error = {
        "file": "default/bad.yaml",
        "line": 2,
        "column": 1,
        "code": "x",
        "message": "is wrong",
        "hint": None,
    }
    return 200, {
        "slug": "ada",
        "clone_url": "https://crontopus.example.com/git/crontopus/job-manifests-ada.git",
        "commit": COMMIT,
        "projected_at": "2026-11-21T02:00:00Z",
        "jobs": 2,
        "jobs_limit": 100,
        "invalid_files": [{"path": "default/bad.yaml", "errors": [error]}],
    }


@route("GET", "/signers")
def _signers(_server: FakeServer, _body: Json, _query: Query) -> Answer:
    return 200, {"allowed_signers": 'crontopus namespaces="git" ssh-ed25519 AAAA\n', "current": {}}


@route("GET", "/namespaces")
def _namespaces(_server: FakeServer, _body: Json, query: Query) -> Answer:
    return paged([{"name": "default", "jobs": 1}, {"name": "production", "jobs": 1}], query)


@route("POST", "/namespaces")
def _add_namespace(_server: FakeServer, body: Json, _query: Query) -> Answer:
    if body["name"] == "default":
        raise Problem(409, "already_exists", "there is a namespace default already")
    return 201, {"name": body["name"], "jobs": 0}


@route("DELETE", "/namespaces/([^/]+)")
def _remove_namespace(_server: FakeServer, _body: Json, _query: Query, name: str) -> Answer:
    if name != "empty":
        raise Problem(409, "not_empty", f"{name} is not empty", hint="move its jobs first")
    return 204, None


@route("GET", "/documents")
def _documents(_server: FakeServer, _body: Json, query: Query) -> Answer:
    document = {"kind": "Policy", "name": "sane", "path": ".crontopus/policies/sane.yaml", "commit": COMMIT}
    document |= {"changed_by": "ada", "changed_at": "2026-11-21T02:00:00Z"}
    return paged([document] if query.get("kind", "Policy") == "Policy" else [], query)
