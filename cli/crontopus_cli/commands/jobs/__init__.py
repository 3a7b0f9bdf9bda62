"""`jobs …`: the definitions in Git, through the API. Every change is a commit there."""

from crontopus_cli.commands.jobs import applying, changing, editing, reading, versions
from crontopus_cli.options import new_app

app = new_app("Job definitions: the YAML manifests in your Git repository.")
app.command("list")(reading.list_jobs)
app.command("get")(reading.get_job)
app.command("next-runs")(reading.show_next_runs)
app.command("apply")(applying.apply_jobs)
app.command("edit")(editing.edit_job)
app.command("delete")(changing.delete_jobs)
app.command("pause")(changing.pause_jobs)
app.command("resume")(changing.resume_jobs)
app.command("rename")(changing.rename_job)
app.command("adopt")(changing.adopt_job)
app.command("history")(versions.show_history)
app.command("diff")(versions.show_diff)
app.command("rollback")(versions.roll_back)
