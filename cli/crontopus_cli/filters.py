"""Options that several commands take together, written down once."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_type_hints

Command = Callable[..., None]


def filtered_by(kind: type[Any]) -> Callable[[Command], Command]:
    """Gives a command the fields of the dataclass `kind` as options. It gets them as one object, its first argument."""
    hints = get_type_hints(kind, include_extras=True)
    options = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=hint)
        for each, hint in ((each, hints[each.name]) for each in fields(kind))
    ]

    def decorate(function: Command) -> Command:
        _, *own = inspect.signature(function).parameters.values()

        @functools.wraps(function)
        def command(**given: object) -> None:
            chosen = kind(**{option.name: given.pop(option.name) for option in options})
            function(chosen, **given)

        own_by_name = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
        # typer reads the options off this
        command.__signature__ = inspect.Signature([*options, *own_by_name])  # type: ignore[attr-defined]
        return command

    return decorate
