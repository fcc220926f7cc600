"""`python -m rapport`."""

from rapport.cli.main import main

main()
