"""A manifest in a request's body: JSON, or the YAML file itself."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request

from crontopus_api.kit.errors import CrontopusError, Invalid
from crontopus_api.manifests import MAX_BYTES

_YAML_TYPES = {"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"}


class TooLarge(CrontopusError):
    status, title, default_code = 413, "Too large", "too_large"


class UnsupportedMediaType(CrontopusError):
    status, title, default_code = 415, "Unsupported media type", "unsupported_media_type"


async def read_manifest(request: Request) -> bytes | Mapping[str, Any]:
    """The YAML file's bytes, or the JSON object. Raises TooLarge, UnsupportedMediaType or Invalid."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    data = await _read_bounded(request)
    if kind in _YAML_TYPES:
        return data
    if kind != "application/json":
        raise UnsupportedMediaType(
            f"{kind} is not read here.", hint="Send application/json or application/yaml."
        )
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The body is not JSON: {error}", code="invalid_json") from error
    if not isinstance(body, dict):
        raise Invalid("The body is not a JSON object.", code="invalid_json")
    return body


async def _read_bounded(request: Request) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BYTES:
            raise TooLarge(f"A manifest has at most {MAX_BYTES} bytes.")
    return bytes(data)
