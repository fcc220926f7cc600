"""Asking a Rapport, wherever it is: one method at a time, and a file's bytes."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

import msgspec

from rapport.contract.kit.fields import Json

MOST_LISTED = 100


class Refused(Exception):
    """A method was refused.

    Args:
        status: HTTP's.
        body: the refusal as JSON.
    """

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body
        super().__init__(sentence(body))


class Asker(Protocol):
    """Who asks a Rapport."""

    async def ask(self, method: str, request: Json) -> bytes:
        """Do a method; its answer as JSON.

        Raises:
            Refused: it was refused.
            Unreachable: there is no answer.
        """
        ...

    def bytes_of(self, artifact: str) -> AsyncIterator[bytes]:
        """The bytes of an artifact's newest version, in chunks; none where there are none.

        Raises:
            Unreachable: they can't be read.
        """
        ...

    async def holders(self, what: str) -> list[str] | None:
        """The ids of all objects that have comments, or links that begin there; None where only a
        look at each can tell.

        Args:
            what: `timeline_entries` or `links`.
        """
        ...


class Unreachable(Exception):
    """There is no answer; one sentence says why."""


def sentence(body: bytes) -> str:
    """What a refusal says."""
    try:
        told: Any = msgspec.json.decode(body)
        message, detail = str(told["message"]), str(told.get("detail", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return body.decode(errors="replace")[:200]
    return f"{message} {detail}".strip()
