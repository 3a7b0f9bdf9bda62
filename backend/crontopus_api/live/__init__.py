"""Server-sent events: a hint that something of a tenant changed, carried by LISTEN/NOTIFY."""
