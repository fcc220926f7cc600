"""One ASGI endpoint for every method: find it, authenticate, limit, decode, invoke, encode."""

import re
import time
from collections.abc import MutableMapping
from typing import Any, NamedTuple

from prometheus_client import Counter

from rapport import metrics
from rapport.auth.caller import Caller, Callers, authorize
from rapport.contract.engagements import EXPANSIONS
from rapport.contract.events import LIST as EVENTS_LIST
from rapport.contract.events import EventsListRequest
from rapport.contract.kit.errors import ApiError, InvalidEnumValue, InvalidField, Unauthenticated
from rapport.contract.kit.fields import UNSET, Request
from rapport.contract.kit.method import READ, Method
from rapport.contract.table import METHODS
from rapport.events.bell import Bell
from rapport.http.asgi import App, Headers, Receive, Scope, Send, respond
from rapport.http.bodies import check_content, check_version, in_the_query, read_body, refuse_body
from rapport.http.encoding import packed
from rapport.http.stream import PATH, Stream, last_event_id
from rapport.logs import get_logger
from rapport.operations.kit.invoke import Invoker
from rapport.ratelimit import Limits
from rapport.store.kit.db import STORE_SECONDS, never
from rapport.wire.decode import RequestDecoder
from rapport.wire.errors import fault, render, request_id, wrong_verb
from rapport.wire.strict import AnswerFilter

_SECRET_FAMILIES = ("auth-tokens", "webhooks")
# Where a server that knows puts what says whether the asker has gone.
IS_GONE = "rapport.is_gone"
_CALLER = "rapport.caller"
# W3C's Trace Context: version, trace, parent, flags; a trace of zeros is none.
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_log = get_logger("rapport.http")


class _Route(NamedTuple):
    method: Method
    decoder: RequestDecoder
    answer_filter: AnswerFilter | None
    counts: "_Counts"


class _Counts:
    """What is measured of a method's answers; finding a metric by its labels takes longer than
    counting.
    """

    def __init__(self, method: str) -> None:
        self._method = method
        self._seconds = metrics.REQUEST_SECONDS.labels(method)
        self._requests: dict[int, Counter] = {}

    def add(self, status: int, seconds: float) -> None:
        """One more answer."""
        counter = self._requests.get(status)
        if counter is None:
            counter = metrics.REQUESTS.labels(self._method, str(status))
            self._requests[status] = counter
        counter.inc()
        self._seconds.observe(seconds)


class Edge:
    """The API as an ASGI application.

    Args:
        invoker: runs the methods.
        callers: finds who asks.
        bell: ends streams when the server leaves.
        limiter: counts requests; None where limits are off.
        strict: refuse what is not DevRev's, and leave it out of answers.
        access_log: write a line per request.
        site: answers the paths that are no methods.
    """

    def __init__(
        self,
        invoker: Invoker,
        callers: Callers,
        bell: Bell,
        limiter: Limits | None,
        *,
        strict: bool,
        access_log: bool,
        site: App,
    ) -> None:
        self._invoker = invoker
        self._callers = callers
        self._limiter = limiter
        self._strict = strict
        self._access_log = access_log
        self._site = identified(site)
        self._stream = Stream(invoker, bell)
        self._routes = {
            method.path: _Route(
                method,
                RequestDecoder(method.request, strict=strict),
                AnswerFilter(method.response) if strict else None,
                _Counts(method.name),
            )
            for method in METHODS.values()
            if not (strict and method.ours)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._site(scope, receive, send)
            return
        route = self._routes.get(scope["path"])
        if route is None:
            if scope["path"] == PATH and not self._strict:
                await self._stream_events(scope, receive, send)
            else:
                await self._site(scope, receive, send)
            return
        headers: Headers = dict(scope["headers"])
        out = {"x-request-id": request_id(headers)}
        began = time.monotonic()
        try:
            status, body = await self._answer(route, scope, receive, headers, out)
        except ApiError as error:
            status, more, body = render(error, strict=self._strict)
            out.update(more)
        except Exception:  # noqa: BLE001  # whatever it was, the caller gets an answer and the log the traceback
            status, more, body = render(fault(scope["path"], out["x-request-id"]))
            out.update(more)
        if not _bears_secrets(route.method):
            body = await packed(body, headers.get(b"accept-encoding"), out)
        seconds = time.monotonic() - began
        route.counts.add(status, seconds)
        await respond(send, status, out, body)
        if self._access_log:
            _log.info(
                "request",
                method=route.method.name,
                status=status,
                bytes=len(body),
                milliseconds=round(seconds * 1000, 1),
                request_id=out["x-request-id"],
                **_asker(scope, headers),
            )

    async def _answer(
        self, route: _Route, scope: Scope, receive: Receive, headers: Headers, out: dict[str, str]
    ) -> tuple[int, bytes]:
        method = route.method
        if scope["method"] not in method.verbs:
            raise wrong_verb(scope["method"], method.path, ", ".join(method.verbs))
        deadline = time.monotonic() + STORE_SECONDS
        caller = await self._authenticate(scope, headers, out, deadline)
        if method.signs_urls:
            caller = caller._replace(origin=origin(scope, headers))
        # invoke() checks this for everybody; here it comes before the body is read.
        authorize(caller, method)
        check_version(headers)
        if scope["method"] == "GET":
            await refuse_body(receive, headers, out)
            request = route.decoder.from_query(scope["query_string"])
        else:
            check_content(headers)
            if scope["query_string"]:
                raise in_the_query(scope["query_string"])
            body = await read_body(receive, headers, out, most=method.max_bytes)
            deadline = time.monotonic() + STORE_SECONDS
            request = route.decoder.from_body(body)
            if request.weight > 1 and self._limiter is not None:
                usage = await self._limiter.take((caller.org, caller.user_id), request.weight - 1)
                out.update(usage.headers)
        self._apply_header(request, headers)
        key = self._idempotency_key(method, headers)
        answer = await self._invoker.invoke(
            caller, method, request, key=key, deadline=deadline, is_gone=scope.get(IS_GONE, never)
        )
        if method.waits:
            # Meanwhile the token may have been revoked.
            await self._callers.of(
                headers.get(b"authorization"), deadline=time.monotonic() + STORE_SECONDS
            )
        if answer.replayed:
            out["idempotent-replayed"] = "true"
        body = route.answer_filter(answer.body) if route.answer_filter else answer.body
        return method.status_of(answer.body), body

    async def _authenticate(
        self, scope: Scope, headers: Headers, out: dict[str, str], deadline: float
    ) -> Caller:
        """Who calls, counted."""
        limiter = self._limiter
        header = headers.get(b"authorization")
        try:
            caller = await self._callers.of(header, deadline=deadline)
        except Unauthenticated:
            if limiter is not None:
                # Guesses are counted by address, and never held against a good token that comes
                # from there.
                await limiter.take(("address", (scope.get("client") or ("",))[0]))
            raise
        scope[_CALLER] = caller
        if limiter is not None:
            out.update((await limiter.take((caller.org, caller.user_id))).headers)
        return caller

    async def _stream_events(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `/events`, as if it were a method until the first event goes out."""
        headers: Headers = dict(scope["headers"])
        out = {"x-request-id": request_id(headers)}
        started = False

        async def start(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            request = await self._read_stream(scope, receive, headers, out)
            header = headers.get(b"authorization")

            async def who() -> Caller:
                return await self._callers.of(header, deadline=time.monotonic() + STORE_SECONDS)

            with metrics.FEED_READERS.track_inprogress():
                await self._stream.serve(request, who, receive, start, out)
        except ApiError as error:
            status, more, body = render(error, strict=self._strict)
        except Exception:
            if started:
                raise
            status, more, body = render(fault(scope["path"], out["x-request-id"]))
        else:
            return
        out.update(more)
        await respond(send, status, out, body)

    async def _read_stream(
        self, scope: Scope, receive: Receive, headers: Headers, out: dict[str, str]
    ) -> EventsListRequest:
        """Who reads what, from where; `Last-Event-ID` counts for more than `after`.

        Raises:
            ApiError: the request is refused.
        """
        if scope["method"] != "GET":
            raise wrong_verb(scope["method"], PATH, "GET")
        caller = await self._authenticate(scope, headers, out, time.monotonic() + STORE_SECONDS)
        authorize(caller, EVENTS_LIST)
        check_version(headers)
        await refuse_body(receive, headers, out)
        request = self._routes[EVENTS_LIST.path].decoder.from_query(scope["query_string"])
        assert isinstance(request, EventsListRequest)  # noqa: S101  # what the route's decoder reads
        for name in ("limit", "wait"):
            if getattr(request, name) is not UNSET:
                raise InvalidField(
                    f"{name}: a stream has none.",
                    detail=f"Leave it out, or call {EVENTS_LIST.name}.",
                    field_name=name,
                )
        if (last := last_event_id(headers.get(b"last-event-id"))) is not None:
            request.after = last
        return request

    def _apply_header(self, request: Request, headers: Headers) -> None:
        """Take `X-Rapport-Expand` for a request that does not say `expand` itself.

        Raises:
            InvalidEnumValue: it names something that can't be expanded.
            InvalidField: the server is strict.
        """
        header = headers.get(b"x-rapport-expand")
        if header is None:
            return
        if self._strict:
            raise _not_devrevs("X-Rapport-Expand")
        chosen = [name.strip() for name in header.decode("latin-1").split(",") if name.strip()]
        for name in chosen:
            if name not in EXPANSIONS:
                raise InvalidEnumValue(
                    f"X-Rapport-Expand: {name[:80]!r} can't be expanded.",
                    detail=f"Use {', '.join(EXPANSIONS)}.",
                    field_name="X-Rapport-Expand",
                    value=name,
                    allowed_values=list(EXPANSIONS),
                )
        if getattr(request, "expand", None) is UNSET:
            request.expand = chosen  # type: ignore[attr-defined]

    def _idempotency_key(self, method: Method, headers: Headers) -> str | None:
        header = headers.get(b"idempotency-key")
        if header is None or method.effect == READ:
            return None
        if self._strict:
            raise _not_devrevs("Idempotency-Key")
        return header.decode("latin-1")


def _asker(scope: Scope, headers: Headers) -> dict[str, str]:
    """Who asked from where, as the access log has it; what is not known is left out."""
    caller = scope.get(_CALLER)
    address = (scope.get("client") or (None,))[0]
    trace = _TRACEPARENT.fullmatch(headers.get(b"traceparent", b""))
    known = {
        "user": caller.user_id if caller else None,
        "org": caller.org if caller else None,
        "address": address,
        "trace_id": trace[1].decode() if trace else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _bears_secrets(method: Method) -> bool:
    """Whether an answer's compressed length could tell of a token, a secret or a signature."""
    return method.signs_urls or method.secret_answer or method.family in _SECRET_FAMILIES


def identified(app: App) -> App:
    """Give every answer of an application an `X-Request-Id`, where it has none."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async def carry(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                if all(name != b"x-request-id" for name, _ in headers):
                    headers.append((b"x-request-id", request_id(dict(scope["headers"])).encode()))
                message["headers"] = headers
            await send(message)

        await app(scope, receive, carry)

    return call


def _not_devrevs(header: str) -> InvalidField:
    return InvalidField(
        f"{header}: DevRev has no such header, and this server is strict.",
        detail="Leave it out, or run the server without RAPPORT_STRICT.",
        field_name=header,
    )


def origin(scope: Scope, headers: Headers) -> str:
    """Scheme and host by which the caller came in, for the URLs that are handed out."""
    host = headers.get(b"host", b"").decode("latin-1")
    if not host:  # HTTP/1.0 may come without
        name, port = scope.get("server") or ("127.0.0.1", None)
        host = f"[{name}]" if ":" in name else name
        host = host if port is None else f"{host}:{port}"
    return f"{scope['scheme']}://{host}"
