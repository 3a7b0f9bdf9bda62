"""Everything a tenant owns, as one zip file."""
