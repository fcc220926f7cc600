"""Files that are there whole, or as they were before."""

import os
from pathlib import Path


def put(path: Path, data: bytes) -> None:
    """Write a file beside, see it on disk, and rename it."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
