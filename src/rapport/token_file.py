"""A new token in a file that only this user can read, for those who want it without a look at a
terminal.
"""

import os
from pathlib import Path

from rapport.folder import CannotStart


def check(path: Path) -> None:
    """See that the file can be made, before there is a token to lose.

    Raises:
        CannotStart: there is one already, or no folder for it.
    """
    if path.is_symlink() or path.exists():
        raise CannotStart(f"the token's file {path} exists already: remove it, or name another")
    if not path.parent.is_dir():
        raise CannotStart(
            f"the token's file {path} can't be made: there is no folder {path.parent}"
        )


def write(path: Path, token: str) -> None:
    """Make the file.

    Raises:
        CannotStart: it can't be made.
    """
    try:
        with open(
            path, "x", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)
        ) as file:
            file.write(f"{token}\n")
    except OSError as error:
        raise CannotStart(f"the token's file {path} can't be made: {error.strerror}") from None
