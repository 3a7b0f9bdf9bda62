"""`plan`: how it reads, and what its exit code says."""

import json
import subprocess
from pathlib import Path

import pytest
from cli_tests.fake_changes import change, plan
from cli_tests.fake_server import FakeServer
from cli_tests.running import Crontopus, on_terminal

DB1, DB2 = {"id": "e1", "name": "db-1"}, {"id": "e2", "name": "db-2"}
RUN = {"at": "2026-11-23T05:30:00.000Z", "local": "2026-11-23T05:30:00+00:00"}
ERROR = {
    "file": "production/x.yaml", "line": 6, "column": 3, "code": "unknown_key",
    "message": "unknown key `timezon`", "hint": "did you mean `timezone`?",
}  # fmt: skip
WARNING = {"file": "default/a.yaml", "line": None, "column": None, "code": "c", "message": "m", "hint": None}
WHOLE = plan(
    change(
        "added", "production/report.yaml", schedule_text="At 05:30", next_runs=[RUN], endpoints_gained=[DB1]
    ),
    change(
        "changed",
        "production/nightly.yaml",
        fields=[
            {"path": "spec.schedule", "before": "0 2 * * *", "after": ["0 3 * * *", "0 4 * * *"]},
            {"path": "spec.user", "before": None, "after": "backup"},
        ],
        schedule_text="At 03:00",
        endpoints_lost=[DB1],
        endpoints_kept=[DB2],
        diff="--- a\n+++ b\n-x\n+y\n",
    ),
    change("changed", "default/text.yaml", schedule_text="At 01:00", next_runs=[RUN, RUN]),
    change("removed", "default/old.yaml", endpoints_lost=[DB1, DB2]),
    change("moved", "production/b.yaml", moved_from="default/a.yaml"),
    files=[{"action": "changed", "path": ".crontopus/policies/p.yaml", "kind": "Policy", "diff": "+z\n"}],
    endpoints=[DB1, DB2],
    errors=[ERROR],
    warnings=[WARNING],
    conflicts=["production/nightly.yaml"],
)
TEXT = """\
+ production/report
    schedule: At 05:30
    next runs: Mon 2026-11-23 05:30+00:00
    + on: db-1

~ production/nightly
    spec.schedule: "0 2 * * *" → ["0 3 * * *", "0 4 * * *"]
    spec.user: (not set) → "backup"
    schedule: At 03:00
    next runs: never: paused, disabled, or there is no such time
    - off: db-1
    stays on: db-2

~ default/text
    the file's text only; no setting differs
    schedule: At 01:00
    next runs: Mon 2026-11-23 05:30+00:00, Mon 2026-11-23 05:30+00:00

- default/old
    - off: db-1, db-2

→ default/a → production/b

~ .crontopus/policies/p.yaml  (Policy)

Errors
  production/x.yaml:6:3: unknown key `timezon` (did you mean `timezone`?)

Warnings
  default/a.yaml: m

Conflicts
  production/nightly.yaml was changed on main too

1 added, 2 changed, 1 removed, 1 moved, 1 other file, on 2 endpoints. Would be refused: 1 error, 1 conflict.
"""


def test_a_plan_reads_from_top_to_bottom(crontopus: Crontopus, signed_in: FakeServer) -> None:
    signed_in.plan = WHOLE

    result = crontopus("plan", "feature/x")

    assert (result.code, result.err) == (1, "")
    assert result.out == TEXT
    assert signed_in.requests[0][1] == "/plan?ref=feature%2Fx"


def test_the_exit_code_is_the_check(crontopus: Crontopus, signed_in: FakeServer) -> None:
    signed_in.plan = plan(warnings=[WARNING])
    assert crontopus("plan", "x").code == 0

    for more in ({"errors": [ERROR]}, {"conflicts": ["a/b.yaml"]}):
        signed_in.plan = plan(**more)
        for form in ("table", "json", "yaml"):
            assert crontopus("plan", "x", "-o", form).code == 1

    signed_in.plan = None
    assert crontopus("plan", "x").code == 1


def test_data_is_the_apis_own(crontopus: Crontopus, signed_in: FakeServer) -> None:
    signed_in.plan = WHOLE

    assert json.loads(crontopus("plan", "x", "-o", "json").out) == WHOLE


def test_differences_are_shown_when_asked_for(crontopus: Crontopus, signed_in: FakeServer) -> None:
    signed_in.plan = WHOLE

    out = crontopus("plan", "x", "--diff").out

    assert "    stays on: db-2\n    --- a\n    +++ b\n    -x\n    +y\n" in out
    assert "(Policy)\n    +z\n" in out


def test_a_plan_has_colour_on_a_terminal_only(signed_in: FakeServer) -> None:
    signed_in.plan = WHOLE

    _, shown = on_terminal("plan", "x", columns=80)
    _, plain = on_terminal("plan", "x", columns=80, NO_COLOR="1")

    assert "\x1b[31m-\x1b[0m \x1b[1mdefault/old\x1b[0m" in shown
    assert plain == TEXT


def test_names_cannot_steer_the_terminal(crontopus: Crontopus, signed_in: FakeServer) -> None:
    evil = {"id": "e", "name": "\x1b]0;owned\x07"}
    signed_in.plan = plan(
        change(
            "changed", "a/\x1b[2J.yaml", endpoints_gained=[evil], schedule_text="\x1b", diff="+\x1b\u202e\n"
        ),
        conflicts=["\x1b[2J"],
        errors=[ERROR | {"message": "\x1b[2J"}],
    )

    out = crontopus("plan", "x", "--diff").out

    assert "\x1b" not in out
    assert "\u202e" not in out


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_without_a_branch_it_is_the_one_of_the_clone(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    signed_in.plan = plan()
    (tmp_path / "clone").mkdir()
    monkeypatch.chdir(tmp_path / "clone")
    outside = crontopus("plan")
    assert (outside.code, outside.out) == (2, "")
    assert signed_in.requests == []

    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("switch", "-q", "-c", "feature/x", "--track")
    first = crontopus("plan")
    git("commit", "-q", "--allow-empty", "-m", "second")
    second = crontopus("plan")
    git("switch", "-q", "--detach")

    assert (first.code, first.err) == (0, "")
    assert second.err == "feature/x has commits that are not pushed; the plan is without them.\n"
    assert [path for _, path, _ in signed_in.requests] == ["/plan?ref=feature%2Fx"] * 2
    assert crontopus("plan").code == 2
