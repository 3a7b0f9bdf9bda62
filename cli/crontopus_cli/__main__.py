"""`python -m crontopus_cli …` is the command `crontopus`."""

from crontopus_cli.main import run

run()
