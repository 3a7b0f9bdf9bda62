"""The `crontopus-server` command and what starts processes."""
