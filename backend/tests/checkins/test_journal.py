"""The journal: durable when it says so, in order, and of no harm when it is read twice."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from crontopus_api.checkins.journal import Journal
from crontopus_api.checkins.records import CheckIn, Output, Target
from crontopus_api.kit.ids import uuid7

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def check_in(number: int = 0) -> CheckIn:
    output = Output(f"line {number}\xff".encode("latin-1"), 100, True)
    return CheckIn(
        uuid7(), Target(digest=b"\0" * 32), "finish", "ping", AT, exit_code=3, output=output, minted=True
    )


def drained(journal: Journal) -> list[CheckIn]:
    found: list[CheckIn] = []
    while chunk := journal.next_chunk(2):
        found += chunk
        journal.done()
    return found


def journals(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.journal"))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path)
    yield made
    made.close()


def test_gives_back_what_it_took_in_order(journal: Journal) -> None:
    kept = [check_in(number) for number in range(5)]
    journal.append(kept[:3])
    journal.append(kept[3:])
    assert journal.pending
    assert drained(journal) == kept
    assert not journal.pending


def test_what_was_not_done_comes_again(journal: Journal) -> None:
    kept = [check_in(number) for number in range(3)]
    journal.append(kept)
    assert journal.next_chunk(2) == kept[:2]
    assert journal.next_chunk(2) == kept[:2]
    journal.done()
    assert journal.next_chunk(2) == kept[2:]


def test_takes_more_while_it_is_read(journal: Journal) -> None:
    first, second = check_in(1), check_in(2)
    journal.append([first])
    assert journal.next_chunk(10) == [first]
    journal.append([second])
    journal.done()
    assert drained(journal) == [second]


def test_its_file_does_not_grow_for_ever(journal: Journal, tmp_path: Path) -> None:
    for number in range(10):
        journal.append([check_in(number)])
        drained(journal)
    assert [path.stat().st_size for path in journals(tmp_path)] == [0]


def test_a_killed_process_leaves_what_it_acknowledged(journal: Journal, tmp_path: Path) -> None:
    kept = [check_in(number) for number in range(3)]
    child = os.fork()
    if child == 0:
        Journal(tmp_path).append(kept)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert journal.adopt() == 1
    assert drained(journal) == kept
    assert journals(tmp_path) == []


def test_the_file_of_a_living_process_is_left_alone(journal: Journal, tmp_path: Path) -> None:
    journal.append([check_in()])
    other = Journal(tmp_path)
    assert other.adopt() == 0
    assert not other.pending


def test_orphans_go_first(journal: Journal, tmp_path: Path) -> None:
    old, new = check_in(1), check_in(2)
    dead = Journal(tmp_path)
    dead.append([old])
    dead.close()
    journal.append([new])
    journal.adopt()
    assert drained(journal) == [old, new]


@pytest.mark.parametrize("missing", [1, 8, 60])
def test_a_record_that_was_cut_short_was_never_acknowledged(
    journal: Journal, tmp_path: Path, missing: int
) -> None:
    whole, torn = check_in(1), check_in(2)
    dead = Journal(tmp_path)
    dead.append([whole])
    dead.append([torn])
    dead.close()
    path = journals(tmp_path)[0]
    os.truncate(path, path.stat().st_size - missing)
    journal.adopt()
    assert drained(journal) == [whole]
    assert not journal.pending


def test_a_flipped_bit_costs_one_record_and_the_file_is_kept(journal: Journal, tmp_path: Path) -> None:
    kept = [check_in(number) for number in range(4)]
    dead = Journal(tmp_path)
    sizes = []
    for each in kept:
        dead.append([each])
        sizes.append(journals(tmp_path)[0].stat().st_size)
    dead.close()
    path = journals(tmp_path)[0]
    data = bytearray(path.read_bytes())
    data[sizes[1] - 3] ^= 1
    path.write_bytes(data)
    journal.adopt()
    assert drained(journal) == [kept[0], *kept[2:]]
    assert journals(tmp_path) == []
    assert path.with_suffix(".damaged").read_bytes() == data


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """What a full disk does to a process, by its own limit."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_keeps_nothing_of_what_it_refuses(journal: Journal, tmp_path: Path) -> None:
    kept = check_in(1)
    journal.append([kept])
    size = journals(tmp_path)[0].stat().st_size
    with no_file_larger_than(size + 50), pytest.raises(OSError, match=r"large|waits"):
        journal.append([check_in(2), check_in(3)])
    assert journals(tmp_path)[0].stat().st_size == size
    later = check_in(4)
    journal.append([later])
    assert drained(journal) == [kept, later]


def test_there_is_room_for_so_much_only(tmp_path: Path) -> None:
    journal = Journal(tmp_path, most_bytes=1000)
    large = replace(check_in(), output=Output(b"x" * 600, 600, False))
    journal.append([large])
    with pytest.raises(OSError, match=r"large|waits"):
        journal.append([large])
    drained(journal)
    journal.append([large])
    journal.close()


def test_others_cannot_read_it(journal: Journal, tmp_path: Path) -> None:
    journal.append([check_in()])
    assert journals(tmp_path)[0].stat().st_mode & 0o077 == 0
