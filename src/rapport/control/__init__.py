"""The operator's socket of a running server."""
