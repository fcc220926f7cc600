"""Backups: a store of one moment in a folder, in a format that needs no Rapport to be read."""
