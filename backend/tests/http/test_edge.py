"""Who calls, what may come in, and which headers go out."""

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from crontopus_api.front import edge as edge_of
from crontopus_api.kit.caller import Caller, current_caller, network_of
from crontopus_api.kit.errors import CrontopusError
from crontopus_api.kit.http.bodies import MOST_JSON_VALUES, Bodies, check_json, limit_for
from crontopus_api.kit.http.edge import Edge
from crontopus_api.kit.http.proxies import Proxies
from crontopus_api.settings import Settings

from ..platform import Person, Platform, running_platform

TRUSTED = tuple(ip_network(each) for each in ("10.0.0.0/8", "fd00::/8"))


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([], "10.0.0.1"),
        (["203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 10.1.1.1"], "203.0.113.9"),
        # Written by the client itself: only the last hop before a trusted one counts.
        (["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        (["1.1.1.1", "203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        (["10.2.2.2, 10.1.1.1"], "10.2.2.2"),
        (["203.0.113.9:4711"], "203.0.113.9"),
        (["[2001:db8::7]:443, fd00::1"], "2001:db8::7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["203.0.113.9, nonsense, 10.1.1.1"], "10.1.1.1"),
        (["; DROP TABLE"], "10.0.0.1"),
        (["1.1.1.1, " * 5000 + "203.0.113.9"], "203.0.113.9"),
    ],
)
def test_the_client_is_the_last_hop_that_is_not_ours(forwarded: list[str], client: str) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    assert Proxies(TRUSTED).client("10.0.0.1", headers) == client


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ({"do-connecting-ip": "203.0.113.9", "x-forwarded-for": "198.51.100.1"}, "203.0.113.9"),
        ({"do-connecting-ip": "2001:db8::7"}, "2001:db8::7"),
        # Said twice, or nonsense: not by the proxy alone.
        ({"do-connecting-ip": "1.1.1.1, 203.0.113.9", "x-forwarded-for": "198.51.100.1"}, "198.51.100.1"),
        ({"do-connecting-ip": "nonsense", "x-forwarded-for": "198.51.100.1"}, "198.51.100.1"),
        ({"x-forwarded-for": "198.51.100.1"}, "198.51.100.1"),
        ({}, "10.0.0.1"),
    ],
)
def test_a_platform_may_name_the_client_in_a_header_of_its_own(said: dict[str, str], client: str) -> None:
    headers = [(name.encode(), value.encode()) for name, value in said.items()]
    assert Proxies(TRUSTED, "DO-Connecting-IP").client("10.0.0.1", headers) == client


def test_the_platforms_header_said_twice_is_not_believed() -> None:
    headers = [(b"do-connecting-ip", b"1.1.1.1"), (b"do-connecting-ip", b"203.0.113.9")]
    assert Proxies(TRUSTED, "do-connecting-ip").client("10.0.0.1", headers) == "10.0.0.1"


def _arrive(edge: Edge, peer: str, **headers: str) -> tuple[Caller, dict[str, Any]]:
    scope: dict[str, Any] = {
        "client": (peer, 1),
        "scheme": "http",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    edge.arrive(scope)
    return current_caller(), scope


def test_only_a_trusted_proxy_is_believed() -> None:
    said = {
        "x_forwarded_for": "203.0.113.9",
        "x_forwarded_proto": "https",
        "x_request_id": "abc-1",
        "user_agent": "curl" * 100,
    }
    for edge, peer in ((Edge(), "10.0.0.1"), (Edge(trusted_proxies=TRUSTED), "192.0.2.1")):
        caller, scope = _arrive(edge, peer, **said)
        assert (caller.address, scope["scheme"], scope["client"]) == (peer, "http", (peer, 1))
        assert caller.request_id != "abc-1"
    caller, scope = _arrive(Edge(trusted_proxies=TRUSTED), "10.0.0.1", **said)
    assert (caller.address, scope["scheme"], scope["client"]) == ("203.0.113.9", "https", ("203.0.113.9", 0))
    assert caller.request_id == "abc-1"
    assert caller.agent == ("curl" * 100)[:200]
    for peer, client in (("10.0.0.1", "203.0.113.7"), ("192.0.2.1", "192.0.2.1")):
        named = Edge(trusted_proxies=TRUSTED, client_header="do-connecting-ip")
        caller, _ = _arrive(named, peer, do_connecting_ip="203.0.113.7")
        assert caller.address == client
    caller, _ = _arrive(Edge(trusted_proxies=TRUSTED), "10.0.0.1", x_request_id='a" injected="')
    assert caller.request_id is not None
    assert "injected" not in caller.request_id


def test_the_settings_say_who_names_the_client() -> None:
    settings = Settings.model_validate({"trusted_proxies": "10.0.0.0/8", "client_header": "DO-Connecting-IP"})
    caller, _ = _arrive(
        edge_of(settings), "10.0.0.1", do_connecting_ip="203.0.113.7", x_forwarded_for="198.51.100.1"
    )
    assert caller.address == "203.0.113.7"


def test_an_ipv6_customer_is_counted_as_one() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"


async def test_every_answer_carries_an_id_and_security_headers(platform: Platform, ada: Person) -> None:
    seen = set()
    for path in (
        "/api/v1/jobs",
        "/api/v1/nothing",
        "/healthz",
        "/ping/nothing",
        "/git/x",
        "/badge/x.svg",
        "/",
    ):
        answer = await ada.api.get(path)
        seen.add(answer.headers["x-request-id"])
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert "strict-transport-security" not in answer.headers
        if path != "/ping/nothing":
            policy = answer.headers["content-security-policy"]
            assert "unsafe" not in policy
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["referrer-policy"] == "same-origin"
    assert len(seen) == 7
    assert (await ada.api.get("/api/v1/jobs")).headers["cache-control"] == "no-store"


async def test_https_installations_say_so(database_url: str, tmp_path: Path) -> None:
    async with running_platform(database_url, tmp_path, public_url="https://crontopus.test") as platform:
        for path in ("/api/v1/jobs", "/", "/ping/nothing"):
            answer = await platform.client().get(path)
            assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_other_sites_are_let_in_only_by_setting(
    database_url: str, tmp_path: Path, platform: Platform
) -> None:
    asking = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    refused = await platform.client().options("/api/v1/jobs", headers=asking)
    assert "access-control-allow-origin" not in refused.headers
    async with running_platform(database_url, tmp_path, cors_origins="https://app.example") as open_one:
        allowed = await open_one.client().options("/api/v1/jobs", headers=asking)
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        assert "access-control-allow-credentials" not in allowed.headers
        other = await open_one.client().options(
            "/api/v1/jobs", headers=asking | {"Origin": "https://evil.example"}
        )
        assert "access-control-allow-origin" not in other.headers


HOSTILE = {
    "not JSON": (b"{", 400),
    "bad UTF-8": (b'{"login": "\xff\xfe"}', 400),
    "lone surrogate": (b'{"login": "\\ud800"}', 400),
    "NUL": (b'{"login": "a\\u0000b", "password": "x"}', 422),
    "raw NUL": (b'{"login": "a\x00b"}', 400),
    "deep": (b"[" * 7_000, 400),
    "deep and whole": (b"[" * 7_000 + b"]" * 7_000, 400),
    "deep objects": (b'{"a":' * 2_500 + b"1" + b"}" * 2_500, 400),
    "just not too deep": (b'{"a":' * 900 + b"1" + b"}" * 900, 422),
    "endless number": (b'{"login": ' + b"1" * 10_000 + b"}", 400),
    "infinite": (b'{"login": 1e999}', 400),
    "NaN": (b'{"login": NaN}', 400),
    "too large": (b'{"login": "' + b"a" * 20_000 + b'"}', 413),
    "not an object": (b"[]", 422),
    "empty": (b"", 422),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_json_is_the_senders_fault(platform: Platform, name: str) -> None:
    body, status = HOSTILE[name]
    answer = await platform.client().post(
        "/api/v1/auth/login", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status


async def test_what_may_be_said_is_still_said(platform: Platform) -> None:
    check_json(json.dumps({"text": "\\u0000 is how NUL is written, \\\\u0000 too", "face": "😀"}).encode())
    with pytest.raises(CrontopusError, match="NUL"):
        check_json(b'{"a": "\\\\\\u0000"}')


async def test_an_address_with_nul_is_refused(platform: Platform, ada: Person) -> None:
    for path in ("/api/v1/jobs?q=%00", "/api/v1/jobs/default/a%00b", "/badge/a%00.svg", "/a%00b"):
        answer = await ada.api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (400, "nul_character")


def test_a_million_values_are_too_many() -> None:
    for body in (
        json.dumps({f"k{n}": n for n in range(1_000_000)}).encode(),
        b"[" + b"[]," * MOST_JSON_VALUES + b"[]]",
    ):
        with pytest.raises(CrontopusError, match="more than 500000 values"):
            check_json(body)


async def test_room_for_bodies_is_given_back(platform: Platform, ada: Person) -> None:
    """Whatever becomes of the request."""
    bodies = Bodies(most_at_once=3 << 20)
    platform.app.edge._bodies = bodies
    for path, body in (
        ("/api/v1/jobs:apply", b"{" + b" " * 1_000_000),
        ("/api/v1/jobs:apply", b"{}" + b" " * 1_000_000),
        ("/api/v1/nothing", b'"' + b"a" * 1_000_000 + b'"'),
        ("/api/v1/tokens", b'"' + b"a" * 1_100_000 + b'"'),
    ):
        assert (await ada.api.post(path, content=body)).status_code < 500
        assert bodies._room == 3 << 20
    large = b'"' + b"a" * (4 << 20) + b'"'
    refused = await ada.api.post("/api/v1/jobs:apply", content=large)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert bodies._room == 3 << 20


def test_each_route_has_room_for_what_its_schema_takes() -> None:
    assert limit_for("/api/v1/auth/login") < limit_for("/api/v1/jobs/a/b") < limit_for("/api/v1/jobs:apply")
    assert limit_for("/api/v1/check-ins") < limit_for("/api/v1/check-ins/batch")
