"""Jobs that a first ping makes (`?create=1`): kept with what was reported, committed in batches, then replayed."""
