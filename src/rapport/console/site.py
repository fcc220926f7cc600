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
    calendar,
    engagement,
    health,
    live,
    log,
    member,
    members,
    opportunities,
    opportunity,
    organisation,
    overview,
    people,
    person,
    profile,
    search,
    suggest,
    tag,
    tags,
    timeline,
    tokens,
    trash,
    webhook,
    webhooks,
)
from rapport.console.people import called, initials
from rapport.console.silence import apart
from rapport.console.touches import FAMILIES
from rapport.console.view import View
from rapport.contract.kit.errors import ApiError, NotFound
from rapport.operations.health import Health
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
        public_url: where the server is for those outside; None where it is where they come in.
    """

    def __init__(
        self,
        invoker: Invoker,
        store: Store,
        clock: Clock,
        limits: Limits | None,
        *,
        public_url: str | None = None,
    ) -> None:
        self._view = View(apart=apart, called=called, initials=initials)
        sessions = Sessions(store, clock)
        api = Api(invoker)
        self._guard = Guard(sessions, api, self._view, clock, limits, public_url=public_url)
        self._health = health.Page(Health(store), limits)
        self._door = Door(sessions, self._guard, self._view)

    def routes(self) -> list[Route]:
        """Every page, and the files that pages load."""
        page = self._guard.page
        return [
            *self._door.routes(),
            page("/", timeline.show),
            page("/live", live.show),
            page("/log", log.show, log.do),
            page("/files", log.show, log.upload),
            page("/files/{id}", engagement.file),
            page("/accounts", accounts.show),
            page("/accounts/{id}", account.show),
            page("/people", people.show),
            page("/people/{id}", person.show),
            page("/opportunities", opportunities.show),
            page("/opportunities/{id}", opportunity.show),
            page("/calendar", calendar.show),
            page("/overview", overview.show),
            page("/trash", trash.show, trash.restore),
            *self._settings(),
            page("/search", search.show),
            page("/suggest/everything", suggest.everything),
            page("/suggest/people", suggest.people),
            page("/suggest/accounts", suggest.accounts),
            *(
                page(path, show, do)
                for family in FAMILIES
                for path, show, do in engagement.Pages(family).all()
            ),
            Route("/static/{version}/{name}", self._static, methods=["GET"]),
        ]

    def _settings(self) -> list[Route]:
        """The pages under Settings; a deed's own address leads back to its page."""
        page = self._guard.page
        one_member, one_tag = "/settings/people/{id}", "/settings/tags/{id}"
        one_webhook = "/settings/webhooks/{id}"
        return [
            page("/settings", profile.home),
            page("/settings/profile", profile.show, profile.save),
            page("/settings/tokens", tokens.show, tokens.make),
            page("/settings/tokens/revoke", tokens.back, tokens.revoke),
            page("/settings/people", members.show, members.add),
            page(one_member, member.show, member.save),
            page(f"{one_member}/activate", member.back, member.activate),
            page(f"{one_member}/deactivate", member.back, member.deactivate),
            page(f"{one_member}/link", member.back, member.invite),
            page("/settings/tags", tags.show, tags.make),
            page(one_tag, tag.show, tag.save),
            page(f"{one_tag}/delete", tag.back, tag.delete),
            page("/settings/organisation", organisation.show, organisation.save),
            page("/settings/health", self._health.show),
            page("/settings/webhooks", webhooks.show, webhooks.make),
            page(one_webhook, webhook.show, webhook.save),
            page(f"{one_webhook}/activate", webhook.back, webhook.activate),
            page(f"{one_webhook}/deactivate", webhook.back, webhook.deactivate),
            page(f"{one_webhook}/delete", webhook.back, webhook.delete),
            page(f"{one_webhook}/send", webhook.back, webhook.send),
        ]

    def refusal(self, request: Request, error: ApiError) -> Response:
        """A refusal as a page."""
        return self._guard.refusal(request, error)

    async def _static(self, request: Request) -> Response:
        found = self._view.static.answer(request)
        return found or self._guard.refusal(
            request, NotFound("There is no such file.", detail="Load the page again.")
        )
