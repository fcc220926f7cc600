"""PostgreSQL behind the store interface. Importing this package loads no driver."""
