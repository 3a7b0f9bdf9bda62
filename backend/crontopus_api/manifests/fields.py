"""The kinds of value a manifest is made of. v1.schema.json has the same patterns; a test compares them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from crontopus_api.manifests.regexes import check_pattern
from crontopus_api.schedules import ScheduleInvalid, format_duration, parse_duration
from crontopus_api.schedules.durations import clip
from crontopus_api.schedules.zones import load_zone

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
NAME_LENGTH = 63
LABEL_KEY_PATTERN = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
LABEL_VALUE_PATTERN = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
ENV_KEY_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
USER_PATTERN = r"^[A-Za-z_][-A-Za-z0-9_.@\\]*\$?$"
HOSTNAME_PATTERN = r"^[A-Za-z0-9*]([-A-Za-z0-9_.*]*[A-Za-z0-9*])?$"
UUID_PATTERN = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
SIZE_PATTERN = r"^[0-9]{1,9}(Ki|Mi|K|M|k)?$"
WORKING_DIR_PATTERN = r"^(/|[A-Za-z]:[\\/]|\\\\)[^\n]*$"

# `fail`, `log`, `start` and exit codes follow a ping key in a URL, so no job may be called that.
RESERVED_NAMES = frozenset({"start", "fail", "log", *(str(code) for code in range(256))})

_UNITS = {"": 1, "K": 1000, "k": 1000, "M": 1_000_000, "Ki": 1024, "Mi": 1024 * 1024}


def fail(code: str, message: str, hint: str | None = None) -> PydanticCustomError:
    """An error with our own code; translate.py carries it over unchanged."""
    # Braces are placeholders in pydantic's templates; user text may contain them.
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


def _matching(pattern: str, code: str, what: str, hint: str) -> Callable[[str], str]:
    # `$` would also allow a trailing newline in Python, and only in Python.
    compiled = re.compile(pattern.removesuffix("$") + r"\Z", re.ASCII)

    def check(text: str) -> str:
        if not compiled.match(text):
            raise fail(code, f"{clip(text)} is not {what}", hint)
        return text

    return check


def _duration(shortest: timedelta, longest: timedelta) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if isinstance(value, timedelta):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise fail("wrong_type", f"must be a duration, not the number {value}", f"write `{value}s`")
        if not isinstance(value, str):
            raise fail("wrong_type", "must be a duration such as `10m`")
        try:
            duration = parse_duration(value)
        except ScheduleInvalid as error:
            raise fail(error.code, error.message, error.hint) from None
        if not shortest <= duration <= longest:
            limits = f"between {format_duration(shortest)} and {format_duration(longest)}"
            raise fail("out_of_range", f"{clip(value)} is not {limits}")
        return duration

    return check


def duration_field(shortest: str, longest: str) -> Any:
    """The annotation of a duration within bounds."""
    check = _duration(parse_duration(shortest), parse_duration(longest))
    return Annotated[timedelta, BeforeValidator(check), PlainSerializer(format_duration, when_used="json")]


def parse_size(text: str) -> int:
    """Bytes in `65536`, `64Ki`, `1Mi`, `64k`. Raises ValueError."""
    if not re.match(SIZE_PATTERN.removesuffix("$") + r"\Z", text, re.ASCII):
        raise ValueError(text)
    digits = text.rstrip("KMik")
    return int(digits) * _UNITS[text[len(digits) :]]


def format_size(size: int) -> str:
    """`64Ki` where that is exact, else the plain number of bytes."""
    for unit in ("Mi", "Ki"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


def size_field(smallest: int, largest: int) -> Any:
    """The annotation of a number of bytes within bounds."""

    def check(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise fail("wrong_type", "must be a size such as `64Ki`")
        try:
            size = parse_size(str(value))
        except ValueError:
            raise fail("bad_size", f"{clip(str(value))} is not a size", "bytes, `64Ki` or `1Mi`") from None
        if not smallest <= size <= largest:
            limits = f"between {format_size(smallest)} and {format_size(largest)}"
            raise fail("out_of_range", f"{clip(str(value))} is not {limits}")
        return size

    return Annotated[int, BeforeValidator(check), PlainSerializer(format_size, when_used="json")]


def _check_uuid(value: Any) -> Any:
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str) or not re.match(UUID_PATTERN.removesuffix("$") + r"\Z", value, re.ASCII):
        hint = "five groups of hexadecimal digits: 8-4-4-4-12; or leave it out"
        raise fail("bad_id", f"{clip(str(value))} is not a UUID", hint)
    return UUID(value)


def _check_zone(name: str) -> str:
    try:
        load_zone(name)
    except ScheduleInvalid as error:
        raise fail(error.code, error.message, error.hint) from None
    return name


def _check_reserved(name: str) -> str:
    if name in RESERVED_NAMES:
        reason = "it would be mistaken for a part of a ping URL"
        raise fail("reserved_name", f"the name {clip(name)} is reserved: {reason}", "choose another name")
    return name


def _check_env_key(key: str) -> str:
    if key.startswith("CRONTOPUS_"):
        raise fail("reserved_name", f"{clip(key)}: names beginning with CRONTOPUS_ are set by Crontopus")
    return key


def _check_regex(pattern: str) -> str:
    problem = check_pattern(pattern)
    if problem is not None:
        raise fail("bad_regex", f"{clip(pattern)} cannot be used: {problem}", "RE2 syntax; see docs")
    return pattern


_NAME_HINT = "lower-case letters, digits and `-`, starting and ending with a letter or digit"
Name = Annotated[
    str,
    Field(min_length=1, max_length=NAME_LENGTH),
    AfterValidator(_matching(NAME_PATTERN, "bad_name", "a valid name", _NAME_HINT)),
]
JobName = Annotated[Name, AfterValidator(_check_reserved)]
LabelKey = Annotated[
    str,
    Field(min_length=1, max_length=128),
    AfterValidator(
        _matching(
            LABEL_KEY_PATTERN,
            "bad_label",
            "a label key",
            "letters, digits, `-`, `_`, `.`, optionally `prefix/`",
        )
    ),
]
LabelValue = Annotated[
    str,
    Field(max_length=63),
    AfterValidator(
        _matching(
            LABEL_VALUE_PATTERN,
            "bad_label",
            "a label value",
            "letters, digits, `-`, `_` and `.`; use annotations for free text",
        )
    ),
]
EnvKey = Annotated[
    str,
    Field(min_length=1, max_length=128),
    AfterValidator(
        _matching(
            ENV_KEY_PATTERN,
            "bad_env_key",
            "a variable name",
            "letters, digits and `_`, not starting with a digit",
        )
    ),
    AfterValidator(_check_env_key),
]
User = Annotated[
    str,
    Field(min_length=1, max_length=64),
    AfterValidator(_matching(USER_PATTERN, "bad_user", "a user name", "the log-in name on the endpoint")),
]
Hostname = Annotated[
    str,
    Field(min_length=1, max_length=253),
    AfterValidator(
        _matching(
            HOSTNAME_PATTERN, "bad_selector", "a host name", "a host name, in which `*` stands for anything"
        )
    ),
]
WorkingDir = Annotated[
    str,
    Field(min_length=1, max_length=4096),
    AfterValidator(
        _matching(
            WORKING_DIR_PATTERN,
            "bad_path",
            "an absolute path",
            "start with `/`, or with a drive such as `C:\\`",
        )
    ),
]
Id = Annotated[UUID, BeforeValidator(_check_uuid), PlainSerializer(str, when_used="json")]
Timezone = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_check_zone)]
RedactPattern = Annotated[str, AfterValidator(_check_regex)]
