"""What of an output is kept is said by the job, whichever door it came by."""

from dataclasses import replace

import pytest

from crontopus_api.checkins.records import Output
from crontopus_api.checkins.runs.keeping import kept
from crontopus_api.jobs.expectation import Expectation
from crontopus_api.manifests import parse_job

from ...platform import Person, Platform

MANIFEST = b"apiVersion: crontopus/v1\nkind: Job\nmetadata: {name: x}\nspec: {schedule: '@hourly'}\n"
PLAIN = Expectation.of(parse_job("default/x.yaml", MANIFEST))
SECRET = r"(?i)password=\S+"


def output(content: bytes, total: int | None = None) -> Output:
    return Output(content, total or len(content), total is not None)


def test_what_fits_is_kept_as_it_is() -> None:
    sent = output(b"42 rows\xff")
    assert kept(PLAIN, sent) is sent


def test_secrets_are_blotted_out() -> None:
    found = kept(replace(PLAIN, redact=(SECRET,)), output(b"PASSWORD=hunter2 ok"))
    assert found == Output(b"[redacted] ok", 19, False)


def test_a_secret_that_the_cut_would_halve_is_blotted_out_first() -> None:
    expected = replace(PLAIN, redact=(SECRET,), output_bytes=20)
    found = kept(expected, output(b"x" * 6 + b"password=" + b"s" * 40 + b"y" * 6))
    assert found is not None
    assert b"s" not in found.content.replace(b"bytes", b"")


@pytest.mark.parametrize(
    ("capture", "content"),
    [
        ("head", b"0123"),
        ("tail", b"6789"),
        ("headtail", b"01\n\xe2\x80\xa6 6 bytes left out \xe2\x80\xa6\n89"),
    ],
)
def test_the_end_that_is_wanted_is_kept(capture: str, content: bytes) -> None:
    expected = replace(PLAIN, capture=capture, output_bytes=4)  # type: ignore[arg-type]
    assert kept(expected, output(b"0123456789")) == Output(content, 10, True)


def test_nothing_is_kept_where_nothing_is_wanted() -> None:
    assert kept(replace(PLAIN, capture="none"), output(b"secret")) is None
    assert kept(replace(PLAIN, output_bytes=0), output(b"secret")) is None


def test_what_was_cut_before_stays_told() -> None:
    found = kept(replace(PLAIN, redact=(SECRET,)), output(b"password=x", total=5000))
    assert found == Output(b"[redacted]", 5000, True)


async def test_a_ping_is_redacted_before_it_is_stored(platform: Platform, ada: Person) -> None:
    job = await ada.put_job(output={"redact": [SECRET], "maxBytes": 64})
    for _ in range(2):  # looked up, then remembered
        await platform.ping(job["ping_url"], "login with password=hunter2\n")
    runs = (await ada.get("/runs"))["items"]
    for run in runs:
        answer = await ada.api.get(f"/api/v1/runs/{run['id']}/output")
        assert answer.text == "login with [redacted]\n"
    assert len(runs) == 2
