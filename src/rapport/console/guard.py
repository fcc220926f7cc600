"""Who comes to a page, and what every page holds to: a session, requests from here alone."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from rapport.auth.caller import Caller, authorize
from rapport.auth.sessions import Sessions, SignedIn
from rapport.clock import Clock
from rapport.console import words
from rapport.console.api import Api, may
from rapport.console.moments import Moments
from rapport.console.places import places
from rapport.console.view import Later, View, moved
from rapport.contract.dev_users import SELF
from rapport.contract.engagements import CREATE
from rapport.contract.kit import ids
from rapport.contract.kit.errors import (
    ApiError,
    BadRequest,
    Forbidden,
    RequestEntityTooLarge,
    Unauthenticated,
)
from rapport.contract.kit.method import Method
from rapport.ratelimit import Limits
from rapport.wire.errors import fault, request_id

COOKIE = "rapport_session"
ZONE_COOKIE = "rapport_zone"
# What somebody chose in their profile: a zone beside the browser's, and no shortcuts of one key.
OWN_ZONE_COOKIE = "rapport_own_zone"
KEYS_COOKIE = "rapport_keys"
_MAX_FORM = 1024 * 1024
_FORM_SECONDS = 30
_MOST_FIELDS = 500


class Form:
    """What a form sent, by name; texts without the space around them."""

    def __init__(self, values: dict[str, list[str]]) -> None:
        self._values = values

    def one(self, name: str) -> str:
        """The first value of a field; empty where there is none."""
        return self._values.get(name, [""])[0].strip()

    def fill(self, **values: list[str]) -> None:
        """Say of some fields what a form that is opened begins with."""
        self._values.update(values)

    def many(self, name: str) -> list[str]:
        """Every value of a field that is not empty."""
        return [value.strip() for value in self._values.get(name, []) if value.strip()]


class Visit(NamedTuple):
    """One request of somebody who is signed in.

    Args:
        request: theirs.
        signed_in: who they are.
        reader: their dev user as the API shows it, or None for a service account.
        moments: instants as they see them.
        form: what they sent; empty for a GET.
        api: the methods.
        view: the templates.
        sessions: who is signed in.
        root: where this server is, for addresses that are handed over.
    """

    request: Request
    signed_in: SignedIn
    reader: Any
    moments: Moments
    form: Form
    api: Api
    view: View
    sessions: Sessions
    root: str

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.signed_in.caller

    async def ask(self, method: Method, request: Any, *, key: str | None = None) -> Any:
        """A method's answer; see `Api.ask`."""
        return await self.api.ask(self.caller, method, request, key=key)

    async def ask_here(self, method: Method, request: Any) -> Any:
        """The page of a list that the address is at: its cursor goes with the request."""
        cursor = self.request.query_params.get("cursor")
        return await self.ask(method, {**request, "cursor": cursor} if cursor else request)

    def may(self, method: Method) -> bool:
        """Whether the reader may do this."""
        return may(self.caller, method)

    def need(self, method: Method) -> None:
        """See that the reader may do this.

        Raises:
            Forbidden: they may not.
        """
        authorize(self.caller, method)

    def page(self, name: str, *, status: int = 200, **shown: Any) -> Response:
        """A page from its template; see `View.page`."""
        make = partial(
            self.view.page,
            self.request,
            name,
            status=status,
            caller=self.caller,
            reader=self.reader,
            moments=self.moments,
            places=places(self.caller),
            keys=self.request.cookies.get(KEYS_COOKIE, "on"),
            can_log=self.may(CREATE),
            **shown,
        )
        return Later(make)

    def moved(self, path: str) -> Response:
        """On to another page."""
        return moved(self.request, path)

    async def link_for(self, user_id: str) -> str:
        """A link that signs another of the reader's org in once; see that they may make one."""
        return f"{self.root}/sign-in/{await self.sessions.link_for(self.caller.org, user_id)}"


Work = Callable[[Visit], Awaitable[Response]]
Outside = Callable[[Request, Form], Awaitable[Response]]


class Guard:
    """Lets people in to pages.

    Args:
        sessions: who is signed in.
        api: the methods.
        view: the templates.
        clock: the time.
        limits: counts requests; None where limits are off.
        public_url: where the server is for those outside; None where it is where they came in.
    """

    def __init__(
        self,
        sessions: Sessions,
        api: Api,
        view: View,
        clock: Clock,
        limits: Limits | None,
        *,
        public_url: str | None = None,
    ) -> None:
        self._sessions = sessions
        self._api = api
        self._view = view
        self._clock = clock
        self._limits = limits
        self._public_url = public_url

    def page(self, path: str, show: Work, do: Work | None = None) -> Route:
        """A page for those who are signed in: `show` answers GET, `do` POST."""

        async def answer(request: Request, form: Form) -> Response:
            signed_in = await self.signed_in(request)
            if signed_in is None:
                return self._sign_in_first(request)
            if self._limits is not None:
                caller = signed_in.caller
                await self._limits.take((caller.org, caller.user_id))
            visit = await self._visit(request, signed_in, form)
            return await (do if do and request.method == "POST" else show)(visit)

        return self.outside(path, answer, answer if do else None)

    def outside(self, path: str, show: Outside, do: Outside | None = None) -> Route:
        """A page for everybody."""

        async def answer(request: Request) -> Response:
            try:
                form = await self._form(request)
                answer = await (do if do and request.method == "POST" else show)(request, form)
                return await answer.made() if isinstance(answer, Later) else answer
            except ApiError as error:
                return self.refusal(request, error)
            except Exception:  # noqa: BLE001  # the reader gets a page, and the log the traceback
                own = request_id(dict(request.scope["headers"]))
                answer = self.refusal(request, fault(request.url.path, own))
                answer.headers["x-request-id"] = own
                return answer

        return _route(path, answer, has_post=do is not None)

    async def signed_in(self, request: Request) -> SignedIn | None:
        """Who the cookie speaks for; their origin is where they came in."""
        secret = request.cookies.get(COOKIE)
        found = await self._sessions.of(secret) if secret else None
        if found is None:
            return None
        origin = f"{request.url.scheme}://{request.url.netloc}"
        return found._replace(caller=found.caller._replace(origin=origin))

    async def count_guess(self, request: Request) -> None:
        """Count a try to sign in that failed, by the address it came from.

        Raises:
            TooManyRequests: there were too many.
        """
        if self._limits is not None:
            address = request.client.host if request.client else ""
            await self._limits.take(("address", address))

    def refusal(self, request: Request, error: ApiError) -> Response:
        """A page that says what was refused, and what to do about it."""
        return self._view.page(
            request,
            "error",
            status=error.status,
            headers=error.headers,
            message=error.message,
            detail=error.detail,
        )

    async def _visit(self, request: Request, signed_in: SignedIn, form: Form) -> Visit:
        reader = None
        if may(signed_in.caller, SELF) and ids.kind_of(signed_in.caller.user_id) is ids.DEV_USER:
            reader = (await self._api.ask(signed_in.caller, SELF, {}))["dev_user"]
        zone = request.cookies.get(OWN_ZONE_COOKIE) or request.cookies.get(ZONE_COOKIE, "UTC")
        root = (self._public_url or signed_in.caller.origin).rstrip("/")
        return Visit(
            request,
            signed_in,
            reader,
            Moments(zone, self._clock()),
            form,
            self._api,
            self._view,
            self._sessions,
            root,
        )

    def _sign_in_first(self, request: Request) -> Response:
        """To the door, and back here afterwards; a deed has to be done again."""
        if request.method != "GET" or "hx-request" in request.headers:
            return moved(request, "/sign-in", fragment_status=Unauthenticated.status)
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return moved(
            request, f"/sign-in?next={quote(here, safe='/')}" if here != "/" else "/sign-in"
        )

    async def _form(self, request: Request) -> Form:
        if request.method != "POST":
            return Form({})
        _refuse_foreign(request)
        return Form(await _read_form(request))


def _route(path: str, answer: Callable[[Request], Awaitable[Response]], *, has_post: bool) -> Route:
    verbs = {"GET", "POST"} if has_post else {"GET"}
    route = Route(path, answer, methods=list(verbs))
    # HEAD, which Starlette adds, is refused here as on every method.
    route.methods = verbs
    return route


def _refuse_foreign(request: Request) -> None:
    """Refuse a form of another site: browsers say where one came from.

    Raises:
        Forbidden: it did, or nobody says.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_ours = site == "same-origin"
    if site is None and origin is not None:
        # Behind a proxy that ends TLS the scheme may differ; the host is what a browser can't lie
        # about.
        is_ours = origin.partition("://")[2] == request.headers.get("host", "")
    if not is_ours:
        raise Forbidden(words.NOT_FROM_HERE, detail="Open the page here, and send it again.")


async def _read_form(request: Request) -> dict[str, list[str]]:
    """Read a form of at most 1 MiB.

    Raises:
        RequestEntityTooLarge: it is larger.
        BadRequest: it is none, or did not arrive.
    """
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise BadRequest("This is no form.", detail="Open the page here, and send it again.")
    body = b""
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _MAX_FORM:
                    raise RequestEntityTooLarge(
                        f"The form is larger than {_MAX_FORM} bytes.",
                        detail="Send less at once.",
                        max_bytes=_MAX_FORM,
                    )
        return parse_qs(
            body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except (TimeoutError, ClientDisconnect, ValueError):
        raise BadRequest(
            "The form did not arrive whole.", detail="Send it again from the page."
        ) from None
