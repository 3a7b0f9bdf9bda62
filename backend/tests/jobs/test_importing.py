"""Jobs from a crontab or the Task Scheduler: shown first, then added as one commit."""

import base64
from typing import Any

from ..platform import Person, Platform

CRONTAB = """\
PATH=/usr/local/bin:/usr/bin
# Nightly dump
0 2 * * * /opt/backup.sh --all
@reboot /opt/warm-up
*/5 * * * * echo hi >> /tmp/log
"""
TASK = """<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><URI>\\\\Nightly</URI></RegistrationInfo>
  <Triggers><CalendarTrigger><StartBoundary>2026-01-01T02:00:00</StartBoundary>
    <ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay></CalendarTrigger></Triggers>
  <Actions><Exec><Command>C:\\\\jobs\\\\nightly.exe</Command></Exec></Actions>
</Task>"""


async def _import(person: Person, *, dry_run: bool = False, status: int = 200, **body: Any) -> Any:
    query = "?dry_run=true" if dry_run else ""
    answer = await person.api.post(f"/api/v1/jobs:import{query}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_crontab_is_shown_then_added(platform: Platform, ada: Person) -> None:
    body = {"kind": "crontab", "text": CRONTAB, "namespace": "web", "match_labels": {"role": "web"}}
    shown = await _import(ada, dry_run=True, **body)
    assert [job["line"] for job in shown["jobs"]] == [3, 5]
    assert [problem["line"] for problem in shown["problems"]] == [4]
    assert shown["plan"]["summary"]["added"] == 2
    assert (await ada.get("/jobs"))["items"] == []
    done = await _import(ada, **body)
    assert done["commit"]
    jobs = (await ada.get("/jobs"))["items"]
    assert [(job["namespace"], job["name"]) for job in jobs] == [("web", j["name"]) for j in shown["jobs"]]
    # Once more finds the names taken, and takes others.
    again = await _import(ada, dry_run=True, **body)
    assert {job["name"] for job in again["jobs"]}.isdisjoint(job["name"] for job in jobs)


async def test_the_task_scheduler_speaks_utf_16(platform: Platform, ada: Person) -> None:
    data = base64.b64encode(TASK.replace("\\\\", "\\").encode("utf-16")).decode()
    done = await _import(ada, kind="task-scheduler", base64=data, hostname="win-1")
    [job] = done["jobs"]
    assert (await ada.get(f"/jobs/default/{job['name']}"))["schedule"] == ["0 2 * * *"]


async def test_a_file_without_jobs_and_wrong_requests(platform: Platform, ada: Person) -> None:
    empty = await _import(ada, kind="crontab", text="# nothing\n")
    assert (empty["jobs"], empty["problems"]) == ([], [])
    for body in (
        {"kind": "crontab"},
        {"kind": "crontab", "text": "x", "base64": "eA=="},
        {"kind": "crontab", "base64": "%"},
        {"kind": "crontab", "text": CRONTAB, "namespace": "No"},
        {"kind": "crontab", "text": CRONTAB, "timezone": "Mars/Olympus"},
        {"kind": "crontab", "text": CRONTAB, "match_labels": {"!": "x"}},
        {"kind": "fcron", "text": CRONTAB},
    ):
        await _import(ada, status=422, **body)
