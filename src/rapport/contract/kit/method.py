"""A method of the API as data. Everything that holds for every method is derived from this."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from rapport.contract.kit.errors import ApiError
from rapport.contract.kit.fields import Json, Request, Response

READ: Literal["read"] = "read"
WRITE: Literal["write"] = "write"
MAX_BODY = 1024 * 1024
# What X-Devrev-Version may say; nothing depends on it.
VERSIONS = ("2022-10-20", "2024-01-24")


class _Made(msgspec.Struct):
    created: bool


_decode_made = msgspec.json.Decoder(_Made).decode


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """One method.

    Args:
        name: `<family>.<verb>`; the path is `/<name>`.
        effect: READ also answers GET; WRITE takes `Idempotency-Key` and runs in a transaction.
        request: the struct that its JSON body or query is read into.
        response: the struct that it answers.
        summary: one line for the reference.
        scope: what a token must grant, `<family>:<read|write|all>`; None when every token will do.
        status: of the answer when it succeeds.
        status_if_there: of an upsert's answer when it found what it would have made, which the
            answer's `created` says.
        errors: types that this method answers beside those that every method does.
        example: a request that the demo org can answer; without one, it is made up from the schema.
        ours: not DevRev's as a whole, and an unknown route when strict; its own fields carry no
            marks.
        signs_urls: the answer has URLs, which begin where the caller came in.
        secret_answer: the answer has a secret, so that it is never kept: a repeated
            `Idempotency-Key` is refused.
        max_bytes: of its JSON body.
        waits: its request may `wait` for its answer, which the deadlines of other methods do not
            bound.
        heavy: may take long on a big store; runs beside the event loop.
    """

    name: str
    effect: Literal["read", "write"]
    request: type[Request]
    response: type[Response]
    summary: str
    scope: str | None
    status: int = 200
    status_if_there: int | None = None
    errors: tuple[type[ApiError], ...] = ()
    example: Json | None = None
    ours: bool = False
    heavy: bool = False
    max_bytes: int = MAX_BODY
    waits: bool = False
    signs_urls: bool = False
    secret_answer: bool = False

    @property
    def statuses(self) -> tuple[int, ...]:
        """Of all answers when it succeeds."""
        return (self.status, *([self.status_if_there] if self.status_if_there else []))

    def status_of(self, answer: bytes) -> int:
        """The status of an answer when it succeeded, as JSON."""
        if self.status_if_there is None or _decode_made(answer).created:
            return self.status
        return self.status_if_there

    @property
    def path(self) -> str:
        """Where it is served."""
        return f"/{self.name}"

    @property
    def family(self) -> str:
        """The name that all layers share, such as `dev-users`."""
        return self.name.partition(".")[0]

    @property
    def verbs(self) -> tuple[str, ...]:
        """The HTTP verbs that it answers."""
        return ("GET", "POST") if self.effect == READ else ("POST",)
