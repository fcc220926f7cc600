"""One request of a batch: what is asked for, and what was answered."""

from typing import Any, NamedTuple

import msgspec

from rapport import idempotency
from rapport.auth.caller import Caller, authorize
from rapport.contract.batch import RUN, BatchedAnswer, BatchedRequest
from rapport.contract.engagements import CREATE
from rapport.contract.kit import verbatim
from rapport.contract.kit.errors import ApiError, BadRequest, InvalidField, NotFound
from rapport.contract.kit.fields import UNSET, Raw, Request, UnsetType
from rapport.contract.kit.method import MAX_BODY, READ, Method
from rapport.contract.table import METHODS
from rapport.operations.kit.refusals import not_permitted
from rapport.operations.kit.writing import Answer, Write, key_of
from rapport.wire.decode import RequestDecoder, decoder_of
from rapport.wire.errors import fault, render, too_large

_REF = "$ref"


class Result(NamedTuple):
    """What came of a request. `replayed`: it was answered before, under its key."""

    status: int
    body: bytes
    replayed: bool = False

    @property
    def is_done(self) -> bool:
        """It was not refused."""
        return self.status < 400  # noqa: PLR2004  # where HTTP's refusals begin


class Ready(NamedTuple):
    """A request that can be done."""

    method: Method
    request: Request
    key: str | None

    def write(self, caller: Caller) -> Write:
        """As the writer of its method takes it."""
        key = None if self.key is None else key_of(caller, self.method, self.request, self.key)
        return Write(caller, self.request, key)


class Item:
    """A request at its place, from 0.

    Args:
        place: where it stands.
        asked: what was sent.
        key: that of the whole batch, which stands for one of each request that has none.
    """

    def __init__(self, place: int, asked: BatchedRequest, key: str | None) -> None:
        self.place = place
        self.method = asked.method
        self.has_refs = not isinstance(asked.body, UnsetType) and b'"$ref"' in bytes(asked.body)
        self._body = b"{}" if isinstance(asked.body, UnsetType) else bytes(asked.body)
        own = None if isinstance(asked.idempotency_key, UnsetType) else asked.idempotency_key
        self._key = own if key is None or own is not None else idempotency.derived(key, place)
        self._ready: Ready | None = None

    @property
    def goes_together(self) -> bool:
        """Whether it is done in one go with its like beside it."""
        return self.method == CREATE.name and not self.has_refs

    def ready(self, caller: Caller, results: list[Result]) -> Ready:
        """The request, with what it refers to put in.

        Args:
            caller: who asks.
            results: of the requests before it.

        Raises:
            ApiError: it is refused before it is done.
        """
        if self._ready is None or self.has_refs:
            self._ready = self._read(caller, results)
        return self._ready

    def _read(self, caller: Caller, results: list[Result]) -> Ready:
        method = METHODS.get(self.method)
        if method is None:
            raise NotFound("route not found", detail=f"There is no method {self.method[:80]}.")
        if method is RUN:
            raise BadRequest("A batch has no batches.", detail="Put its requests into this one.")
        authorize(caller, method)
        if len(self._body) > MAX_BODY:
            raise too_large(MAX_BODY)
        decoder = decoder_of(method.request)
        body = _with_refs(self._body, decoder, self.place, results) if self.has_refs else self._body
        request: Any = decoder.from_body(body)
        if method.waits and request.wait is not UNSET:
            raise InvalidField(
                "wait: a batch waits for nothing.",
                detail="Leave it out, or ask in a request of its own.",
                field_name="wait",
            )
        return Ready(method, request, None if method.effect == READ else self._key)


def _with_refs(body: bytes, decoder: RequestDecoder, place: int, results: list[Result]) -> bytes:
    """The body with ids in place of all `{"$ref": n}`; a free-form object is none of our business.

    Raises:
        ApiError: one of them names no object.
    """
    try:
        fields = verbatim.read(body)
    except (ValueError, RecursionError):
        return body  # The decoder says what is wrong with it.
    if not isinstance(fields, dict):
        return body
    return msgspec.json.encode(
        {
            name: value if name in decoder.free_form else _led(value, name, place, results)
            for name, value in fields.items()
        }
    )


def _led(value: Any, path: str, place: int, results: list[Result]) -> Any:
    if isinstance(value, list):
        return [_led(one, f"{path}[{i}]", place, results) for i, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if [*value] == [_REF]:
        return _id_of(value[_REF], path, place, results)
    return {name: _led(one, f"{path}.{name}", place, results) for name, one in value.items()}


def _id_of(number: Any, path: str, place: int, results: list[Result]) -> str:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < place:
        raise not_permitted(
            f"{path}.{_REF}"[:200],
            "must be the place of an earlier request, from 0",
            f"This is the request in place {place}.",
            value=str(number),
        )
    result = results[number]
    found = _object_id(result.body) if result.is_done else None
    if found is None:
        raise not_permitted(
            f"{path}.{_REF}"[:200],
            "made and found no object" if result.is_done else "was refused",
            f"The request in place {number} was answered with {result.status}.",
            value=str(number),
        )
    return found


def _object_id(body: bytes) -> str | None:
    """The id of the object that an answer is about: the first in it, or its own."""
    answer = msgspec.json.decode(body)
    for one in (answer, *answer.values()):
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            return str(one["id"])
    return None


def done(method: Method, answer: Answer) -> Result:
    """What came of a request that was not refused."""
    return Result(method.status_of(answer.body), answer.body, answer.replayed)


def refused(error: Exception, item: Item) -> Result:
    """What came of one that was."""
    problem = error if isinstance(error, ApiError) else fault(f"/{item.method}", "")
    status, _, body = render(problem)
    return Result(status, body)


def told(result: Result) -> BatchedAnswer:
    """As the batch answers it."""
    return BatchedAnswer(status=result.status, body=Raw(result.body))
