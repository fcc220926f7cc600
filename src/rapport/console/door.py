"""The door: a token or a one-time link signs somebody in, a button out."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rapport.auth.sessions import LIFE, Sessions
from rapport.clock import SECOND
from rapport.console import words
from rapport.console.guard import COOKIE, Form, Guard, Visit
from rapport.console.view import THEME_COOKIE, View, keep, moved
from rapport.contract.kit.errors import Forbidden, Unauthenticated


class Door:
    """Signs in and out.

    Args:
        sessions: where sessions are.
        guard: counts guesses.
        view: the templates.
    """

    def __init__(self, sessions: Sessions, guard: Guard, view: View) -> None:
        self._sessions = sessions
        self._guard = guard
        self._view = view

    def routes(self) -> list[Route]:
        """Its pages."""
        return [
            self._guard.outside("/sign-in", self._ask, self._by_token),
            self._guard.outside("/sign-in/{link}", self._greet, self._by_link),
            self._guard.page("/sign-out", _home, self._out),
            self._guard.outside("/theme", _to_the_door, _theme),
        ]

    async def _ask(self, request: Request, _form: Form) -> Response:
        if await self._guard.signed_in(request) is not None:
            return moved(request, _way_back(request.query_params.get("next", "")))
        return self._sign_in(request, request.query_params.get("next", ""))

    def _sign_in(
        self, request: Request, way_back: str, *, status: int = 200, error: str = ""
    ) -> Response:
        return self._view.page(request, "sign_in", status=status, next=way_back, error=error)

    async def _by_token(self, request: Request, form: Form) -> Response:
        way_back = form.one("next")
        try:
            secret = await self._sessions.open_with_token(form.one("token"))
        except (Unauthenticated, Forbidden) as error:
            await self._guard.count_guess(request)
            # What was typed stays out of the answer: it may be a token.
            return self._sign_in(request, way_back, status=error.status, error=error.message)
        return await self._let_in(request, secret, _way_back(way_back))

    async def _greet(self, request: Request, _form: Form) -> Response:
        """Name who is invited; only the button's POST uses the link up."""
        invited = await self._sessions.invited(request.path_params["link"])
        if invited is None:
            await self._guard.count_guess(request)
            return self._sign_in(request, "", status=401, error=words.LINK_IS_USED)
        return self._view.page(request, "invited", invited=invited)

    async def _by_link(self, request: Request, _form: Form) -> Response:
        secret = await self._sessions.open_with_link(request.path_params["link"])
        if secret is None:
            await self._guard.count_guess(request)
            return self._sign_in(request, "", status=401, error=words.LINK_IS_USED)
        return await self._let_in(request, secret, "/")

    async def _let_in(self, request: Request, secret: str, path: str) -> Response:
        """A new session in place of the one that the browser had."""
        if before := request.cookies.get(COOKIE):
            await self._sessions.end(before)
        answer = moved(request, path)
        answer.set_cookie(
            COOKIE,
            secret,
            max_age=LIFE // SECOND,
            httponly=True,
            secure=request.url.scheme == "https",
            samesite="lax",
        )
        return answer

    async def _out(self, visit: Visit) -> Response:
        if visit.form.one("everywhere"):
            await self._sessions.end_all(visit.caller)
        else:
            await self._sessions.end(visit.signed_in.secret)
        answer = visit.moved("/sign-in")
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return answer


async def _home(visit: Visit) -> Response:
    return visit.moved("/")


async def _to_the_door(request: Request, _form: Form) -> Response:
    return moved(request, "/")


async def _theme(request: Request, form: Form) -> Response:
    """Keep the theme that somebody chose in their browser."""
    answer = moved(request, _way_back(form.one("next")))
    theme = form.one("theme")
    if theme in words.THEMES:
        keep(answer, THEME_COOKIE, theme)
    return answer


def _way_back(text: str) -> str:
    """Where somebody wanted to go, if that is a path of ours."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\", "/sign-"))
    return quote(text, safe="/?&=%:,+") if is_ours else "/"
