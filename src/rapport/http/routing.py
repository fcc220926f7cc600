"""Routes of what is served beside the methods."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope


def get(
    path: str, endpoint: Callable[[Request], Awaitable[Response]], kind: type[Route] = Route
) -> Route:
    """A route for GET alone: HEAD, which Starlette adds, is refused here as on every method."""
    route = kind(path, endpoint, methods=["GET"])
    route.methods = {"GET"}
    return route


class ForPrograms(Route):
    """A route that a person's browser does not see."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As a route does, for whoever does not ask for a page."""
        if scope["type"] == "http" and wants_page(Request(scope)):
            return Match.NONE, {}
        return super().matches(scope)


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks: it takes HTML, and before JSON."""
    accept = request.headers.get("accept", "")
    html, json = accept.find("text/html"), accept.find("application/json")
    return html >= 0 and (json < 0 or html < json)
