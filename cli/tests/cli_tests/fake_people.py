"""More routes of the fake server: registration that waits for a proven address, and an export that is not whole."""

from cli_tests.fake_server import Answer, FakeServer, Json, Problem, Query, route


@route("POST", "/auth/register")
def _register(_server: FakeServer, body: Json, _query: Query) -> Answer:
    if body["username"] == "closed":
        raise Problem(403, "registration_closed", "Nobody can register here.")
    return 202, {"status": "verification_sent"}


@route("GET", "/tenants/current/export")
def _export(_server: FakeServer, _body: Json, _query: Query) -> Answer:
    return 200, "PK\x03\x04 and then the power went"
