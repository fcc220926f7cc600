"""SQLite behind the store interface."""
