"""What stands between the socket and the routes: who calls, how much may come in, which headers go out. Pure ASGI."""
