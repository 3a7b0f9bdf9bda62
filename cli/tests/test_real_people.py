"""People, tenants and what they leave in the log, against the real service."""

import csv
import io
import json
import subprocess
import zipfile
from pathlib import Path

import httpx
import pyotp
import pytest
from cli_tests.real_server import PASSWORD, Ok, register
from cli_tests.running import Crontopus, on_terminal

from crontopus_cli import client


def recovery_codes(address: str, name: str) -> list[str]:
    """Turns two-step sign-in on for somebody, as the console does."""
    with httpx.Client(base_url=f"{address}/api/v1/auth", trust_env=False) as browser:
        browser.post("/login", json={"login": name, "password": PASSWORD}).raise_for_status()
        secret = browser.post("/totp", json={"password": PASSWORD}).raise_for_status().json()["secret"]
        answer = browser.post("/totp/confirm", json={"code": pyotp.TOTP(secret).now()}).raise_for_status()
        codes: list[str] = answer.json()["recovery_codes"]
        return codes


def test_log_in_by_code(
    crontopus: Crontopus, tenant: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRONTOPUS_TOKEN")
    codes = recovery_codes(address, tenant)
    arguments = ("login", "-u", tenant, "--password-stdin")

    unasked = crontopus(*arguments, stdin=f"{PASSWORD}\n")
    assert (unasked.code, unasked.out) == (3, "")
    assert "asks for a code as well as the password\n  → add --code CODE" in unasked.err
    wrong = crontopus(*arguments, "--code", "000000", stdin=f"{PASSWORD}\n")
    assert (wrong.code, wrong.out) == (3, "")
    assert "The code is wrong" in wrong.err
    assert crontopus("whoami").code == 3

    assert crontopus(*arguments, "--code", codes[0], stdin=f"{PASSWORD}\n").code == 0
    assert crontopus("whoami").code == 0
    assert crontopus("logout").code == 0


def test_log_in_asks_for_the_code(
    crontopus: Crontopus, tenant: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRONTOPUS_TOKEN")
    codes = recovery_codes(address, tenant)
    replies = [("Password: ", PASSWORD), ("recovery code: ", codes[0])]
    code, shown = on_terminal("login", "-u", tenant, columns=100, replies=replies)
    assert code == 0, shown

    arguments = ("login", "-u", tenant, "--password-stdin", "--code", codes[1])
    for _ in range(6):  # five are let through in a minute, some are used up above
        again = crontopus(*arguments, stdin="wrong\n")
    assert (again.code, again.out) == (1, "")
    assert "Too many attempts" in again.err
    assert "→ try again in " in again.err


def test_register(crontopus: Crontopus, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRONTOPUS_SERVER", address)
    arguments = ("register", "--password-stdin", "--email", "newcomer@example.org", "-u")

    done = crontopus(*arguments, "newcomer", stdin=f"{PASSWORD}\n")
    assert (done.code, done.out) == (0, ""), done.err
    assert "newcomer <newcomer@example.org>" in crontopus("whoami").out
    assert crontopus(*arguments, "newcomer", stdin=f"{PASSWORD}\n").code == 1


def test_another_tenant(ok: Ok, tenant: str, crontopus: Crontopus, monkeypatch: pytest.MonkeyPatch) -> None:
    other = f"{tenant}-2"
    assert ok.data("tenants", "create", other, "--name", "The second")[0]["slug"] == other
    assert [each["slug"] for each in ok.data("tenants", "list")] == [tenant, other]
    assert ok.data("tenants", "show")["slug"] == tenant

    monkeypatch.delenv("CRONTOPUS_TOKEN")
    ok("login", "-u", tenant, "--password-stdin", "--tenant", other, stdin=f"{PASSWORD}\n")
    assert "Name       The second\n" in ok("tenants", "show")
    assert ok.data("tenants", "rename", "Number two")["name"] == "Number two"

    wrong = crontopus("tenants", "delete", tenant, "--yes")
    assert (wrong.code, wrong.out) == (1, "")
    assert other in wrong.err
    assert "Deleted    ends " in ok("tenants", "delete", other, "--yes")
    assert "Deleted     ends " in ok("whoami")
    assert ok.data("tenants", "restore")["delete_at"] is None
    assert crontopus("tenants", "leave", "--yes").code == 1  # its last owner
    assert (
        crontopus("login", "-u", tenant, "--password-stdin", "--tenant", "x", stdin=f"{PASSWORD}\n").code == 1
    )
    ok("logout")


def test_members(
    ok: Ok, tenant: str, address: str, crontopus: Crontopus, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(address, "guest")
    asked = ok.data("invitations", "create", "guest@example.org", "--role", "editor")
    assert "guest@example.org  editor" in ok("invitations", "list")
    link = ok.data("invitations", "resend", asked["id"])["link"]
    second = ok.data("invitations", "create", "other@example.org")["id"]
    assert "deleted" in ok("invitations", "delete", second)
    assert crontopus("invitations", "delete", second).code == 1

    with monkeypatch.context() as guest:
        guest.delenv("CRONTOPUS_TOKEN")
        ok("login", "-u", "guest", "--password-stdin", stdin=f"{PASSWORD}\n")
        assert ok.data("invitations", "accept", "-", stdin=f"{link}\n")[0]["role"] == "editor"
        ok("login", "-u", "guest", "--password-stdin", "--tenant", tenant, stdin=f"{PASSWORD}\n")
        refused = crontopus("members", "role", tenant, "viewer")
        assert (refused.code, refused.out) == (3, "")

    assert [each["username"] for each in ok.data("members", "list")] == [tenant, "guest"]
    assert ok.data("members", "role", "guest@example.org", "admin")[0]["role"] == "admin"
    assert "guest" in {each["owner"]["username"] for each in ok.data("tokens", "list", "--all")}
    assert "nobody is no member" in crontopus("members", "role", "nobody", "admin").err
    assert ok.data("tenants", "transfer", "guest", "--yes")["role"] == "admin"
    with monkeypatch.context() as guest:
        guest.delenv("CRONTOPUS_TOKEN")
        assert crontopus("members", "role", tenant, "owner").code == 3  # an editor's token stays one
        ok("login", "-u", "guest", "--password-stdin", "--tenant", tenant, stdin=f"{PASSWORD}\n")
        ok("members", "role", tenant, "owner")
        ok("tenants", "leave", "--yes")
        assert crontopus("whoami").code == 3  # the token is forgotten
    assert [each["username"] for each in ok.data("members", "list")] == [tenant]


def test_remove_a_member(ok: Ok, address: str, crontopus: Crontopus, monkeypatch: pytest.MonkeyPatch) -> None:
    link = ok.data("invitations", "create", "brief@example.org")["link"]
    with monkeypatch.context() as brief:
        brief.setenv("CRONTOPUS_TOKEN", register(address, "brief"))
        ok("invitations", "accept", link)
    assert crontopus("members", "remove", "brief").code == 2  # nobody to ask
    assert len(ok.data("members", "list")) == 2
    assert "removed" in ok("members", "remove", "brief", "--yes")
    assert len(ok.data("members", "list")) == 1


def test_rotate_a_token(ok: Ok, crontopus: Crontopus, monkeypatch: pytest.MonkeyPatch) -> None:
    created = ok.data("tokens", "create", "ci", "-s", "jobs:read", "--expires-in", "30d")
    secrets = [created["secret"], ok("tokens", "rotate", created["token"]["id"], "--overlap", "1h").strip()]
    for secret in secrets:
        with monkeypatch.context() as other:
            other.setenv("CRONTOPUS_TOKEN", secret)
            assert ok.data("whoami")["scopes"] == ["jobs:read"]

    newest = next(
        each for each in ok.data("tokens", "list") if secrets[1].startswith(each["hint"].rstrip("…"))
    )
    ok("tokens", "rotate", newest["id"])
    with monkeypatch.context() as other:
        other.setenv("CRONTOPUS_TOKEN", secrets[1])
        assert crontopus("whoami").code == 3
    assert crontopus("tokens", "rotate", newest["id"], "--overlap", "8d").code == 1


def test_usage_and_audit_log(ok: Ok, tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "members" in ok("usage")
    used = {item["name"]: item["used"] for item in ok.data("usage")["items"]}
    assert used["members"] == 1
    ids = [ok.data("tokens", "create", f"t{number}")["token"]["id"] for number in range(3)]
    ok("tokens", "revoke", ids[0])

    everything = ok.data("audit-log", "list")
    assert everything[0]["action"] == "token.revoked"
    assert ok.data("audit-log", "list", "--action", "token.revoked", "--subject", ids[0]) == everything[:1]
    assert ok.data("audit-log", "list", "--actor", tenant, "--since", "1h", "--limit", "2") == everything[:2]
    assert ok.data("audit-log", "list", "--until", "1h") == []
    monkeypatch.setattr(client, "PAGE_SIZE", 2)
    assert ok.data("audit-log", "list", "--limit", "0") == everything
    assert "token.revoked" in ok("audit-log", "list", "--limit", "1")


def test_audit_log_export(ok: Ok, monkeypatch: pytest.MonkeyPatch) -> None:
    ok("tokens", "create", "one")
    listed = ok.data("audit-log", "list", "--action", "token")
    as_csv = list(csv.DictReader(io.StringIO(ok("audit-log", "export", "--action", "token"))))
    as_json = ok("audit-log", "export", "--action", "token", "--format", "ndjson").splitlines()
    assert [each["id"] for each in as_csv] == [each["id"] for each in listed]
    assert [json.loads(line)["id"] for line in as_json] == [each["id"] for each in listed]


def test_export(ok: Ok, tmp_path: Path) -> None:
    ok(
        "jobs",
        "apply",
        "-f",
        "-",
        stdin="kind: Job\nmetadata: {name: a}\nspec: {schedule: 0 2 * * *}\napiVersion: crontopus/v1\n",
    )
    file = tmp_path / "all.zip"

    told = ok.data("tenants", "export", str(file))

    assert told == [{"result": "exported", "file": str(file), "bytes": file.stat().st_size}]
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        archive.extract("repository.bundle", tmp_path)
    clone = ["git", "clone", "-q", str(tmp_path / "repository.bundle"), str(tmp_path / "clone")]
    subprocess.run(clone, check=True, capture_output=True)
    assert (tmp_path / "clone/default/a.yaml").is_file()

    code, shown = on_terminal("tenants", "export", str(file), "--force", columns=100)
    assert code == 0, shown
    assert "━" in shown
    assert "exported" in shown
