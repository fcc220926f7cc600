"""Where the tests' folders lie: in memory if it has room for them, since a flush of a busy disk takes
milliseconds and the suite makes a hundred thousand.
"""

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # Linux's own; elsewhere it is not there
# Of the whole suite on all workers, twice over.
_WANTED_BYTES = 6 * 1024**3


def use() -> None:
    """Have temporary folders made in memory from now on, unless TMPDIR says where."""
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


def _has_room() -> bool:
    if not _MEMORY.is_dir() or os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
        return False
    free = min(shutil.disk_usage(_MEMORY).free, _available_bytes())
    return os.access(_MEMORY, os.W_OK) and free > _WANTED_BYTES


def _available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
