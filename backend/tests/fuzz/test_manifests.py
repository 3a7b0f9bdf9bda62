"""The manifest parser on files that people broke and that attackers made."""

import json
import string
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontopus_api.manifests import ManifestError, ManifestInvalid, dump_yaml, parse_document, parse_job
from crontopus_api.manifests.models import JobManifest
from crontopus_api.manifests.yamltree import MAX_BYTES, MAX_NODES

from ..manifests.contract import load_cases, text_of
from .budget import MULTIPLIER, fuzz, memory_of, work_of

# Function calls for one file: the fullest take about 2.5 million (a suggestion for each of 2,000 unknown keys).
MOST_WORK = 5_000_000
MOST_MEMORY = 16 << 20
# A file refused for what it is, before it is read: aliases, tags, depth, size.
LITTLE_WORK = 4_000

PATHS = (
    "default/x.yaml",
    ".crontopus/policies/x.yaml",
    ".crontopus/routes/x.yaml",
    "README.md",
    "a/b/c.yaml",
)
TOKENS = (
    *(
        "- ",
        "? ",
        ": ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&a ",
        "*a ",
        "!!python/object ",
        "!x ",
        "|\n",
        ">-\n",
        "'",
        '"',
    ),
    *(
        "\n",
        "\n  ",
        "\t",
        "#",
        "%YAML 1.1\n",
        "---\n",
        "...\n",
        "<<: ",
        "\ufeff",
        "\u2028",
        "\x85",
        "\0",
        "\\x00",
    ),
    *("null", "~", "yes", "0o7", "0x", "1e999", ".inf", "-.nan", "2026-01-01", "1:30:00", "9" * 30, "1_000"),
    *(
        "apiVersion: crontopus/v1\n",
        "kind: Job\n",
        "metadata:\n  name: x\n",
        "spec:\n",
        "  schedule: '@daily'\n",
    ),
    *(
        "  env: ",
        "  redact: ['",
        "(?i)",
        "(a+)+$",
        "\\p{L}",
        "]*",
        "{1,999}",
        "  timeout: ",
        "99999999999h",
        "every 0s",
    ),
)


def refused_or_read(path: str, data: bytes) -> list[str]:
    """The codes of what is wrong. Anything but a manifest or a ManifestInvalid fails the test."""
    try:
        manifest = parse_document(path, data)
    except ManifestInvalid as invalid:
        errors = invalid.errors
        check_errors(path, data, errors)
        return [error.code for error in errors]
    if isinstance(manifest, JobManifest) and path == "default/x.yaml":
        text = dump_yaml(manifest)
        assert parse_job(path, text.encode()) == manifest
    return []


def check_errors(path: str, data: bytes, errors: Sequence[ManifestError]) -> None:
    # libyaml counts the breaks of YAML 1.1, too.
    lines = 1 + sum(data.count(end.encode()) for end in "\n\r\x85\u2028\u2029")
    assert errors
    for error in errors:
        assert error.file == path
        assert error.line is None or 1 <= error.line <= lines + 1
        assert error.column is None or error.column >= 1
        assert len(str(error)) < 2000  # what a terminal shows
        json.dumps(error.as_dict()).encode("utf-8")  # what the API answers


def within_bounds(path: str, data: bytes) -> list[str]:
    codes: list[str] = []
    assert work_of(lambda: codes.extend(refused_or_read(path, data))) < MOST_WORK
    return codes


vectors = st.sampled_from([text_of(case) for case in load_cases()]).filter(lambda data: len(data) < 20_000)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A vector with pieces of it, of others and of YAML's trickier syntax put in, taken out and repeated."""
    data = draw(vectors)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 40)))
        piece = draw(
            st.sampled_from(TOKENS).map(str.encode)
            | st.binary(max_size=6)
            | vectors
            | st.just(data[at:end] * draw(st.integers(1, 50)))
        )
        data = data[:at] + piece + data[draw(st.sampled_from([at, end])) :]
    return data


@fuzz(150)
@given(path=st.sampled_from(PATHS), data=broken())
def test_broken_manifests(path: str, data: bytes) -> None:
    within_bounds(path, data)


@fuzz(150)
@given(
    path=st.sampled_from(PATHS), parts=st.lists(st.sampled_from(TOKENS) | st.text(max_size=5), max_size=40)
)
def test_soups_of_yaml(path: str, parts: list[str]) -> None:
    within_bounds(path, "".join(parts).encode("utf-8", "surrogatepass"))


SPEC = (
    "apiVersion: crontopus/v1\nkind: Job\nmetadata: {name: x}\nspec:\n  schedule: '@daily'\n  command: /x\n"
)


@fuzz(6)
@given(
    unit=st.one_of(
        st.sampled_from(TOKENS),
        st.text(string.printable, min_size=1, max_size=12),
        st.sampled_from(
            ["  k%d: 1\n", "  kommand%d: [x]\n", "  env%d: {a: b}\n", "- &a%d x\n", "{a%d: ", "[%d,"]
        ),
    ),
    inside=st.sampled_from(
        ["", SPEC, SPEC + "  env:\n", SPEC + "  args:\n", SPEC + "  output:\n    redact:\n"]
    ),
)
def test_one_thing_very_often(unit: str, inside: str) -> None:
    """As much of it as a file may hold."""
    numbered = unit.count("%d") == 1 and unit.count("%") == 1
    pieces = [inside]
    size = len(inside.encode())
    for n in range(MAX_BYTES):
        piece = unit % n if numbered else unit
        size += len(piece.encode())
        if size > MAX_BYTES:
            break
        pieces.append(piece)
    data = "".join(pieces).encode()
    within_bounds("default/x.yaml", data)


def laughs(levels: int) -> bytes:
    lines = ["a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


LITTLE: dict[str, bytes] = {
    "a billion laughs": laughs(10),
    "quadratic laughs": b"a: &a " + b"x" * 100_000 + b"\nb: [" + b"*a," * 40_000 + b"]",
    "laughs in a job": SPEC.encode() + b"  args: &a [x]\n  env: {A: *a}\n",
    "merge keys": b"a: &a {x: 1}\n" + b"b: {<<: [*a,*a,*a]}\n" * 1000,
    "a recursive list": b"&a [*a]",
    "python objects": b"!!python/object/apply:os.system ['true']",
    "brackets": b"[" * MAX_BYTES,
    "braces": b"{a: " * (MAX_BYTES // 4),
    "dashes": b"- " * (MAX_BYTES // 2),
    "question marks": b"? " * (MAX_BYTES // 2),
    "too large": b"#" * (MAX_BYTES + 1),
    "fifty megabytes": b"x" * 50_000_000,
    "one long key": b"x" * (MAX_BYTES - 3) + b": a",
    "not UTF-8": b"\xff" * MAX_BYTES,
    "directives": b"%TAG ! tag:x,2026:\n" * 10_000 + b"--- a\n",
    "documents": b"--- a\n" * 40_000,
}


@pytest.mark.parametrize("name", LITTLE)
def test_bombs_are_refused_with_next_to_no_work(name: str) -> None:
    data = LITTLE[name]

    def parse() -> None:
        with pytest.raises(ManifestInvalid):
            parse_document("default/x.yaml", data)

    assert work_of(parse) < LITTLE_WORK
    assert memory_of(parse) < MOST_MEMORY


def repeated(unit: Callable[[int], str], times: int, before: str = SPEC) -> bytes:
    return (before + "".join(unit(n) for n in range(times))).encode()[:MAX_BYTES]


# As many as there may be, with what else is in the file.
KEYS, ITEMS = MAX_NODES // 2 - 20, MAX_NODES - 40
FULL: dict[str, bytes] = {
    "unknown keys": repeated(lambda n: f"  kommand{n}: 1\n", KEYS),
    "long unknown keys": repeated(lambda n: f"  {'comand' * 20}{n}: 1\n", KEYS),
    "the same key": repeated(lambda n: "  shell: true\n", KEYS),
    "bad variables": repeated(lambda n: f"    a-{n}: [1, 2]\n", KEYS // 2, SPEC + "  env:\n"),
    "arguments": repeated(lambda n: "    - x\n", ITEMS, SPEC + "  args:\n"),
    "expressions": repeated(lambda n: "    - '(a+)+$'\n", ITEMS, SPEC + "  output:\n    redact:\n"),
    "a nested expression": (SPEC + f"  output: {{redact: ['{'(' * 30_000}{')+' * 30_000}']}}\n").encode(),
    "an unfolding expression": (
        SPEC + "  output: {redact: ['(((x{0,999}){0,999}){0,999}){0,999}']}\n"
    ).encode(),
    "a list of schedules": repeated(
        lambda n: "    - '*/7 * * * *'\n", ITEMS, SPEC.replace("'@daily'\n  command: /x", "")
    ),
    "a long schedule": SPEC.replace("@daily", "1," * 100_000 + "1 * * * *").encode(),
    "selectors": repeated(lambda n: f"    k{n}: v\n", KEYS, SPEC + "  selector:\n   matchLabels:\n"),
    "empty values": repeated(lambda n: f"k{n}:\n", KEYS, ""),
    "huge numbers": repeated(lambda n: f"k{n}: {'9' * 60}\n", KEYS, ""),
}


@pytest.mark.parametrize("name", FULL)
def test_the_fullest_files_take_a_bounded_amount_of_work(name: str) -> None:
    assert "too_many_nodes" not in within_bounds("default/x.yaml", FULL[name])
    if MULTIPLIER > 1:  # tracing makes it ten times slower
        assert memory_of(lambda: refused_or_read("default/x.yaml", FULL[name])) < MOST_MEMORY
