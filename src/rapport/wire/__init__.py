"""Bytes to structs and back, without HTTP."""
