"""What a command line is about, in a word or two: `nice /opt/backup.sh --fast` is `backup`."""

from __future__ import annotations

import re

_SEGMENT = re.compile(r"&&|\|\||[;|&\n]")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_EXTENSION = re.compile(r"\.(?:sh|bash|py|pl|php|rb|js|jar|exe|bat|cmd|ps1|vbs|com)$", re.IGNORECASE)
_PREPARATIONS = frozenset(
    re.findall(r"\S+", "cd test [ [[ if set export . source sleep umask ulimit { ( true")
)
# Programs that run another one: how many words of their own they take before it, and which options take a word.
_WRAPPERS: dict[str, tuple[int, str]] = {
    **dict.fromkeys(("nohup", "chronic", "cronic", "setsid", "time", "exec", "command", "unbuffer"), (0, "")),
    **dict.fromkeys(("sudo", "doas", "env"), (0, "-u -g")),
    **dict.fromkeys(("nice", "ionice"), (0, "-n -c")),
    **dict.fromkeys(("stdbuf", "systemd-cat", "run-one"), (0, "-i -o -e -t -p")),
    "flock": (1, "-w -E"),
    "timeout": (1, "-k -s"),
}
_INTERPRETERS = re.compile(
    r"(?:ba|da|z|k)?sh|python[0-9.]*|perl|ruby|php[0-9.]*|node|java|pwsh|powershell|cmd|wscript|cscript",
    re.IGNORECASE,
)
# Programs that say little about a job without what they work on.
_GENERIC = frozenset(
    re.findall(
        r"\S+",
        "run-parts curl wget rsync docker podman make npm kubectl mysql psql find artisan manage rake bundle systemctl"
        " service tar cp mv rm echo logger tee",
    )
)
_MOST = 4_096  # characters that are looked at


def subject(line: str) -> str:
    """What the command line is about; empty when it does not show."""
    text = _QUOTED.sub(lambda quoted: re.sub(r"[\s;|&]", "_", quoted[0]), line[:_MOST])
    for segment in _SEGMENT.split(text):
        words = [word.strip("'\"(){}`$") for word in segment.split()]
        found = _of_words([word for word in words if word])
        if found:
            return found
    return ""


def stem(path: str) -> str:
    """`backup` of `/opt/backup.sh`, or of `C:\\Jobs\\backup.exe`."""
    return _EXTENSION.sub("", re.split(r"[\\/]", path.rstrip("\\/"))[-1])


def _of_words(words: list[str]) -> str:
    words = _unwrapped(words)
    if not words or words[0] in _PREPARATIONS:
        return ""
    program, rest = stem(words[0]), words[1:]
    if _INTERPRETERS.fullmatch(program):
        return _script(rest) or program
    return _with_object(program, rest)


def _unwrapped(words: list[str]) -> list[str]:
    """The words from the program that matters on."""
    while words:
        wrapper = _WRAPPERS.get(stem(words[0]))
        if wrapper is None and not _ASSIGNMENT.match(words[0]):
            return words
        words = words[1:] if wrapper is None else _after_options(words[1:], *wrapper)
    return words


def _after_options(words: list[str], own: int, with_value: str) -> list[str]:
    while words and (words[0].startswith("-") or _ASSIGNMENT.match(words[0])):
        words = words[2 if words[0] in with_value.split() else 1 :]
    return words[own:]


def _script(words: list[str]) -> str:
    for index, word in enumerate(words):
        if word in ("-m", "-jar", "-File", "-file") and index + 1 < len(words):
            return stem(words[index + 1])
        if not word.startswith(("-", "/c", "/C")):
            inline = index > 0 and words[index - 1] in ("-c", "-e", "-r", "-Command")
            return "" if inline else _with_object(stem(word), words[index + 1 :])
    return ""


def _with_object(program: str, words: list[str]) -> str:
    if program not in _GENERIC:
        return program
    what = next((stem(word) for word in words if re.match(r"[A-Za-z0-9/.~]", word) and stem(word)), "")
    return f"{program}-{what}"
