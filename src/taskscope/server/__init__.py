"""The HTTP server: API, and the loops that run beside it."""
