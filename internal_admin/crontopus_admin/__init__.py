"""The operators' dashboard: its own ASGI app on its own port. It reads every tenant and changes none."""
