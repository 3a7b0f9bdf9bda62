"""Badges: how a job does, as a picture for a README. Public to whoever knows the address, and telling no more."""
