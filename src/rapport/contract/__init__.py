"""The wire: every method, struct, id and error of the API, as data."""
