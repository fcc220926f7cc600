"""The console's pages and where they are."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rapport.auth.sessions import Sessions
from rapport.clock import Clock
from rapport.console.api import Api
from rapport.console.door import Door
from rapport.console.guard import Guard
from rapport.console.pages import (
    account,
    accounts,
    engagement,
    log,
    people,
    person,
    suggest,
    timeline,
)
from rapport.console.people import called, initials
from rapport.console.silence import apart
from rapport.console.touches import FAMILIES
from rapport.console.view import View
from rapport.contract.kit.errors import ApiError, NotFound
from rapport.operations.kit.invoke import Invoker
from rapport.ratelimit import Limits
from rapport.store.kit.db import Store


class Console:
    """The console of an installation.

    Args:
        invoker: runs the methods.
        store: where sessions are.
        clock: the time.
        limits: counts requests; None where limits are off.
    """

    def __init__(self, invoker: Invoker, store: Store, clock: Clock, limits: Limits | None) -> None:
        self._view = View(apart=apart, called=called, initials=initials)
        sessions = Sessions(store, clock)
        self._guard = Guard(sessions, Api(invoker), self._view, clock, limits)
        self._door = Door(sessions, self._guard, self._view)

    def routes(self) -> list[Route]:
        """Every page, and the files that pages load."""
        page = self._guard.page
        return [
            *self._door.routes(),
            page("/", timeline.show),
            page("/log", log.show, log.do),
            page("/files", log.show, log.upload),
            page("/files/{id}", engagement.file),
            page("/accounts", accounts.show),
            page("/accounts/{id}", account.show),
            page("/people", people.show),
            page("/people/{id}", person.show),
            page("/suggest/people", suggest.people),
            page("/suggest/accounts", suggest.accounts),
            *(
                page(path, show, do)
                for family in FAMILIES
                for path, show, do in engagement.Pages(family).all()
            ),
            Route("/static/{version}/{name}", self._static, methods=["GET"]),
        ]

    def refusal(self, request: Request, error: ApiError) -> Response:
        """A refusal as a page."""
        return self._guard.refusal(request, error)

    async def _static(self, request: Request) -> Response:
        found = self._view.static.answer(request)
        return found or self._guard.refusal(
            request, NotFound("There is no such file.", detail="Load the page again.")
        )
