"""`python -m crontopus_api.server` = `crontopus-server`."""

from crontopus_api.server import main

main()
