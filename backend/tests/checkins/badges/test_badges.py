"""Badges are seen by anybody who has the address, and tell one state."""

import xml.etree.ElementTree as ElementTree
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from crontopus_api.checkins.badges.drawing import badge_state, svg
from crontopus_api.checkins.badges.keys import BadgeKeys, Subject
from crontopus_api.jobs.standing import SEVERITY
from crontopus_api.kit.database import Scope

from ...platform import Person, Platform


async def _badge(platform: Platform, person: Person, path: str, **query: str) -> dict[str, Any]:
    url = (await person.get(path, **query))["json_url"]
    answer = await platform.client().get(url)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "public, max-age=30"
    assert answer.headers["access-control-allow-origin"] == "*"
    found: dict[str, Any] = answer.json()
    return found


async def test_a_jobs_badge_follows_its_state(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    path = "/jobs/default/hello/badge"
    assert (await _badge(platform, ada, path))["message"] == "unknown"
    await platform.ping(url)
    assert await _badge(platform, ada, path) == {
        "schemaVersion": 1,
        "label": "default/hello",
        "message": "up",
        "color": "#2e7d32",
        "isError": False,
        "cacheSeconds": 30,
    }
    async with platform.services.database.session(Scope(role="crontopus_scanner")) as session:
        await session.execute(text("UPDATE instance_status SET due_at = now() - interval '1 s'"))
    assert (await _badge(platform, ada, path))["message"] == "late"
    await platform.ping(url + "/fail")
    assert (await _badge(platform, ada, path))["isError"] is True
    await ada.api.post("/api/v1/jobs/default/hello/pause", json={})
    assert (await _badge(platform, ada, path))["message"] == "paused"
    picture = await platform.client().get((await ada.get(path))["svg_url"])
    assert picture.headers["content-type"] == "image/svg+xml"
    assert "paused" in picture.text
    await ada.api.delete("/api/v1/jobs/default/hello")
    assert (await platform.client().get(picture.url)).text.count("unknown") > 0


async def test_a_labels_badge_is_the_worst_of_its_jobs(platform: Platform, ada: Person) -> None:
    for name, action in {"one": "", "two": "/fail"}.items():
        body = {"metadata": {"labels": {"team": "db"}}, "spec": {"schedule": "@daily"}}
        job = (await ada.api.put(f"/api/v1/jobs/default/{name}", json=body)).json()
        await platform.ping(job["ping_url"] + action)
    found = await _badge(platform, ada, "/badges", label="team=db")
    assert (found["label"], found["message"]) == ("team=db", "down")
    grace = await platform.register("grace")
    assert (await _badge(platform, grace, "/badges", label="team=db"))["message"] == "unknown"
    assert (await ada.api.get("/api/v1/badges?label=team")).status_code == 422


async def test_only_addresses_we_gave_out_are_badges(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    url = (await ada.get("/jobs/default/hello/badge"))["json_url"]
    key = url.removeprefix("http://crontopus.test/badge/").removesuffix(".json")
    other = BadgeKeys(b"another installation").key_of(Subject(ada.tenant_id, label="a=b"))
    changed = key[:5] + ("A" if key[5] != "A" else "B") + key[6:]
    for wrong in (changed, other, "x", "é", "A" * 599, key[:-3], key + "A"):
        for ending in (".svg", ".json"):
            assert (await platform.client().get(f"/badge/{wrong}{ending}")).status_code == 404, wrong
    assert str(ada.tenant_id) not in url
    grace = await platform.register("grace")
    assert (await grace.api.get("/api/v1/jobs/default/hello/badge")).status_code == 404


def test_keys_are_the_same_each_time_and_open_to_what_they_are_of() -> None:
    keys = BadgeKeys(b"secret")
    for subject in (Subject(uuid4(), job_id=uuid4()), Subject(uuid4(), label="team=dé")):
        assert keys.key_of(subject) == keys.key_of(subject)
        assert keys.subject_of(keys.key_of(subject)) == subject


@pytest.mark.parametrize("label", ["<script>", 'a"b', "x & y", "default/nightly"])
def test_pictures_are_well_formed_whatever_the_label(label: str) -> None:
    root = ElementTree.fromstring(svg(label, "down"))
    assert root.findtext("{http://www.w3.org/2000/svg}title") == f"{label}: down"


def test_every_state_has_its_badge() -> None:
    assert {badge_state(state) for state in SEVERITY} == {"up", "late", "down", "paused", "unknown"}
    assert badge_state("new") == badge_state("none") == "unknown"
