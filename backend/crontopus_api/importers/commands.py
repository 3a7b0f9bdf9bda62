"""A crontab's command line as a manifest's command: without a shell where that is the very same, else with one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

# A word no shell would change: nothing to expand, nothing to unescape.
_WORD = re.compile(r"""(?:[A-Za-z0-9_./:,@%+=-]|[^\x00-\x7f]|'[^'\n]*'|"[^"$`\\\n]*")+""")
_BLANK = re.compile(r"[ \t]*")
_QUOTED = re.compile(r"""'([^'\n]*)'|"([^"\n]*)\"""")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_CD = re.compile(r"cd[ \t]+")
_HARMLESS = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|[<>]&|&>|&&", re.DOTALL)
_WORDS_OF_THE_SHELL = """
    . : [ [[ { } ! alias bg break case cd command continue declare do done elif else esac eval exec exit export fg fi
    for function hash if jobs let local read readonly return select set shift source then time times trap type ulimit
    umask unalias unset until wait while
"""
_BUILTINS = frozenset(_WORDS_OF_THE_SHELL.split())
_POSIX_SHELLS = frozenset(("/bin/sh", "/usr/bin/sh", "/bin/dash", "/usr/bin/dash"))
_THROWN_AWAY = re.compile(r"&?>>?\s*/dev/null")


@dataclass(frozen=True, slots=True)
class Words:
    """A simple command: variables set for it alone, and its argument vector."""

    env: dict[str, str]
    argv: list[str]


def split_percent(text: str) -> tuple[str, str]:
    """The command and what cron writes to its standard input: the first bare `%` ends the command, the others are
    line breaks, and `\\%` is a percent sign."""
    pieces = re.split(r"(\\%|%)", text)
    parts = [""]
    for piece in pieces:
        if piece == "%":
            parts.append("")
        else:
            parts[-1] += "%" if piece == "\\%" else piece
    return parts[0], "\n".join(parts[1:])


def to_spec(text: str, shell: str) -> tuple[dict[str, Any], list[str]]:
    """The keys of `spec` that run a crontab's command as cron with that `SHELL` would, and remarks about it."""
    line, stdin = split_percent(text)
    line = line.strip(" \t") if not line.rstrip(" \t").endswith("\\") else line.lstrip(" \t")
    remarks = []
    if _THROWN_AWAY.search(line):
        remarks.append(
            "The command throws output away. Without `>/dev/null` Crontopus would keep it with each run."
        )
    if stdin:
        remarks.append("The text after `%` goes to the command's standard input, now as a here-document.")
        return _with_shell(_here_document(line, stdin), shell), remarks
    words = simple_command(line)
    if words is not None:
        return _without_shell(words), remarks
    folder, rest = _change_of_directory(line)
    if folder is None:
        return _with_shell(line, shell), remarks
    words = simple_command(rest)
    spec = _without_shell(words) if words is not None else _with_shell(rest, shell)
    return {**spec, "workingDir": folder}, remarks


def simple_command(line: str) -> Words | None:
    """The command's words if a shell would do nothing but start it; None when a shell is needed."""
    words: list[str] = []
    env: dict[str, str] = {}
    position = _skip(line, 0)
    while position < len(line):
        match = _WORD.match(line, position)
        if match is None:
            return None
        word = _QUOTED.sub(lambda quoted: quoted[1] if quoted[1] is not None else quoted[2], match[0])
        assignment = _ASSIGNMENT.match(match[0]) if not words else None
        if assignment:
            env[assignment[1]] = word[len(assignment[1]) + 1 :]
        else:
            words.append(word)
        after = _skip(line, match.end())
        if after == match.end() < len(line):
            return None  # a word that goes on with something a shell would look at
        position = after
    if not words or not words[0] or words[0] in _BUILTINS or not _settable(env):
        return None
    return Words(env, words)


def _settable(env: dict[str, str]) -> bool:
    """Whether `env` may hold these: PATH would also decide where the command is looked for."""
    return not any(key == "PATH" or key.startswith("CRONTOPUS_") for key in env)


def _skip(line: str, position: int) -> int:
    blank = _BLANK.match(line, position)
    return blank.end() if blank else position


def _change_of_directory(line: str) -> tuple[str | None, str]:
    """The folder of `cd FOLDER && rest` and the rest, if the rest runs only when the change succeeded."""
    match = _CD.match(line)
    before, _, rest = line[match.end() :].partition("&&") if match else ("", "", "")
    words = simple_command(before)
    rest = rest.strip(" \t")
    if not rest or words is None or words.env or len(words.argv) != 1:
        return None, line
    depends = not re.search(r"[;&\n]|\|\|", _HARMLESS.sub("", rest))
    path = words.argv[0]
    return (path, rest) if depends and path.startswith("/") and ".." not in path else (None, line)


def _without_shell(words: Words) -> dict[str, Any]:
    command, *args = words.argv
    spec: dict[str, Any] = {"command": command, "args": args}
    return {**spec, "env": words.env} if words.env else spec


def _with_shell(line: str, shell: str) -> dict[str, Any]:
    if shell in _POSIX_SHELLS:
        return {"command": line, "shell": True}
    return {"command": shell, "args": ["-c", line]}


def _here_document(line: str, stdin: str) -> str:
    lines = stdin.removesuffix("\n").split("\n")
    end = "STDIN"
    while end in lines:
        end += "_"
    # cron feeds the whole line, of which only the last command would read a here-document of its own.
    command = line if simple_command(line) is not None else f"{{\n{line}\n}}"
    return "\n".join([f"{command} <<'{end}'", *lines, end, ""])
