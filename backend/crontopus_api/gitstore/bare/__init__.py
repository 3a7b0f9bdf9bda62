"""A bare repository on this disk: shared by the embedded host and (issue 3) Forgejo's cache."""
