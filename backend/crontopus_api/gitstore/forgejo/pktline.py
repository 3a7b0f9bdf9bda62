"""As much of Git's protocol version 2 as asking where one ref is takes: one request, one short answer."""

from collections.abc import Iterator

from crontopus_api.gitstore.errors import GitUnavailable
from crontopus_api.gitstore.paths import is_object_id

_FLUSH, _DELIMITER = b"0000", b"0001"


def ls_refs_request(ref: str) -> bytes:
    return b"".join(
        (_line("command=ls-refs\n"), _DELIMITER, _line(f"ref-prefix {ref}\n"), _FLUSH),
    )


def listed_ref(answer: bytes, ref: str) -> str | None:
    """The id beside exactly `ref`; `None` if it is not listed."""
    for line in _lines(answer):
        if line.startswith(b"ERR "):
            raise GitUnavailable(f"Forgejo's git: {line[4:200].decode('utf-8', 'replace').strip()}")
        object_id, _, name = line.rstrip(b"\n").partition(b" ")
        if name == ref.encode():
            found = object_id.decode("ascii", "replace")
            if is_object_id(found):
                return found
    return None


def _line(text: str) -> bytes:
    data = text.encode()
    return b"%04x%s" % (len(data) + 4, data)


def _lines(answer: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(answer):
        try:
            length = int(answer[at : at + 4], 16)
        except ValueError as error:
            raise GitUnavailable("Forgejo's answer is not Git's: is CRONTOPUS_FORGEJO_URL right?") from error
        if length == 0:
            return
        if length < 4:
            at += 4
            continue
        yield answer[at + 4 : at + length]
        at += length
    raise GitUnavailable("Forgejo's answer ended half way")
