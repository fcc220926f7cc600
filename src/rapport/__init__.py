"""Rapport: a self-hosted system of record for customer engagements."""

__version__ = "0.1.0"
