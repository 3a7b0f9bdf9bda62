"""Tenants, members and invitations as people meet them. Their rules are in `tenants`."""
