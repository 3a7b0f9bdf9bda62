"""`import`: jobs from a crontab or the Windows Task Scheduler."""

import base64
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from crontopus_cli import config, words
from crontopus_cli.errors import CliError, Failed, UsageError
from crontopus_cli.options import DryRun, Message, Output, Yes, confirm, must_be_able_to_ask, parse_labels
from crontopus_cli.output import (
    BOLD,
    CHANGED,
    DIM,
    GOOD,
    Column,
    complain_of,
    emit_list,
    emit_text,
    harmless,
    harmless_lines,
    note,
    styled,
)
from crontopus_cli.session import connect_to
from crontopus_cli.vocabulary import ImportKind, OutputFormat

Json = dict[str, Any]

_MAX_BYTES = 1_000_000  # what the API takes
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_WHERE_TASKS_BEGIN = 2_000


def import_jobs(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="What `crontab -l` or `schtasks /query /xml` printed; `-`: stdin."
        ),
    ],
    *,
    kind: Annotated[
        ImportKind | None,
        typer.Option(
            help="What the file is: `crontab` for `crontab -l`, `system-crontab` for /etc/crontab and /etc/cron.d, "
            "which have a column for the user. An export of the Task Scheduler is recognised."
        ),
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Where the jobs go.")] = "default",
    timezone: Annotated[
        str, typer.Option(metavar="ZONE", help="The timezone of the machine the file is from.")
    ] = "UTC",
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            "-l",
            metavar="KEY=VALUE",
            help="Endpoints with this label run the jobs. May be repeated.",
        ),
    ] = None,
    hostname: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="Endpoints of this host name run the jobs: `win-*`.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Whose crontab it is: the jobs run as this user.")] = None,
    message: Message = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Bring in the jobs of a crontab or of the Windows Task Scheduler.

    Shows the manifests, with warnings and what cannot become a job, asks, and adds them in one commit. Without
    `--label` or `--hostname` the jobs run nowhere until you give them a selector.
    """
    data = _read(file)
    labels = parse_labels(label or [])
    wanted = kind or _guess(data)
    target = config.target()
    if not (yes or dry_run):
        must_be_able_to_ask()
    # Always base64: Windows writes UTF-16, and line numbers are the file's only if it arrives byte for byte.
    body: Json = {
        "kind": wanted,
        "base64": base64.b64encode(data).decode(),
        "namespace": namespace,
        "timezone": timezone,
        "match_labels": labels or None,
        "hostname": hostname,
        "user": user,
        "message": message,
    }
    with connect_to(target.server, target.token) as client:
        preview = client.post("jobs:import", body=body, dry_run=True)
        text = "\n".join(_preview(preview)) + "\n"
        if dry_run:
            emit_text(text, preview, output)
        else:
            sys.stderr.write(text)
        _must_be_possible(preview)
        if dry_run:
            return
        confirm(f"Add {words.counted(len(preview['jobs']), 'job')}?", yes=yes)
        _tell(client.post("jobs:import", body=body), output)


def _tell(done: Json, output: OutputFormat) -> None:
    if output is not OutputFormat.TABLE:
        emit_text("", done, output)
        return
    rows = [
        {"job": job["path"].removesuffix(".yaml"), "result": "created", "commit": done["commit"]}
        for job in done["jobs"]
    ]
    emit_list(rows, _COLUMNS, output)


def _read(name: str) -> bytes:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise CliError(f"{name}: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise CliError(f"{name} is larger than 1 MB", "import it in parts")
    return data


def _guess(data: bytes) -> ImportKind:
    """Only where there is no doubt: a crontab with and one without a column for the user can look alike."""
    if data.startswith(_UTF16_MARKS) or b"<Task" in data[:_WHERE_TASKS_BEGIN]:
        return ImportKind.TASK_SCHEDULER
    raise UsageError(
        "it does not say itself what kind of file this is",
        "give --kind crontab (from `crontab -l`) or --kind system-crontab (/etc/crontab, /etc/cron.d)",
    )


def _must_be_possible(preview: Json) -> None:
    plan = preview["plan"]
    if not preview["jobs"]:
        note("Nothing in this file can become a job.")
        raise Failed
    complain_of([*plan["errors"], *plan["warnings"]], {})
    if not plan["applicable"]:
        note("These jobs would be refused; nothing was imported.")
        raise Failed


def _preview(found: Json) -> Iterator[str]:
    for job in found["jobs"]:
        address = styled(harmless(job["path"].removesuffix(".yaml")), BOLD)
        yield f"{styled('+', GOOD)} {address}  {styled(_from(job), DIM)}"
        yield from (f"    {line}" for line in harmless_lines(job["yaml"]).splitlines())
        yield from (f"    {styled('Warning:', CHANGED)} {harmless(warning)}" for warning in job["warnings"])
        yield ""
    if found["problems"]:
        yield styled("Cannot become a job", CHANGED)
        for problem in found["problems"]:
            hint = f" ({harmless(problem['hint'])})" if problem["hint"] else ""
            yield f"  {_from(problem)}\n    {harmless(problem['reason'])}{hint}"
        yield ""
    if found["settings"]:
        yield "Settings"
        for setting in found["settings"]:
            yield f"  {_from(setting)}\n    {harmless(setting['effect'])}"
        yield ""
    parts = [words.counted(len(found["jobs"]), "job")]
    parts += [words.counted(len(found["problems"]), "problem")] if found["problems"] else []
    yield styled(f"{', '.join(parts)}.", BOLD)


def _from(thing: Json) -> str:
    line = f"line {thing['line']}: " if thing["line"] else ""
    return f"{line}{harmless(thing['source'])}"


_COLUMNS = [
    Column("RESULT", lambda row: row["result"], state=True),
    Column("JOB", lambda row: row["job"], shrink=16),
    Column("COMMIT", lambda row: (row["commit"] or "")[:7]),
]
