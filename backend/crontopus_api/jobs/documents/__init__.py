"""What lives in `.crontopus/`: policies, alert routes and maintenance windows, one file each, changed as jobs are."""
