"""The end-to-end suite: one platform, shared by the stories that need no platform of their own.

Every story registers tenants of its own and can run alone. `scripts/test e2e` runs them all; the narrative with
what was measured is printed while they run.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves the path alone

from harness.binaries import copy_for_everybody
from harness.browser import Person, chromium
from harness.cli import Crontopus
from harness.git import Git
from harness.machine import CronMachine, why_not_here
from harness.mail import MailSink
from harness.narrative import Story
from harness.paths import ROOT
from harness.stack import Stack
from harness.tenant import Tenant

LOG_LINES = 60
PICTURES = ROOT / ".test" / "e2e"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[EVIDENCE] = {}


EVIDENCE = pytest.StashKey[dict[str, Callable[[], str]]]()
STARTS = pytest.StashKey[dict[str, int]]()


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[STARTS] = {name: len(read()) for name, read in item.config.stash[EVIDENCE].items()}
    title = (item.function.__doc__ or item.name).strip().splitlines()[0]  # type: ignore[attr-defined]
    _write(item.config, f"\n▶ {title}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A failed story shows what the platform and the agents logged meanwhile."""
    report = yield
    if report.failed:
        for name, read in item.config.stash[EVIDENCE].items():
            lines = read()[item.stash[STARTS].get(name, 0) :].splitlines()
            report.sections.append((name, "\n".join(lines[-LOG_LINES:])))
        if (person := item.funcargs.get("person")) is not None:  # type: ignore[attr-defined]
            report.sections.append(("the browser", person.portrait(PICTURES / f"{item.name}.png")))
    if report.when == "call":
        outcome = {"passed": "✓", "skipped": "-"}.get(report.outcome, "✗ failed")
        _write(item.config, f"  {outcome} {report.duration:.1f} s")
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """The narrative takes the place of the dots."""
    return ("passed", "", "") if report.when == "call" and report.passed else None


def _write(config: pytest.Config, line: str) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is None:
        return
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        reporter.ensure_newline()
        reporter.write_line(line)


@pytest.fixture
def story(request: pytest.FixtureRequest) -> Story:
    return Story(lambda line: _write(request.config, line))


@pytest.fixture(scope="session")
def evidence(request: pytest.FixtureRequest) -> dict[str, Callable[[], str]]:
    """Name of a log → how to read it; shown when a story fails."""
    return request.config.stash[EVIDENCE]


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A directory that other users (PostgreSQL's, the agent's) can pass through, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="crontopus-e2e-", ignore_cleanup_errors=True) as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture
def home(scratch: Path, request: pytest.FixtureRequest) -> Path:
    """A home directory for this story's git and command line."""
    return Path(tempfile.mkdtemp(prefix=f"{request.node.name[:30]}-", dir=scratch))


@pytest.fixture(scope="session")
def mail() -> Iterator[MailSink]:
    sink = MailSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture(scope="session")
def stack(scratch: Path, mail: MailSink, evidence: dict[str, Callable[[], str]]) -> Iterator[Stack]:
    """The platform that most stories share."""
    directory = scratch / "stack"
    directory.mkdir()
    with Stack(directory, smtp_port=mail.port) as platform:
        evidence["crontopus-server up"] = lambda: platform.log
        platform.start()
        yield platform
    del evidence["crontopus-server up"]


@pytest.fixture
def register(stack: Stack) -> Callable[[str], Tenant]:
    return lambda name: Tenant.register(stack.url, name)


@pytest.fixture
def git(home: Path) -> Git:
    return Git(home)


@pytest.fixture(scope="session")
def programs(scratch: Path) -> Path:
    """Directory of crontopus-agent and crontopus-run, for every user."""
    return copy_for_everybody(scratch / "programs")


@pytest.fixture
def machine(
    scratch: Path, programs: Path, request: pytest.FixtureRequest, evidence: dict[str, Callable[[], str]]
) -> Iterator[CronMachine]:
    """A machine with a real cron daemon; what is spawned on it must be ended by the story."""
    if reason := why_not_here():
        pytest.skip(reason)
    root = Path(tempfile.mkdtemp(prefix="machine-", dir=scratch))
    root.chmod(0o755)
    created = CronMachine(root, programs)
    evidence["the agent"] = lambda: created.log.read_text(errors="replace") if created.log.exists() else ""
    created.start()
    yield created
    created.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def person(browser: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[Person]:
    """Somebody in front of the console. `@pytest.mark.parametrize("person", [{…}], indirect=True)` sets the browser."""
    with browser.new_context(**getattr(request, "param", {})) as context:
        yield Person(context, stack.url)


@pytest.fixture
def cli(home: Path, stack: Stack) -> Callable[..., Crontopus]:
    """The command line in the story's home: `cli(token)`."""
    return lambda token=None, server=stack.url: Crontopus(home, server, token)
