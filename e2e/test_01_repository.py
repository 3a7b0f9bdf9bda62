"""A tenant's repository is the truth: what the API writes, git shows; what git pushes, the API shows."""

from collections.abc import Callable

import pytest
import yaml

from harness.git import Git
from harness.narrative import Story
from harness.tenant import Tenant
from harness.waiting import Stopwatch

JOB = """\
apiVersion: crontopus/v1
kind: Job
metadata:
  name: from-yaml
  namespace: default
spec:
  schedule: "0 3 * * *"   # kept: comments are part of the file
"""
Register = Callable[[str], Tenant]


def test_registration_makes_a_repository(register: Register, git: Git, story: Story) -> None:
    """Registering makes a repository with a README and default/"""
    watch = Stopwatch()
    tenant = register("newcomer")
    story.took("register → account, tenant and repository", watch.seconds)
    assert tenant.clone_url.endswith(f"/git/crontopus/job-manifests-{tenant.slug}.git")

    checkout = git.clone(tenant.authenticated_clone_url, "repository")

    files = checkout("ls-files").splitlines()
    story.tell(f"git clone shows {', '.join(sorted(files))}")
    assert "README.md" in files
    assert any(file.startswith("default/") for file in files)
    assert tenant.slug in (checkout.directory / "README.md").read_text()
    assert tenant.items("/jobs") == []


@pytest.mark.parametrize("kind", ["json", "yaml"])
def test_put_is_a_commit_by_the_user(register: Register, git: Git, story: Story, kind: str) -> None:
    """PUT of a job is a commit by that user"""
    tenant = register("author")
    if kind == "json":
        body, media = '{"spec": {"schedule": "0 3 * * *"}}', "application/json"
    else:
        body, media = JOB, "application/yaml"
    watch = Stopwatch()
    answer = tenant.api.put(
        f"/jobs/default/from-{kind}",
        content=body,
        headers={"Content-Type": media},
        params={"message": "Back it up at three"},
    )
    story.took(f"PUT ({kind}) → committed and in force", watch.seconds)

    assert answer.status_code == 201, answer.text
    checkout = git.clone(tenant.authenticated_clone_url, "repository")
    author, email, message, commit = checkout("log", "-1", "--format=%an%n%ae%n%s%n%H").splitlines()
    story.tell(f"git log: {author} <{email}>: {message}")
    assert (author, email, message) == (tenant.username, tenant.email, "Back it up at three")
    assert answer.json()["commit"] == commit
    file = (checkout.directory / f"default/from-{kind}.yaml").read_text()
    assert yaml.safe_load(file)["spec"]["schedule"] == "0 3 * * *"
    assert kind == "json" or file == JOB


def test_push_changes_the_job(register: Register, git: Git, story: Story) -> None:
    """What is edited and pushed with git is what the API answers"""
    tenant = register("pusher")
    tenant.put_job("default/hello", {"schedule": "0 3 * * *"})
    checkout = git.clone(tenant.authenticated_clone_url, "repository")
    file = checkout.directory / "default/hello.yaml"
    checkout.write("default/hello.yaml", file.read_text().replace("0 3 * * *", "30 4 * * *"))
    checkout.write("default/new.yaml", JOB.replace("from-yaml", "new"))
    commit = checkout.commit("Half past four")

    watch = Stopwatch()
    pushed = checkout.push()
    story.took("git push, hook and projection", watch.seconds)

    assert pushed.returncode == 0, pushed.stderr
    job = tenant.get("/jobs/default/hello")  # at once: the push is answered after the projection
    assert job["schedule"] == ["30 4 * * *"]
    assert job["commit"] == commit
    assert tenant.get("/jobs/default/new")["schedule"] == ["0 3 * * *"]

    checkout("rm", "--quiet", "default/new.yaml")
    checkout.commit("Not needed after all")
    assert checkout.push().returncode == 0
    assert tenant.api.get("/jobs/default/new").status_code == 404


def test_invalid_push_is_refused(register: Register, git: Git, story: Story) -> None:
    """An invalid push is refused, naming file and line; nothing changes"""
    tenant = register("hasty")
    tenant.put_job("default/hello", {"schedule": "0 3 * * *"})
    checkout = git.clone(tenant.authenticated_clone_url, "repository")
    file = checkout.directory / "default/hello.yaml"
    lines = file.read_text().replace("0 3 * * *", "61 3 * * *").splitlines()
    number = next(n for n, line in enumerate(lines, 1) if "61 3" in line)
    checkout.write("default/hello.yaml", "\n".join(lines) + "\n")
    checkout.commit("A minute too many")

    refused = checkout.push()

    (said,) = [line for line in refused.stderr.splitlines() if f"default/hello.yaml:{number}:" in line]
    story.tell(f"git push: {said.strip()}")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    assert tenant.get("/jobs/default/hello")["schedule"] == ["0 3 * * *"]


def test_stale_change_is_refused(register: Register, story: Story) -> None:
    """A change based on an old version is a conflict, not a loss"""
    tenant = register("slow")
    first = tenant.put_job("default/hello", {"schedule": "0 3 * * *"})
    tenant.put_job("default/hello", {"schedule": "0 4 * * *"})

    stale = tenant.api.put(
        "/jobs/default/hello",
        json={"spec": {"schedule": "0 5 * * *"}},
        headers={"If-Match": f'"{first["etag"]}"'},
    )

    story.tell(f"{stale.status_code} {stale.json()['code']}: {stale.json()['detail']}")
    assert stale.status_code == 409
    assert stale.json()["code"] == "stale_etag"
    current = tenant.get("/jobs/default/hello")
    assert current["schedule"] == ["0 4 * * *"]
    tenant.put_job("default/hello", {"schedule": "0 5 * * *"}, **{"If-Match": f'"{current["etag"]}"'})
    assert tenant.get("/jobs/default/hello")["schedule"] == ["0 5 * * *"]
