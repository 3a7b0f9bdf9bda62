"""Runs: how they are kept, listed, counted and shown."""
