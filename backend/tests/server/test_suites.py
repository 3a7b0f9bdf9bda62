"""The sum at the end of `make test` is honest: silence, crashes and empty suites are failures."""

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "suites.py"


@pytest.fixture(scope="module")
def suites() -> ModuleType:
    spec = importlib.util.spec_from_file_location("suites", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["suites"] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def count(suites: ModuleType, tmp_path: Path) -> Callable[..., tuple[int, int, int]]:
    """Runs a shell command as a suite; it finds the path of its report in $0."""

    def run(command: str, read: str = "from_junit", **more: Any) -> tuple[int, int, int]:
        report = tmp_path / "report"
        suite = suites.Suite("it", ("sh", "-c", command, str(report)), report, getattr(suites, read), **more)
        counts, _ = suites.run(suite, {"PATH": "/usr/bin:/bin"})
        return counts.passed, counts.failed, counts.skipped

    return run


JUNIT = (
    "<testsuites><testsuite><testcase/><testcase><failure/></testcase><testcase><error/></testcase>"
    "<testcase><skipped/></testcase></testsuite></testsuites>"
)


def test_junit(count: Callable[..., tuple[int, int, int]]) -> None:
    assert count(f"echo '{JUNIT}' > $0; exit 1") == (1, 2, 1)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("exit 0", (0, 1, 0)),  # no report
        ("echo '<oops' > $0", (0, 1, 0)),  # half a report
        ("echo '<testsuites/>' > $0", (0, 1, 0)),  # no test
        ("echo '<testsuite><testcase/></testsuite>' > $0; exit 3", (1, 1, 0)),  # died after its report
        ("echo '<testsuite><testcase/></testsuite>' > $0", (1, 0, 0)),
    ],
)
def test_silence_is_failure(
    count: Callable[..., tuple[int, int, int]], command: str, expected: tuple[int, int, int]
) -> None:
    assert count(command) == expected


def test_a_directory_that_is_missing_is_failure(
    count: Callable[..., tuple[int, int, int]], tmp_path: Path
) -> None:
    assert count("exit 0", directory=tmp_path / "nowhere") == (0, 1, 0)


def test_a_stale_report_does_not_count(count: Callable[..., tuple[int, int, int]]) -> None:
    assert count("echo '<testsuite><testcase/></testsuite>' > $0") == (1, 0, 0)
    assert count("exit 0") == (0, 1, 0)


def test_go(count: Callable[..., tuple[int, int, int]]) -> None:
    events = [
        {"Action": "pass", "Package": "a", "Test": "TestOne"},
        {"Action": "skip", "Package": "a", "Test": "TestTwo"},
        {"Action": "fail", "Package": "a", "Test": "TestThree"},
        {"Action": "fail", "Package": "a"},
        {"Action": "fail", "Package": "does-not-build"},
    ]
    lines = "\n".join(json.dumps(event) for event in events)
    assert count(f"echo '{lines}'; exit 1", "from_go", output_is_report=True) == (1, 2, 1)


def test_checks(count: Callable[..., tuple[int, int, int]]) -> None:
    assert count(r"printf 'pass\truff\t1\nfail\tmypy\t2\n' > $0; exit 1", "from_checks") == (1, 1, 0)
