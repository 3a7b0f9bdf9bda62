"""What the edge can answer to any request, in OpenAPI: no route has to say it.

A problem is described once per status and referred to, else a third of the document would be the same lines.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_EVERYWHERE = {
    "400": "The request is malformed: its address, its headers or its JSON.",
    "414": "The address is too long.",
    "429": "Too many requests; Retry-After says when to come again.",
    "431": "The headers are too large or too many.",
    "503": "Something Crontopus needs is away; Retry-After says when to come again.",
}
_WITH_BODY = {
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
}
# A value with a slash in it makes another address of it.
_WITH_PARAMETER = {
    "404": "There is nothing at this address.",
    "405": "Not with this method.",
}
_WORDS = _EVERYWHERE | _WITH_BODY | _WITH_PARAMETER | {"422": "The payload is wrong."}
_MODEL = {"schema": {"$ref": "#/components/schemas/Problem"}}
_METHODS = ("get", "put", "post", "delete", "patch")


def declare(api: FastAPI) -> None:
    """Add these answers to every operation that does not name them itself."""
    described = api.openapi

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            described()
            assert api.openapi_schema is not None
            _add(api.openapi_schema)
            _share(api.openapi_schema)
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, item[method]


def _add(schema: dict[str, Any]) -> None:
    for path, operation in _operations(schema):
        more = _EVERYWHERE | (_WITH_BODY if "requestBody" in operation else {})
        if "application/json" in operation["responses"].get("422", {}).get("content", {}):
            # FastAPI's own description of a 422, which `kit.problems` answers in another form.
            operation["responses"]["422"] = {"description": "The payload is wrong.", "content": _PROBLEM}
        if "{" in path:
            more |= _WITH_PARAMETER
        for status, description in more.items():
            answer = operation["responses"].setdefault(status, {"description": description})
            # A route may say it in its own way (a badge's 404 is a picture); the edge never does.
            answer["content"] = _PROBLEM | answer.get("content", {})


def _share(schema: dict[str, Any]) -> None:
    shared = schema["components"].setdefault("responses", {})
    for _, operation in _operations(schema):
        for status, answer in operation["responses"].items():
            content = answer.get("content", {})
            if "application/problem+json" in content and content.get("application/json", _MODEL) == _MODEL:
                # `model=` makes FastAPI promise plain JSON as well, which a problem never is.
                content.pop("application/json", None)
            if content != _PROBLEM or "headers" in answer:
                continue
            name = HTTPStatus(int(status)).phrase.title().replace(" ", "")
            shared.setdefault(
                name, {"description": _WORDS.get(status, answer["description"]), "content": _PROBLEM}
            )
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
