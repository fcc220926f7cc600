"""A module for each page, of the name of its template."""
