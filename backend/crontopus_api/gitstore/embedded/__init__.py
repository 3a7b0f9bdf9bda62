"""The embedded Git host: bare repositories on this machine's disk, served over smart HTTP."""
