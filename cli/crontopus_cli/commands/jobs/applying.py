"""`jobs apply`: files become the repository's, all of them in one commit or none."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crontopus_cli import config
from crontopus_cli.errors import Failed, UsageError
from crontopus_cli.options import DryRun, Message, Output, ShowDiff
from crontopus_cli.output import Column, complain_of, emit_list, note
from crontopus_cli.plan_view import show_plan
from crontopus_cli.session import connect_to
from crontopus_cli.vocabulary import OutputFormat

if TYPE_CHECKING:
    from crontopus_cli.client import Client
    from crontopus_cli.manifest_file import ManifestFile

Json = dict[str, Any]

_MOST_FILES = 2_000  # what the API takes at once


def apply_jobs(
    files: Annotated[
        list[str],
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help="A manifest, a directory of them, or `-` for standard input. May be repeated.",
        ),
    ],
    *,
    more: Annotated[
        list[str] | None, typer.Argument(metavar="FILE...", help="More files and directories.")
    ] = None,
    namespace: Annotated[
        str,
        typer.Option("--namespace", "-n", help="For manifests given one by one that do not name their own."),
    ] = "default",
    message: Message = None,
    dry_run: DryRun = False,
    diff: ShowDiff = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Create or change jobs from files, in one commit.

    All or none: when anything is wrong with any of the files, it is told as FILE:LINE:COLUMN, nothing is
    changed, and the exit code is 1.

    A file given by itself says in its metadata where it goes. A directory is taken as a repository: its files
    are NAMESPACE/NAME.yaml, policies and the like in `.crontopus`. Files that are only in your repository stay
    as they are. `--diff` goes with `--dry-run`.
    """
    target = config.target()
    manifests = _read_all([*files, *(more or [])], namespace)
    names = {manifest.path: manifest.label for manifest in manifests}
    body = {"files": [{"path": each.path, "content": each.text} for each in manifests], "message": message}
    with connect_to(target.server, target.token) as client:
        plan = client.post("jobs:apply", body=body, dry_run=True)
        if dry_run:
            show_plan(plan, output, names=names, diffs=diff)
            return
        complain_of([*plan["errors"], *plan["warnings"]], names)
        if not plan["applicable"]:
            note("Nothing was applied.")
            raise Failed
        rows = _commit(client, manifests, body, plan)
    emit_list(rows, _COLUMNS, output)


def _commit(client: "Client", manifests: "list[ManifestFile]", body: Json, plan: Json) -> list[Json]:
    """Applies, and tells what became of each file. The plan knows which differ; the API says only if any does."""
    actions = {change["path"]: change["action"] for change in [*plan["changes"], *plan["files"]]}
    done = client.post("jobs:apply", body=body)
    # A plan lists a thousand changes at most; of files beyond that nothing is claimed.
    otherwise = "unchanged" if sum(plan["summary"].values()) == len(plan["changes"]) else "applied"
    rows = []
    for manifest in manifests:
        action = actions.get(manifest.path, otherwise) if done["changed"] else "unchanged"
        rows.append(
            {
                "file": manifest.label,
                "path": manifest.path,
                "result": "created" if action == "added" else action,
                "commit": done["commit"],
            }
        )
    return rows


def _read_all(names: list[str], namespace: str) -> "list[ManifestFile]":
    """Every file, before anything is sent. Raises Failed when one cannot be read, UsageError for two of one place."""
    if names.count("-") > 1:
        raise UsageError("standard input can be read only once", "give `-` once")
    from crontopus_cli.manifest_file import ManifestError  # noqa: PLC0415 - loads YAML

    manifests: dict[str, ManifestFile] = {}
    wrong = 0
    for reading in _readings(names, namespace):
        try:
            manifest = reading()
        except ManifestError as error:
            note(str(error))
            wrong += 1
            continue
        other = manifests.setdefault(manifest.path, manifest)
        if other is not manifest:
            raise UsageError(
                f"{other.label} and {manifest.label} both are {manifest.path}", "give one of them"
            )
    if wrong:
        note("Nothing was applied.")
        raise Failed
    if len(manifests) > _MOST_FILES:
        raise UsageError(
            f"{len(manifests)} files are more than one commit by the API takes ({_MOST_FILES})",
            "push them with git: `crontopus repo clone`",
        )
    return list(manifests.values())


def _readings(names: list[str], namespace: str) -> "Iterator[Callable[[], ManifestFile]]":
    from crontopus_cli.manifest_file import (  # noqa: PLC0415 - loads YAML
        manifests_in,
        read_at,
        read_manifest,
    )

    for name in names:
        if name == "-" or not Path(name).is_dir():
            yield partial(read_manifest, name, default_namespace=namespace)
            continue
        found = list(manifests_in(name))
        if not found:
            raise UsageError(f"there is no manifest in {name}", "its files would be NAMESPACE/NAME.yaml")
        yield from (partial(read_at, file, path) for file, path in found)


_COLUMNS = [
    Column("RESULT", lambda row: row["result"], state=True),
    Column("JOB", lambda row: row["path"].removesuffix(".yaml"), shrink=16),
    Column("COMMIT", lambda row: (row["commit"] or "")[:7]),
    Column("FILE", lambda row: row["file"], drop=1),
]
