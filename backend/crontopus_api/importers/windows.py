"""A task's action and principal as a manifest says them."""

from __future__ import annotations

import re
from typing import Any

from crontopus_api.importers.naming import stem
from crontopus_api.importers.xmltree import Element
from crontopus_api.manifests.fields import USER_PATTERN
from crontopus_api.schedules.durations import clip

_VARIABLE = re.compile(r"%[^%\s]{1,128}%")
_USER = re.compile(USER_PATTERN.removesuffix("$") + r"\Z", re.ASCII)
_SYSTEM = frozenset(("s-1-5-18", "system", "nt authority\\system", "localsystem"))
_ARGUMENT_END = " \t\r\n"


def command_spec(command: str, arguments: str, folder: str) -> tuple[dict[str, Any], list[str]]:
    """The keys of `spec` that run the action, and remarks about it."""
    command, folder = command.strip('"'), folder.strip('"')
    if stem(command).lower() == "cmd" and (line := _line_of_cmd(arguments)) is not None:
        return {"command": line, "shell": True, **_working_dir(folder)}, []
    if not any(map(_VARIABLE.search, (command, arguments, folder))):
        return {"command": command, "args": split_arguments(arguments), **_working_dir(folder)}, []
    program = f'"{command}"' if re.search(r"[\s&()]", command) else command
    line = f"{program} {arguments}".strip()
    remark = "Windows filled in the %variables% in it; cmd.exe does so now."
    if _VARIABLE.search(folder):
        return {"command": f'cd /d "{folder}" && {line}', "shell": True}, [remark]
    return {"command": line, "shell": True, **_working_dir(folder)}, [remark]


def _working_dir(folder: str) -> dict[str, str]:
    return {"workingDir": folder} if folder else {}


def _line_of_cmd(arguments: str) -> str | None:
    """What follows `cmd /c`, less the quotes cmd.exe takes away; None when that is not what the arguments are."""
    match = re.match(r"\s*/c\s*(.*)\Z", arguments, re.IGNORECASE | re.DOTALL)
    if match is None or not match[1].strip():
        return None
    line = match[1].strip()
    if line.startswith('"') and line.endswith('"') and line.count('"') != 2:
        return line[1:-1]
    return line


def split_arguments(line: str) -> list[str]:
    """The arguments as CommandLineToArgvW splits them: backslashes count only before a quote."""
    found: list[str] = []
    position, size = 0, len(line)
    while True:
        while position < size and line[position] in _ARGUMENT_END:
            position += 1
        if position == size:
            return found
        argument, position = _argument(line, position)
        found.append(argument)


def _argument(line: str, position: int) -> tuple[str, int]:
    text: list[str] = []
    quoted = False
    while position < len(line) and (quoted or line[position] not in _ARGUMENT_END):
        after = _end_of_slashes(line, position)
        slashes = after - position
        if slashes and line[after : after + 1] == '"':
            text.append("\\" * (slashes // 2) + '"' * (slashes % 2))
            position = after + slashes % 2
        elif slashes:
            text.append("\\" * slashes)
            position = after
        elif line[position] == '"':
            twice = quoted and line[position + 1 : position + 2] == '"'  # `""` within quotes is one of them
            text.append('"' if twice else "")
            quoted = quoted if twice else not quoted
            position += 2 if twice else 1
        else:
            text.append(line[position])
            position += 1
    return "".join(text), position


def _end_of_slashes(line: str, position: int) -> int:
    while line[position : position + 1] == "\\":
        position += 1
    return position


def user_of(principal: Element | None) -> tuple[str | None, str | None]:
    """Whom the task runs as, if a manifest can say so, and a remark."""
    if principal is None:
        return None, None
    elevated = principal.value("RunLevel") == "HighestAvailable"
    remark = (
        "It ran with the highest privileges; give the endpoint's agent what it needs." if elevated else None
    )
    if principal.find("GroupId") is not None:
        return (
            None,
            f"It ran for the group {clip(principal.value('GroupId'))}; say which `user` it should run as.",
        )
    user = principal.value("UserId")
    if user.lower() in _SYSTEM:
        return "SYSTEM", remark
    if user and not user.upper().startswith("S-1-") and len(user) <= 64 and _USER.match(user):
        return user, remark
    return None, f"It ran as {clip(user)}; say which `user` that is." if user else remark
