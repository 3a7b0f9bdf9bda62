"""How routes get at what `main.py` composed: one instance per type, looked up by the type itself."""

from collections.abc import Callable
from typing import TypeVar

from fastapi import FastAPI
from starlette.requests import HTTPConnection

T = TypeVar("T")


def provide(app: FastAPI, *instances: object) -> None:
    """Make `instances` available to routes under their own types."""
    provided: dict[type, object] = getattr(app.state, "provided", {})
    provided |= {type(instance): instance for instance in instances}
    app.state.provided = provided


def provided(kind: type[T]) -> Callable[[HTTPConnection], T]:
    """A FastAPI dependency that yields the one instance of `kind`."""

    def get(connection: HTTPConnection) -> T:
        instance = connection.app.state.provided[kind]
        assert isinstance(instance, kind)
        return instance

    return get
