"""Incidents, and telling the right people about them."""
