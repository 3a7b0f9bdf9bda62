"""Names in pushed trees: what passes can be checked out anywhere without leaving its folder or touching `.git`."""

import re
import stat
import unicodedata
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from crontopus_api.gitstore.bare.plumbing import RawChange
from crontopus_api.gitstore.embedded import push

from .budget import fuzz

segments = st.sampled_from(
    [
        *(
            "..",
            ".",
            "",
            ".git",
            ".GIT",
            ".git ",
            ".git.",
            ".git. .",
            "git~1",
            "GIT~1",
            ".git::$INDEX_ALLOCATION",
        ),
        *(
            ".g\u200cit",
            ".git\u200b",
            "\ufeff.git",
            ".gi\u0307t",
            "\u202e",
            "a\0b",
            "a\nb",
            "a\\b",
            "\x7f",
            "a" * 256,
        ),
        *("default", "x.yaml", ".crontopus", "tenant.yaml", "Tenant.YAML", "é", "e\u0301", "CON", " ", "~"),
    ]
) | st.text(max_size=4)
names = st.lists(segments, max_size=18).map("/".join).map(lambda name: name.encode("utf-8", "surrogatepass"))


@fuzz(400)
@given(name=names | st.binary(max_size=12), mode=st.sampled_from([0o100644, 0o100755, 0o120000, 0o160000, 0]))
def test_no_pushed_name_leaves_its_place(name: bytes, mode: int) -> None:
    fault = push._fault(RawChange(name, 0, mode, None, "1" * 40))
    if fault is not None:
        assert "\n" not in push._printable(fault)
        return
    path = name.decode()
    if not mode:
        assert path.casefold() != ".crontopus/tenant.yaml"  # removing is allowed, but not of the mark
        return
    assert stat.S_ISREG(mode)
    assert not PurePosixPath(path).is_absolute()
    assert len(name) <= 1024
    for part in path.split("/"):
        shown = "".join(c for c in part if unicodedata.category(c) not in {"Cf", "Cc"})
        assert shown == part
        assert part not in {"", ".", ".."}
        assert "\\" not in part
        # What Windows and HFS+ take for Git's own folder.
        assert not re.fullmatch(r"(\.git|git~\d)[. ]*(:.*)?", part, re.IGNORECASE | re.DOTALL)
    assert path.casefold() != ".crontopus/tenant.yaml"
