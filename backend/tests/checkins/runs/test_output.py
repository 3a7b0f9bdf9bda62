"""What is kept of an output, what is blotted out of it, and how it is followed while it grows."""

import asyncio
import base64
import json
import os
import random
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from crontopus_api.checkins.records import Output
from crontopus_api.checkins.runs.head_tail import Capture, HeadTail
from crontopus_api.checkins.runs.keeping import joined
from crontopus_api.checkins.runs.redaction import WITHHELD, redact
from crontopus_api.checkins.runs.tail import follow
from crontopus_api.jobs.expectation import Expectation

from ...platform import Person, Platform


@pytest.mark.parametrize(
    ("pattern", "content", "kept"),
    [
        (r"(?i)password=\S+", b"a PASSWORD=x1\\1 b", b"a [redacted] b"),
        (r"key: .+", "key: schl\u00fcssel\nnext".encode(), b"[redacted]\nnext"),
        (r"key: .+", b"key: schl\xfcssel\nnext", b"[redacted]\nnext"),
        (r"pw=\S+", b"pw=\xff\xfe\xc3\xa9x y", b"[redacted] y"),
        ("gehe\u00edm", "so gehe\u00edm \u00fc".encode(), "so [redacted] \u00fc".encode()),
        (r"pin \S{4}", "pin \u00e9\u00e9\u00e9\u00e9!".encode(), b"[redacted]!"),
        (r"(?m)^x$", b"x\ny\nx", b"[redacted]\ny\n[redacted]"),
        (r"none", bytes(range(256)), bytes(range(256))),
        (r"(", b"secret", WITHHELD),
    ],
)
def test_what_matches_is_blotted_out_whatever_the_encoding(pattern: str, content: bytes, kept: bytes) -> None:
    assert redact([pattern], content) == kept


def test_patterns_follow_each_other_and_take_linear_time() -> None:
    assert redact(["a+", "b"], b"aaabc") == b"[redacted][redacted]c"
    began = time.perf_counter()
    redact([r"(a|aa)+$", r"(x+x+)+y"], b"a" * 30_000 + b"!" + b"x" * 30_000)
    assert time.perf_counter() - began < 5  # a backtracking engine takes years


def _by_hand(content: bytes, limit: int, capture: Capture) -> bytes:
    if len(content) <= limit:
        return content
    if capture == "head":
        return content[:limit]
    if capture == "tail":
        return content[-limit:]
    head, tail = content[: limit // 2], content[-(limit - limit // 2) :]
    gap = f"\n… {len(content) - limit} bytes left out …\n" if head else ""
    return head + gap.encode() + tail


def test_head_and_tail_are_kept_however_the_pieces_come() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        content = rng.randbytes(rng.randrange(1, 400))
        limit = rng.choice((1, 2, 7, 64, 100))
        capture: Capture = rng.choice(("headtail", "head", "tail"))
        kept, at = HeadTail(limit, capture), 0
        while at < len(content):
            size = rng.randrange(1, 60)
            kept.add(content[at : at + size])
            at += size
        output = kept.output()
        assert output is not None
        assert output.content == _by_hand(content, limit, capture)
        assert (output.total_bytes, output.truncated) == (len(content), len(content) > limit)


def test_a_long_output_needs_little_memory_and_nothing_may_be_kept() -> None:
    kept = HeadTail(1000)
    for _ in range(10_000):
        kept.add(b"x" * 10)
    assert len(kept._tail) <= 51 + 1
    nothing = HeadTail(1000, "none")
    nothing.add(b"x")
    assert nothing.output() is None
    assert HeadTail(1000).output() is None


async def test_all_bytes_come_back_as_they_were_sent(platform: Platform, ada: Person) -> None:
    job = await ada.put_job()
    content = os.urandom(60_000)
    path = job["ping_url"].removeprefix("http://crontopus.test")
    await platform.client().post(path, content=content)
    [run] = (await ada.get("/runs"))["items"]
    answer = await ada.api.get(f"/api/v1/runs/{run['id']}/output")
    assert answer.content == content
    assert answer.headers["x-content-type-options"] == "nosniff"


async def _words(person: Person) -> tuple[dict[str, Any], str]:
    """The only run, and what is kept of its output."""
    [run] = (await person.get("/runs"))["items"]
    return run, (await person.api.get(f"/api/v1/runs/{run['id']}/output")).text


async def test_words_of_one_run_are_kept_one_below_the_other(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    for call, words in (("/start", "begun"), ("/log", "half way\n"), ("/log", ""), ("/1", "no space left")):
        assert (await platform.ping(url + call, words)).status_code == 200
    run, words = await _words(ada)
    assert words == "begun\nhalf way\nno space left"
    assert run["output"] == {"bytes": len(words), "total_bytes": len(words), "truncated": False}


async def test_words_that_come_after_the_end_go_below_its_own(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    rid = uuid4()
    for call, words in (("/log", "early"), ("", "done"), ("/log", "late"), ("/start", "began")):
        await platform.ping(f"{url}{call}?rid={rid}", words)
    runs = (await ada.get("/runs"))["items"]
    assert len(runs) == 1
    assert (await _words(ada))[1] == "early\ndone\nlate\nbegan"


async def test_a_batch_of_words_is_kept_in_order_and_once(ada: Person) -> None:
    await ada.put_job()
    run_id = str(uuid4())
    items = [
        {
            "event_id": str(uuid4()),
            "job": "default/hello",
            "run_id": run_id,
            "kind": kind,
            "output": {"data": base64.b64encode(words).decode(), "total_bytes": len(words)},
        }
        for kind, words in (("start", b"one"), ("log", b"two"), ("log", b"three"), ("finish", b"four"))
    ]
    for sent in (items[:2], items, items[1:3]):
        answer = await ada.api.post("/api/v1/check-ins/batch", json={"items": sent})
        assert answer.status_code == 200, answer.text
    assert (await _words(ada))[1] == "one\ntwo\nthree\nfour"


async def test_each_of_two_open_runs_keeps_its_own_words(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    for call, words in (("/start", "A"), ("/start", "B"), ("", "b"), ("", "a")):
        await platform.ping(url + call, words)
    runs = (await ada.get("/runs"))["items"]
    outputs = {(await ada.api.get(f"/api/v1/runs/{run['id']}/output")).text for run in runs}
    assert outputs == {"A\na", "B\nb"}


async def test_what_is_too_large_to_be_held_for_many_is_replaced(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job(output={"maxBytes": "1Mi"}))["ping_url"]
    item = {"event_id": str(uuid4()), "job": "default/hello", "kind": "start"}
    item |= {"output": {"data": base64.b64encode(b"0" * 100_000).decode(), "total_bytes": 100_000}}
    assert (await ada.api.post("/api/v1/check-ins", json=item)).status_code == 200
    await platform.ping(url, "the end")
    assert (await _words(ada))[1] == "the end"


def test_nothing_is_put_between_words_and_no_words() -> None:
    said, nothing = Output(b"words", 5, False), Output(b"", 0, False)
    expected = Expectation("ping", ("0 2 * * *",), "UTC", 600, None, 1, 1, "error", paused=False)
    assert joined(expected, nothing, said) == joined(expected, said, nothing) == said
    assert joined(expected, nothing, nothing) == nothing
    assert joined(expected, said, said) == Output(b"words\nwords", 11, False)


async def test_more_bytes_than_anything_prints_are_refused(ada: Person) -> None:
    await ada.put_job()
    for most, status in ((2**53 - 1, 200), (2**53, 422)):
        output = {"data": "", "total_bytes": most}
        item = {"event_id": str(uuid4()), "job": "default/hello", "kind": "finish", "output": output}
        answer = await ada.api.post("/api/v1/check-ins", json=item)
        assert answer.status_code == status, answer.text


async def test_of_many_words_the_first_and_the_last_are_kept(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job(output={"maxBytes": 1000}))["ping_url"]
    await platform.ping(url + "/start")
    for number in range(10):
        await platform.ping(url + "/log", f"{number}" * 300 + "\n")
    run, words = await _words(ada)
    head, _, tail = words.partition("\n… 2010 bytes left out …\n")
    assert head == "0" * 300 + "\n" + "1" * 199
    assert tail == "8" * 198 + "\n" + "9" * 300 + "\n"
    assert (run["output"]["total_bytes"], run["output"]["truncated"]) == (3010, True)


async def _next(events: AsyncIterator[str]) -> tuple[str, dict[str, Any]]:
    """The next event that is not a keep-alive."""
    async with asyncio.timeout(10):
        while (text := await anext(events)).startswith(":"):
            pass
    name, data = text.strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def test_a_running_run_is_followed_to_its_end(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    await platform.ping(url + "/start")
    [run] = (await ada.get("/runs"))["items"]
    services = platform.services
    events = follow(services.runs, services.hub, ada.tenant_id, UUID(run["id"]))
    assert (await anext(events)).startswith(":")
    waiting = asyncio.create_task(_next(events))
    shown = b""
    for words in ("one", "one two", "three"):
        await platform.ping(url + "/log", words)
        name, data = await waiting
        assert name == "output"
        shown = shown[: data["offset"]] + base64.b64decode(data["data"])
        stored = await ada.api.get(f"/api/v1/runs/{run['id']}/output")
        assert shown == stored.content
        waiting = asyncio.create_task(_next(events))
    await platform.ping(url + "/1")
    assert await waiting == ("end", {"state": "failure"})
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_a_run_that_has_ended_is_told_at_once(platform: Platform, ada: Person) -> None:
    await platform.ping((await ada.put_job())["ping_url"], "words")
    [run] = (await ada.get("/runs"))["items"]
    answer = await ada.api.get(f"/api/v1/runs/{run['id']}/output/tail")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = [line for line in answer.text.splitlines() if line.startswith(("event", "data"))]
    assert told == [
        "event: output",
        f'data: {{"offset": 0, "data": "{base64.b64encode(b"words").decode()}"}}',
        "event: end",
        'data: {"state": "success"}',
    ]
    grace = await platform.register("grace")
    for person, missing in ((grace, run["id"]), (ada, uuid4())):
        assert (await person.api.get(f"/api/v1/runs/{missing}/output/tail")).status_code == 404
