#!/usr/bin/env python3
"""What the reports of `scripts/audit` mean. Usage: audit_verdict.py DIRECTORY

Exit code 1 for a vulnerability that audit-exemptions.toml does not excuse, or excuses without a reason, or no longer;
with AUDIT_REQUIRED=1 also for an auditor that could not do its work.
"""

import json
import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

EXEMPTIONS = Path(__file__).with_name("audit-exemptions.toml")
Found = dict[str, str]
"""By the vulnerability's id: what has it."""


class NotDone(Exception):
    """The auditor reached no verdict."""


def pip_audit(report: str) -> Found:
    found: Found = {}
    for package in _json(report)["dependencies"]:
        if "skip_reason" in package:  # all of ours are on PyPI: it could not look there
            raise NotDone(package["skip_reason"])
        for each in package.get("vulns", ()):
            found[each["id"]] = f"{package['name']} {package['version']}"
    return found


def npm_audit(report: str) -> Found:
    data = _json(report)
    if "auditReportVersion" not in data:
        raise NotDone(data.get("message") or "no report")
    found: Found = {}
    for name, package in data["vulnerabilities"].items():
        for via in package["via"]:
            if isinstance(via, dict):  # else the name of another package in this list
                found[str(via["url"]).rsplit("/", 1)[-1]] = f"{name} {via.get('range', '')}".strip()
    return found


def govulncheck(report: str) -> Found:
    """Only what our code comes to: findings whose trace names a function."""
    messages = list(_documents(report))
    if not any("SBOM" in each or "progress" in each for each in messages):
        raise NotDone("no report")
    findings = [each["finding"] for each in messages if "finding" in each]
    return {each["osv"]: each["trace"][0]["module"] for each in findings if "function" in each["trace"][0]}


AUDITORS: dict[str, Callable[[str], Found]] = {
    "pip-audit": pip_audit,
    "npm-audit": npm_audit,
    "govulncheck": govulncheck,
}


def _json(report: str) -> Any:
    try:
        return json.loads(report)
    except ValueError as error:
        raise NotDone("no report") from error


def _documents(report: str) -> Iterator[Any]:
    """govulncheck writes one document after the other."""
    decoder, at = json.JSONDecoder(), 0
    while report[at:].strip():
        at += len(report[at:]) - len(report[at:].lstrip())
        try:
            document, at = decoder.raw_decode(report, at)
        except ValueError as error:
            raise NotDone("no report") from error
        yield document


def exemptions(text: str, today: date) -> set[str]:
    """Those that hold. Raises ValueError for one without a reason or whose day has come."""
    excused = set()
    for each in tomllib.loads(text).get("exempt", []):
        if not each.get("reason") or not isinstance(each.get("until"), date):
            raise ValueError(f"{each.get('id')}: an exemption needs a reason and a day `until`")
        if each["until"] < today:
            raise ValueError(f"{each['id']}: look at this exemption again, it ended on {each['until']}")
        excused.add(each["id"])
    return excused


def main(directory: Path) -> int:
    try:
        excused = exemptions(EXEMPTIONS.read_text(encoding="utf-8"), datetime.now(UTC).date())
    except ValueError as error:
        return _say(f"FAIL  {EXEMPTIONS.name}: {error}", 1)
    failed = 0
    for name in AUDITORS:
        complaints = (directory / f"{name}.err").read_text(encoding="utf-8", errors="replace").split("\n")
        try:
            found = _read(name, directory, complaints)
        except (NotDone, KeyError) as error:
            last = next((line for line in reversed(complaints) if line.strip()), "")
            failed |= _say(f"?     {name}: not done: {error}. {last.strip()[:200]}", int(_required()))
            continue
        open_ones = {each: where for each, where in found.items() if each not in excused}
        for each, where in open_ones.items():
            failed |= _say(f"FAIL  {name}: {each} in {where}", 1)
        if not open_ones:
            _say(f"ok    {name}", 0)
    return failed


def _read(name: str, directory: Path, complaints: list[str]) -> Found:
    for line in complaints:
        # govulncheck has begun a report that looks like one by then.
        if "no such host" in line or "dial tcp" in line:
            raise NotDone("its database cannot be reached")
    return AUDITORS[name]((directory / f"{name}.json").read_text(encoding="utf-8"))


def _required() -> bool:
    return os.environ.get("AUDIT_REQUIRED") == "1"


def _say(line: str, code: int) -> int:
    sys.stdout.write(f"{line}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
