"""What the edge can answer to any request, in OpenAPI: no route has to say it."""

from typing import Any

from fastapi import FastAPI

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_EVERYWHERE = {
    "400": "The request is malformed: its address, its headers or its JSON.",
    "429": "Too many requests; Retry-After says when to come again.",
    "503": "Something Crontopus needs is away; Retry-After says when to come again.",
}
_WITH_BODY = {
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
}
_METHODS = ("get", "put", "post", "delete", "patch")


def declare(api: FastAPI) -> None:
    """Add these answers to every operation under /api/v1 that does not name them itself."""
    described = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            described()
            assert api.openapi_schema is not None
            _add(api.openapi_schema)
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _add(schema: dict[str, Any]) -> None:
    for path, item in schema["paths"].items():
        if not path.startswith("/api/v1/"):
            continue
        for method in _METHODS:
            operation = item.get(method)
            if operation is None:
                continue
            more = _EVERYWHERE | (_WITH_BODY if "requestBody" in operation else {})
            for status, description in more.items():
                operation["responses"].setdefault(status, {"description": description, "content": _PROBLEM})
