"""Tools every feature shares. Imports no feature."""
