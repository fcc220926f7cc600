"""In and out: what a store is exported to, and what it is imported from."""
