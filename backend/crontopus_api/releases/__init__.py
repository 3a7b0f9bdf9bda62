"""The agent as it is handed out: installers and the files of one release, from a directory that `make release` made."""
