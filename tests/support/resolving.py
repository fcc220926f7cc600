"""A server whose names lead where the test says."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.server import Server

_HERE = Path(__file__).parent / "resolver"


class Names:
    """What names lead to, and what was dialled."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "names.json"
        self._file.write_text("{}", encoding="utf-8")
        self.environment = {"PYTHONPATH": str(_HERE), "TEST_RESOLVER": str(self._file)}

    def lead(self, names: Mapping[str, Sequence[Sequence[str]]]) -> None:
        """Each name's answers, one look-up after the other, the last for ever."""
        self._file.write_text(json.dumps(names), encoding="utf-8")

    @property
    def dialled(self) -> list[str]:
        """Every address that a connection was asked for."""
        file = Path(f"{self._file}.dialled")
        return file.read_text(encoding="utf-8").split() if file.exists() else []


def resolving(folder: Path, names: Names, *flags: str, **environment: str) -> Server:
    """Such a server."""
    return Server(folder / "data", *flags, **names.environment, **environment)
