"""`crontopus`: the command line of Crontopus. It speaks the public REST API and Git, nothing else."""

__version__ = "0.1.0"
