"""Every way by which a run reports itself without our API: other services' protocols, one internal event behind.

A door is a raw ASGI app in front of FastAPI: it turns a request into one `CheckIn` and waits until it is stored.
"""
