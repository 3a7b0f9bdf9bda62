"""Tenants' repositories on a Forgejo: written through a cache on this disk, fetched through a proxy."""
