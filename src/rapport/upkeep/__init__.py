"""Whole stores, without methods."""
