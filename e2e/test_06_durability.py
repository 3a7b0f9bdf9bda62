"""kill -9 of any part at any time: what was acknowledged is there, exactly once."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from harness.git import Git
from harness.mail import MailSink
from harness.narrative import Story
from harness.stack import Stack
from harness.streams import CheckIns, Stream, flowing
from harness.tenant import Tenant, ping
from harness.waiting import Stopwatch, eventually

BEFORE, AFTER = 5, 3
"""Steps of each stream before the kill and after the platform is back."""
RECOVERY_SECONDS = 90
STALLED_SECONDS = 90
"""A delivery whose worker died is taken up again when its heartbeat is 30 s old."""


@pytest.fixture(scope="module")
def fragile(
    tmp_path_factory: pytest.TempPathFactory,
    scratch: Path,
    mail: MailSink,
    evidence: dict[str, Callable[[], str]],
) -> Iterator[Stack]:
    """A platform that may be killed."""
    directory = scratch / "fragile"
    directory.mkdir()
    with Stack(directory, smtp_port=mail.port) as platform:
        evidence["the killed platform"] = lambda: platform.log
        platform.start()
        yield platform
    del evidence["the killed platform"]


def kill_api(stack: Stack) -> None:
    pid = stack.kill_child("api")
    eventually(lambda: stack.child("api") != pid, "`up` starts another API", within=30)


def kill_worker(stack: Stack) -> None:
    pid = stack.kill_child("worker")
    eventually(lambda: stack.child("worker") != pid, "`up` starts another worker", within=30)


def kill_up(stack: Stack) -> None:
    stack.kill_up()
    stack.start()


def kill_postgres(stack: Stack) -> None:
    stack.kill_postgres()
    eventually(lambda: stack.postgres_pid, "`up` starts PostgreSQL again", within=30)


@pytest.mark.parametrize(
    "kill", [kill_api, kill_worker, kill_up, kill_postgres], ids=["api", "worker", "up", "postgres"]
)
def test_nothing_acknowledged_is_lost(
    fragile: Stack, git: Git, story: Story, kill: Callable[[Stack], None], request: pytest.FixtureRequest
) -> None:
    """kill -9 during a stream of pings, check-ins and commits"""
    part = request.node.callspec.id
    tenant = Tenant.register(fragile.url, f"durable-{part}")
    url = tenant.put_job("default/pinged", {"schedule": "0 3 * * *"})["ping_url"]
    tenant.put_job("default/reported", {"schedule": "0 3 * * *"})
    sent = CheckIns(tenant, "default/reported")
    pings = Stream("pings", lambda n: ping_exit_code(url, n))
    check_ins = Stream("check-ins", sent.step)
    commits = Stream("commits", lambda n: commit(tenant, n))
    streams = (pings, check_ins, commits)
    with flowing(*streams):
        for stream in streams:
            stream.await_more(BEFORE, within=60)
        watch = Stopwatch()
        kill(fragile)
        fragile.await_ready()
        for stream in streams:
            stream.await_more(AFTER, within=RECOVERY_SECONDS)
        story.took(f"kill -9 of {part} → all three streams flow again", watch.seconds)
    # What was in flight when its stream ended is sent again, as an agent would.
    if sent.item:
        eventually(lambda: sent.step(0), "the last check-in", within=RECOVERY_SECONDS)

    assert_pings_once(tenant, pings, story)
    runs = Counter(run["id"] for run in tenant.runs("default/reported"))
    assert runs == Counter(dict.fromkeys(sent.run_ids, 1)), "every check-in, sent again or not, exactly once"
    story.tell(f"{len(runs)} check-ins acknowledged, each there exactly once")
    assert_commits_once(tenant, git, commits, story)


def ping_exit_code(url: str, number: int) -> bool:
    """The exit code is the ping's number, by which its run is found again."""
    assert number < 256, "too many pings for exit codes"
    return ping(url, str(number)).status_code == 200


def commit(tenant: Tenant, number: int) -> bool:
    answer = tenant.api.put(
        f"/jobs/stream/job-{number}",
        json={"spec": {"schedule": "0 3 * * *"}},
        params={"message": f"Job number {number}"},
    )
    assert answer.status_code == 201 or answer.status_code >= 500, f"{answer.status_code} {answer.text}"
    return answer.status_code == 201


def assert_pings_once(tenant: Tenant, pings: Stream, story: Story) -> None:
    seen = Counter(run["exit_code"] for run in tenant.runs("default/pinged"))
    lost = [number for number in pings.acknowledged if number not in seen]
    twice = [number for number, count in seen.items() if count > 1]
    assert lost == [], "acknowledged pings that are nowhere"
    assert twice == [], "pings that count twice"
    assert set(seen) <= set(range(1, pings.tried + 1))
    story.tell(f"{len(pings.acknowledged)} of {pings.tried} pings acknowledged, each there exactly once")


def assert_commits_once(tenant: Tenant, git: Git, commits: Stream, story: Story) -> None:
    names = {f"job-{number}" for number in commits.acknowledged}

    def settled() -> bool:
        """What was not acknowledged is finished or undone: Git and its projection say the same."""
        listed = git.run("ls-remote", tenant.authenticated_clone_url, "main").stdout.split()
        jobs = {job["name"]: job["commit"] for job in tenant.items("/jobs", namespace="stream")}
        return names <= set(jobs) and bool(listed)

    eventually(settled, "every acknowledged job is there", within=20)
    checkout = git.clone(tenant.authenticated_clone_url, "repository")
    files = {path.stem for path in checkout.directory.glob("stream/*.yaml")}
    eventually(
        lambda: {job["name"] for job in tenant.items("/jobs", namespace="stream")} == files,
        f"the API shows what Git holds: {sorted(files)}",
        within=20,
    )
    messages = Counter(checkout("log", "--format=%s").splitlines())
    assert names <= files
    for number in commits.acknowledged:
        assert messages[f"Job number {number}"] == 1, f"commit {number}"
    checkout("fsck", "--strict")
    story.tell(
        f"{len(names)} of {commits.tried} commits acknowledged, each in Git exactly once; Git and API agree"
    )


def test_incident_mail_is_not_lost(fragile: Stack, mail: MailSink, story: Story) -> None:
    """kill -9 while the mail about an incident is on its way"""
    tenant = Tenant.register(fragile.url, "mailed")
    url = tenant.put_job("default/backup", {"schedule": "0 3 * * *"})["ping_url"]
    mail.hold()
    try:
        ping(url, "1")
        eventually(lambda: mail.held, "the mail server is being told", within=20)
        fragile.kill_up()
    finally:
        mail.release()
    assert mail.to(tenant.email) == []

    fragile.start()
    watch = Stopwatch()
    mail.await_letter(tenant.email, "default/backup", within=STALLED_SECONDS)
    story.took("platform up again → the email arrives", watch.seconds)
    ping(url)
    mail.await_letter(tenant.email, "Resolved", within=20)
    assert [each.subject.split("]")[0] for each in mail.to(tenant.email)] == ["[Error", "[Resolved"]


def test_up_again_is_quick(fragile: Stack, story: Story) -> None:
    """The second start takes less than ten seconds, and Ctrl-C leaves nothing running"""
    tenant = Tenant.register(fragile.url, "kept")
    api = fragile.child("api")
    fragile.stop()
    assert not fragile.postgres_pid
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{fragile.url}/healthz", trust_env=False)
    seconds = fragile.start()
    # API and worker load the same modules on two cores: a slow machine is known by how long one of them takes alone.
    watch = Stopwatch()
    subprocess.run([sys.executable, "-c", "import crontopus_api.main"], check=True)
    story.took("second start → ready", seconds, limit=max(10.0, 3 * watch.seconds))
    assert fragile.child("api") != api
    assert tenant.get("/auth/me")["user"]["username"] == tenant.username
