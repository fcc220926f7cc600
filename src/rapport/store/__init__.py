"""The only SQL. One module per family; db.py is the narrow waist, sqlite.py a driver behind it."""
