"""How far a long piece of work is."""

from typing import Protocol


class Watch(Protocol):
    """Who is told how far it is: a bar, a log, a test."""

    def expects(self, count: int) -> None:
        """So many more are still to pass."""
        ...

    def passed(self, what: str, count: int) -> None:
        """So many have; `what` says what is being done."""
        ...
