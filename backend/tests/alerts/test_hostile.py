"""Addresses that lead inside, and templates that want more than they are given."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crontopus_api.alerts.channels.templates import EXAMPLE, TemplateRefused, check, render

from ..platform import Person, Platform, running_platform
from .acting import make_channel
from .receiver import Receiver, Reply, running

INSIDE = [
    *("http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://0.0.0.0/", "http://[::]/"),
    # Cloud metadata.
    *("http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://100.100.100.200/"),
    *("http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/"),
    # The same in other spellings: octal, hexadecimal, one number, fewer parts.
    *(
        "http://0177.0.0.1/",
        "http://0x7f.0.0.1/",
        "http://2130706433/",
        "http://127.1/",
        "http://0x7f000001/",
    ),
    *("http://017700000001/", "http://0xa9fea9fe/", "http://2852039166/", "http://0251.0376.0251.0376/"),
    # Inside IPv6.
    *("http://[::ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::7f00:1]/"),
    *("http://[2002:7f00:1::]/", "http://[fe80::1]/", "http://[fc00::1]/", "http://[::127.0.0.1]/"),
    "http://127.0.0.1.:80/",
]


async def test_a_webhook_leads_nowhere_inside(inward: Platform) -> None:
    ada = await inward.register("ada")
    for address in INSIDE:
        body = {"name": address, "config": {"kind": "webhook", "url": address}}
        answer = await ada.api.post("/api/v1/channels", json=body)
        assert answer.status_code in {201, 422}, answer.text
        if answer.status_code == 422:
            continue
        told = (await ada.api.post(f"/api/v1/channels/{answer.json()['id']}/test")).json()
        assert (told["ok"], told["results"][0]["status"]) == (False, None), address
        words = told["results"][0]["words"]
        expected = ("may not be called", "cannot be resolved", "cannot be sent")
        assert any(each in words for each in expected), (address, words)


@pytest.fixture
async def inward(database_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """Where no network is allowed that is not public."""
    async with running_platform(database_url, tmp_path / "data") as running_one:
        yield running_one


KINDS: list[dict[str, Any]] = [
    {"kind": "slack_webhook", "url": "URL"},
    {"kind": "teams", "url": "URL"},
    {"kind": "discord", "url": "URL"},
    {"kind": "ntfy", "url": "URL", "topic": "x"},
    {"kind": "webhook", "url": "URL"},
]


async def test_no_kind_leads_inside(inward: Platform) -> None:
    ada = await inward.register("ada")
    async with running(Receiver(lambda _: Reply())) as inside:
        for config in KINDS:
            made = await make_channel(ada, config | {"url": inside.url})
            told = (await ada.api.post(f"/api/v1/channels/{made['id']}/test")).json()
            assert "is not a public address" in told["results"][0]["words"], config
        assert inside.asked == []


async def test_a_name_that_moves_inside_gains_nothing(
    platform: Platform, ada: Person, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: what was looked at is what is connected to, and a bad address among good ones spoils all."""
    loop, answers = (
        asyncio.get_running_loop(),
        [["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1", "10.0.0.1"]],
    )
    real, asked = loop.getaddrinfo, []

    async def moving(host: Any, port: Any, **more: Any) -> Any:
        if host != "moving.example":
            return await real(host, port, **more)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in answers[len(asked) - 1]]

    monkeypatch.setattr(loop, "getaddrinfo", moving)
    config = {"kind": "webhook", "url": f"http://moving.example:{hook.port}/hook"}
    made = await make_channel(ada, config)
    results = [
        (await ada.api.post(f"/api/v1/channels/{made['id']}/test")).json()["results"][0] for _ in answers
    ]
    # Loopback is allowed in this test, by the operator; nothing else is.
    assert [each["ok"] for each in results] == [True, False, False]
    assert len(asked) == len(answers)  # resolved once for each attempt: what was looked at is what was called
    assert hook.asked[0].headers["host"] == f"moving.example:{hook.port}"
    assert len(hook.asked) == 1


async def test_a_redirect_is_not_followed(platform: Platform, ada: Person, hook: Receiver) -> None:
    hook.always = Reply(307, headers={"location": "http://169.254.169.254/latest/meta-data/"})
    made = await make_channel(ada, {"kind": "webhook", "url": f"{hook.url}/hook"})
    told = (await ada.api.post(f"/api/v1/channels/{made['id']}/test")).json()["results"][0]
    assert (told["ok"], told["status"]) == (False, 307)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ incident.__class__ }}",
        "{{ incident['__class__'] }}",
        "{{ incident.title.__init__.__globals__ }}",
        "{{ incident.title.format }}{{ '{0.__class__}'.format(incident) }}",
        "{{ self.__init__ }}",
        "{{ range(10) }}",
        "{{ cycler.__init__ }}",
        "{{ lipsum() }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ [1] * 10 }}",
        "{% for a in incidents %}{% for b in incidents %}x{% endfor %}{% endfor %}",
        "{% for a in incidents recursive %}x{% endfor %}",
        "{% set x = incident.title ~ incident.title %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{{ incident.title | replace('', 'xxxxxxxxxx') }}",
        "{{ incident.title | center(1000000000) }}",
        "{{ incidents | map(attribute='__class__') | list }}",
        "{{ incident | attr('__class__') }}",
        "{{ nothing }}",
        "{{ incident.nothing }}",
        "{{ incident.title",
        "{% endfor %}",
        pytest.param("{{ " + "(" * 5_000 + ")" * 5_000 + " }}", id="brackets"),
        pytest.param("{{ " + "not " * 3_000 + "1 }}", id="nots"),
    ],
)
def test_a_template_gets_nothing_but_what_it_is_given(template: str) -> None:
    began = time.monotonic()
    with pytest.raises(TemplateRefused):
        check(template)
    assert time.monotonic() - began < 5


def test_what_the_values_say_is_no_template() -> None:
    values = EXAMPLE | {"incident": EXAMPLE["incident"] | {"title": "{{ incident.cause }}{% if 1 %}"}}
    assert render("{{ incident.title }}", values) == "{{ incident.cause }}{% if 1 %}"


def test_what_becomes_too_long_is_not_made() -> None:
    values = EXAMPLE | {"incidents": [EXAMPLE["incident"]] * 5_000}
    with pytest.raises(TemplateRefused, match="more than"):
        render("{% for each in incidents %}{{ each.title }}" + "x" * 5_000 + "{% endfor %}", values)


def test_a_plain_template_works() -> None:
    made = check(
        '{"t": {{ incident.title | upper | tojson }}, "all": ['
        "{% for each in incidents %}{{ each.id | tojson }}{% endfor %}]"
        "{% if incident.resolved_at %}, 1{% endif %}}"
    )
    assert made.startswith('{"t": "PRODUCTION/NIGHTLY-BACKUP')
