"""`plan`: what merging a branch would do."""

from typing import Annotated

import typer

from crontopus_cli.errors import UsageError
from crontopus_cli.git import ask_git
from crontopus_cli.options import Output, ShowDiff
from crontopus_cli.output import note
from crontopus_cli.plan_view import show_plan
from crontopus_cli.session import connect
from crontopus_cli.vocabulary import OutputFormat


def show_branch_plan(
    ref: Annotated[
        str | None,
        typer.Argument(
            metavar="[REF]",
            help="A branch, or a whole commit id. Without: the branch of the clone you are in.",
        ),
    ] = None,
    diff: ShowDiff = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Show what merging a branch into main would do. Nothing is changed.

    The branch is taken as it was pushed. Exit code 0: main would take it. 1: it would be refused because of
    errors or conflicts, which the plan lists; so this is the check of a pull request.
    """
    branch = ref or _current_branch()
    with connect() as client:
        plan = client.get("plan", ref=branch)
    show_plan(plan, output, diffs=diff)


def _current_branch() -> str:
    branch = ask_git("symbolic-ref", "--quiet", "--short", "HEAD")
    if not branch:
        raise UsageError(
            "there is no branch here to take", "give one: `crontopus plan BRANCH`, or run this in a clone"
        )
    if ask_git("rev-list", "--max-count=1", "@{upstream}..HEAD"):
        note(f"{branch} has commits that are not pushed; the plan is without them.")
    return branch
