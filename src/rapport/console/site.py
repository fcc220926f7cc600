"""The console's pages and where they are."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rapport.auth.sessions import Sessions
from rapport.clock import Clock
from rapport.console.api import Api
from rapport.console.changes import said
from rapport.console.door import Door
from rapport.console.guard import Guard
from rapport.console.pages import engagement, log, timeline
from rapport.console.people import called, initials
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
        self._view = View(called=called, initials=initials, said=said)
        sessions = Sessions(store, clock)
        self._guard = Guard(sessions, Api(invoker), self._view, clock, limits)
        self._door = Door(sessions, self._guard, self._view)

    def routes(self) -> list[Route]:
        """Every page, and the files that pages load."""
        page = self._guard.page
        one = "/engagements/{id}"
        return [
            *self._door.routes(),
            page("/", timeline.show),
            page("/log", log.show, log.do),
            page(one, engagement.show),
            page(f"{one}/edit", engagement.edit, engagement.save),
            page(f"{one}/comments", engagement.back, engagement.comment),
            page(f"{one}/delete", engagement.back, engagement.delete),
            page(f"{one}/restore", engagement.back, engagement.restore),
            page("/files/{id}", engagement.file),
            Route("/static/{version}/{name}", self._static, methods=["GET"]),
        ]

    def refusal(self, request: Request, error: ApiError) -> Response:
        """A refusal as a page."""
        return self._guard.refusal(request, error)

    async def _static(self, request: Request) -> Response:
        found = self._view.static.answer(request)
        return found or self.refusal(
            request, NotFound("There is no such file.", detail="Load the page again.")
        )
