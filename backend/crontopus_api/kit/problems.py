"""Errors as `application/problem+json`, for every way a request can fail."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException

from crontopus_api.kit.errors import CrontopusError, Unavailable

log = structlog.get_logger()

_TITLES = {404: "Not found", 405: "Method not allowed", 413: "Too large", 415: "Unsupported media type"}
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}


def problem(
    status: int, title: str, detail: str, code: str, *, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    body |= {name: value for name, value in more.items() if value}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def from_error(error: CrontopusError) -> JSONResponse:
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        error.status,
        error.title,
        error.message,
        error.code,
        headers=headers,
        hint=error.hint,
        errors=error.errors,
    )


def _from_validation(error: RequestValidationError) -> JSONResponse:
    errors = [
        {
            "path": ".".join(str(part) for part in item["loc"][1:]) or None,
            "code": item["type"],
            "message": item["msg"],
        }
        for item in error.errors()
    ]
    where = errors[0]["path"] or "the request"
    return problem(422, "Invalid", f"{where}: {errors[0]['message']}", "invalid", errors=errors)


def _from_http(error: HTTPException) -> JSONResponse:
    status = error.status_code
    title = _TITLES.get(status, "Error")
    return problem(
        status, title, str(error.detail), _CODES.get(status, "error"), headers=dict(error.headers or {})
    )


def install(app: FastAPI) -> None:
    async def expected(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, CrontopusError)
        return from_error(error)

    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return _from_validation(error)

    async def http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return _from_http(error)

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", method=request.method, path=request.url.path, exc_info=error)
        return problem(
            500, "Internal error", "Something went wrong on our side. It has been logged.", "internal_error"
        )

    async def database_away(request: Request, error: Exception) -> JSONResponse:
        log.warning("database_away", method=request.method, path=request.url.path, error=str(error))
        return from_error(Unavailable("The database cannot be reached now.", retry_after_seconds=5))

    app.add_exception_handler(CrontopusError, expected)
    app.add_exception_handler(OperationalError, database_away)
    app.add_exception_handler(InterfaceError, database_away)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unexpected)
