"""Runs the test suites one after the other and adds up what they report.

Called by scripts/test inside the project's virtual environment. Each suite writes a report; one that wrote none,
or ran no test, counts as a failure, and so does one that ended badly although its report shows none.
The very last line is `N passed, N failed, N skipped`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / ".test" / "reports"
LIMIT_SECONDS = 45 * 60


@dataclass(frozen=True)
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )  # fmt: skip

    @property
    def total(self) -> int:
        return self.passed + self.failed + self.skipped


def from_junit(report: Path) -> Counts:
    """JUnit XML: one `testcase` per test."""
    counts = Counts()
    # The report was written a moment ago by our own test runner.
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314
        kinds = {child.tag for child in case}
        failed = bool(kinds & {"failure", "error"})
        skipped = not failed and "skipped" in kinds
        counts += Counts(passed=int(not failed and not skipped), failed=int(failed), skipped=int(skipped))
    return counts


def from_go(report: Path) -> Counts:
    """`go test -json`: one line per event; a package that fails without a failed test did not build or crashed."""
    outcomes: dict[tuple[str, str], str] = {}
    for line in report.read_text().splitlines():
        if not line.startswith("{"):
            continue
        event = json.loads(line)
        if event.get("Action") in {"pass", "fail", "skip"}:
            outcomes[event.get("Package", ""), event.get("Test", "")] = event["Action"]
    tests = [action for (_, test), action in outcomes.items() if test]
    broken = [
        package
        for (package, test), action in outcomes.items()
        if not test and action == "fail" and "fail" not in _tests_of(outcomes, package)
    ]
    return Counts(tests.count("pass"), tests.count("fail") + len(broken), tests.count("skip"))


def _tests_of(outcomes: dict[tuple[str, str], str], package: str) -> list[str]:
    return [action for (name, test), action in outcomes.items() if test and name == package]


def from_checks(report: Path) -> Counts:
    """scripts/lint: one line per check, `pass` or `fail` first."""
    words = [line.split("\t")[0] for line in report.read_text().splitlines()]
    return Counts(passed=words.count("pass"), failed=words.count("fail"))


@dataclass(frozen=True)
class Suite:
    """A command, the file that it reports to, and how to read that."""

    name: str
    command: tuple[str, ...]
    report: Path
    read: Callable[[Path], Counts]
    directory: Path = ROOT
    output_is_report: bool = False


def _pytest(name: str, path: str, *options: str) -> Suite:
    report = REPORTS / f"{name}.xml"
    return Suite(
        name,
        (sys.executable, "-m", "pytest", path, f"--junitxml={report}", "--durations=5", *options),
        report,
        from_junit,
    )


VITEST = ("node_modules/.bin/vitest", "run", "--reporter=default", "--reporter=junit")
SUITES = (
    Suite(
        "lint",
        ("env", f"LINT_REPORT={REPORTS / 'lint.tsv'}", "scripts/lint"),
        REPORTS / "lint.tsv",
        from_checks,
    ),
    # In two processes: each has a PostgreSQL of its own, and much of a test is waiting.
    _pytest("backend", "backend/tests", "-n2", "--dist=worksteal"),
    _pytest("cli", "cli/tests"),
    _pytest("internal_admin", "internal_admin/tests"),
    Suite(
        "agent",
        ("go", "test", "-race", "-timeout", "15m", "-json", "./..."),
        REPORTS / "agent.json",
        from_go,
        directory=ROOT / "agent",
        output_is_report=True,
    ),
    Suite(
        "console",
        (*VITEST, f"--outputFile.junit={REPORTS / 'console.xml'}"),
        REPORTS / "console.xml",
        from_junit,
        directory=ROOT / "frontend",
    ),
    _pytest("e2e", "e2e"),
)


def execute(suite: Suite, environment: dict[str, str]) -> int | None:
    """Exit code of the suite; None when it took too long or could not be started."""
    try:
        with suite.report.open("wb") if suite.output_is_report else open(os.devnull, "wb") as sink:  # noqa: PTH123
            process = subprocess.Popen(  # noqa: S603 - our own suites
                suite.command,
                cwd=suite.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink if suite.output_is_report else None,
                process_group=0,
            )
            try:
                return process.wait(LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                say(f"{suite.name} took longer than {LIMIT_SECONDS // 60} minutes and is stopped")
                return None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
    except OSError as error:
        say(f"{suite.name} cannot be run: {error}")
        return None


def show_go_failures(report: Path) -> None:
    """The output of failed tests and packages, which `-json` hid in the report."""
    lines: dict[tuple[str, str], list[str]] = {}
    for line in report.read_text().splitlines():
        if not line.startswith("{"):
            say(line)
            continue
        event = json.loads(line)
        key = (event.get("Package") or event.get("ImportPath", ""), event.get("Test", ""))
        if event["Action"] in {"output", "build-output"}:
            lines.setdefault(key, []).append(event["Output"])
        elif event["Action"] in {"fail", "build-fail"}:
            say("".join(lines.get(key, [])).rstrip() or f"FAIL {key[0]}")


def run(suite: Suite, environment: dict[str, str]) -> tuple[Counts, float]:
    say(f"\n=== {suite.name}")
    suite.report.unlink(missing_ok=True)
    began = time.monotonic()
    code = execute(suite, environment)
    try:
        counts = suite.read(suite.report)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        say(f"{suite.name} left no readable report: {error}")
        counts = Counts(failed=1)
    if suite.output_is_report and code != 0 and suite.report.exists():
        show_go_failures(suite.report)
    if counts.total == 0:
        say(f"{suite.name} ran no test")
        counts = Counts(failed=1)
    elif code != 0 and counts.failed == 0:
        say(f"{suite.name} ended with exit code {code} although no test failed")
        counts += Counts(failed=1)
    return counts, time.monotonic() - began


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(results: Iterable[tuple[str, Counts, float]]) -> None:
    say(f"\n{'suite':<16}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for name, counts, seconds in results:
        say(f"{name:<16}{counts.passed:>8}{counts.failed:>8}{counts.skipped:>9}{seconds:>9.0f}")


def main(names: list[str]) -> int:
    known = {suite.name: suite for suite in SUITES}
    if unknown := [name for name in names if name not in known]:
        say(f"There is no suite {', '.join(unknown)}; there are {', '.join(known)}.")
        return 2
    REPORTS.mkdir(parents=True, exist_ok=True)
    # A developer's own settings must not reach the tests.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CRONTOPUS_")}
    environment["CRONTOPUS_TEST_CRON"] = "1"  # the agent's test that waits for a real cron to fire
    results = []
    for suite in [known[name] for name in names] or SUITES:
        counts, seconds = run(suite, environment)
        results.append((suite.name, counts, seconds))
    table(results)
    total = sum((counts for _, counts, _ in results), Counts())
    say(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
