"""Asking a Rapport, wherever it is: one method at a time, and a file's bytes."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from rapport.contract.kit.fields import Json
from rapport.transfer.records import File

# A method's name, and what it is asked.
Request = tuple[str, Json]
MOST_LISTED = 100
MOST_REQUESTS = 500
# Within what the operator's socket takes at once.
_MOST_BYTES = 3 * 1024 * 1024
_REFUSALS = 400
_LATER = 503
_TRIES = 5
_TOGETHER = "engagements.create"


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


class Taker(Protocol):
    """Who asks a Rapport, and brings it something."""

    async def ask(self, method: str, request: Json) -> bytes:
        """Do a method; see `Asker.ask`."""
        ...

    async def upload(self, file: File) -> str:
        """Keep a file as an artifact; its id.

        Raises:
            Unreachable: it was not taken.
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


class Answered(msgspec.Struct):
    """What one request of a batch was answered."""

    status: int
    body: msgspec.Raw

    @property
    def is_done(self) -> bool:
        """It was not refused."""
        return self.status < _REFUSALS


class _Batch(msgspec.Struct):
    results: list[Answered]


_decode_batch = msgspec.json.Decoder(_Batch).decode


async def many(asker: Taker, requests: Sequence[Request]) -> list[Answered]:
    """Do requests in as few batches as they fit into; each has its own answer; see `groups`."""
    return [answer for (answer,) in await groups(asker, [[one] for one in requests])]


async def groups(asker: Taker, wanted: Sequence[Sequence[Request]]) -> list[list[Answered]]:
    """Do groups of requests in as few batches as they fit into. In a group, the first one makes
    what the others are about that name nothing themselves.

    Raises:
        Refused: a batch was refused as a whole.
        Unreachable: there is no answer.
    """
    answers: list[list[Answered]] = []
    for wave in _waves(wanted):
        requests = _requests(wave)
        told = await _run(asker, requests, atomic=_is_faster_whole(requests))
        if not all(one.is_done for one in told) and _is_faster_whole(requests):
            told = await _run(asker, requests, atomic=False)
        each = iter(told)
        for group in wave:
            own = [next(each) for _ in group]
            answers.append(await _finished(asker, group, own))
    return answers


async def _finished(
    asker: Taker, group: Sequence[Request], answers: list[Answered]
) -> list[Answered]:
    """A group's answers, once the store had time for all of it.

    Raises:
        Unreachable: it never has.
    """
    for _ in range(_TRIES):
        done = next((n for n, one in enumerate(answers) if one.status == _LATER), len(group))
        if done == len(group):
            return answers
        about = {"id": _id_of(answers[0])} if done else {}
        left = [{"method": method, "body": {**about, **body}} for method, body in group[done:]]
        answers = [*answers[:done], *await _run(asker, left, atomic=False)]
    raise Unreachable("the store can't keep up: run the same again, and it goes on")


def _id_of(answer: Answered) -> str:
    """The id of the object that an answer is about."""
    told: Any = msgspec.json.decode(answer.body)
    return str(next((one["id"] for one in told.values() if "id" in one), ""))


def _waves(wanted: Sequence[Sequence[Request]]) -> Iterator[list[Sequence[Request]]]:
    """Groups, as many together as one batch takes."""
    wave: list[Sequence[Request]] = []
    size = places = 0
    for group in wanted:
        own = sum(len(msgspec.json.encode(body)) + 100 for _, body in group)
        if wave and (size + own > _MOST_BYTES or places + len(group) > MOST_REQUESTS):
            yield wave
            wave, size, places = [], 0, 0
        wave.append(group)
        size += own
        places += len(group)
    if wave:
        yield wave


def _requests(wave: Sequence[Sequence[Request]]) -> list[Json]:
    requests: list[Json] = []
    for group in wave:
        start = len(requests)
        for place, (method, body) in enumerate(group):
            about = {"id": {"$ref": start}} if place else {}
            requests.append({"method": method, "body": {**about, **body}})
    return requests


def _is_faster_whole(requests: Sequence[Json]) -> bool:
    """Whether a batch is better tried in one transaction first. Creates of engagements and reads
    go together anyway.
    """
    alone = (_TOGETHER, ".list", ".get")
    return len(requests) > 1 and not all(one["method"].endswith(alone) for one in requests)


async def _run(asker: Taker, requests: Sequence[Json], *, atomic: bool) -> list[Answered]:
    asked: Json = {"requests": requests, **({"atomic": True} if atomic else {})}
    return _decode_batch(await asker.ask("batch.run", asked)).results


def pieces(texts: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    """Texts in pieces of so many."""
    for start in range(0, len(texts), most):
        yield texts[start : start + most]
