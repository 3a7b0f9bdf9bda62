"""How violations read. What counts as one is in contract/vectors/policy."""

from __future__ import annotations

from typing import Any

from crontopus_api.manifests import Policy, parse_document, parse_job, parse_job_located, violations

PATH = "production/nightly.yaml"
JOB = b"""\
apiVersion: crontopus/v1
kind: Job
metadata:
  name: nightly
spec:
  schedule: "0 12 * * *"
  command: /bin/sh
  user: root
"""


def _policy(rules: str, enforcement: str = "enforce") -> Policy:
    text = (
        "apiVersion: v1\nkind: Policy\nmetadata: {name: sane}\n"
        f"spec: {{enforcement: {enforcement}, rules: {{{rules}}}}}\n"
    )
    policy = parse_document(".crontopus/policies/sane.yaml", text.encode())
    assert isinstance(policy, Policy)
    return policy


def _lines(rules: str) -> list[str]:
    job, places = parse_job_located(PATH, JOB)
    return [str(violation) for violation in violations(PATH, job, [_policy(rules)], places)]


def test_violations_read_like_a_compilers_errors() -> None:
    rules = (
        'allowedUsers: [backup], allowedCommands: ["/opt/*"], maximumTimeout: 1h, requiredLabels: [team],'
        ' minimumInterval: 2d, allowedWindows: [{from: "22:00", to: "06:00", days: [sat, sun]}]'
    )
    assert _lines(rules) == [
        f"{PATH}:3:1: policy `sane`: the label `team` is required (add `team: …` under `metadata.labels`)",
        f"{PATH}:5:1: policy `sane`: `timeout` must be given (at most `timeout: 1h`)",
        f"{PATH}:6:13: policy `sane`: runs come 1d apart; at least 2d is required",
        f"{PATH}:6:13: policy `sane`: a run would come on Sundays at 12:00, outside the allowed times "
        "(allowed: `22:00–06:00 (sat, sun)`)",
        f"{PATH}:7:12: policy `sane`: the command `/bin/sh` is not allowed (allowed: `/opt/*`)",
        f"{PATH}:8:9: policy `sane`: jobs may not run as `root` (allowed: `backup`)",
    ]


def test_without_a_text_violations_have_a_path_and_no_line() -> None:
    (violation,) = violations(PATH, parse_job(PATH, JOB), [_policy("maximumTimeout: 1h", "warn")])
    expected: dict[str, Any] = {
        "policy": "sane",
        "enforcement": "warn",
        "file": PATH,
        "line": None,
        "column": None,
        "path": "spec.timeout",
        "code": "policy_timeout",
        "message": "policy `sane`: `timeout` must be given",
        "hint": "at most `timeout: 1h`",
    }
    assert violation.as_dict() == expected
    assert not violation.refuses
    assert str(violation) == f"{PATH}: spec.timeout: {expected['message']} ({expected['hint']})"


def test_a_long_list_of_what_is_allowed_is_cut() -> None:
    users = ", ".join(f"u{number}" for number in range(9))
    (line,) = _lines(f"allowedUsers: [{users}]")
    assert line.endswith("(allowed: `u0`, `u1`, `u2`, `u3`, `u4` and 4 more)")
