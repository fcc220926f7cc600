"""Organisation: what it is called, and how much it keeps."""

from typing import Any

from starlette.responses import Response

from rapport.console.guard import Visit
from rapport.console.refusals import Errors, Typed, said_of
from rapport.console.settings import part
from rapport.contract import dev_orgs, engagements, meetings, works
from rapport.contract.kit.errors import ApiError
from rapport.contract.kit.method import Method

# What is counted: by which method, for those who may do another, and of what.
_COUNTED: tuple[tuple[str, Method, Method, Any], ...] = (
    ("engagements", engagements.COUNT, engagements.COUNT, {}),
    ("meetings", meetings.COUNT, meetings.COUNT, {}),
    ("works", works.COUNT, works.COUNT, {}),
    ("deleted", engagements.COUNT, engagements.RESTORE, {"deleted": True}),
)


async def show(visit: Visit) -> Response:
    """The page."""
    found = await _find(visit)
    return await _page(visit, found, {"name": found.get("display_name", "")}, {})


async def save(visit: Visit) -> Response:
    """Give the org another name."""
    typed = {"name": visit.form.one("name")}
    try:
        await visit.ask(dev_orgs.UPDATE, {"display_name": typed["name"]})
    except ApiError as error:
        errors = said_of(error, {"display_name": "name"})
        return await _page(visit, await _find(visit), typed, errors, status=error.status)
    return visit.moved("/settings/organisation?done")


async def _find(visit: Visit) -> Any:
    return (await visit.ask(dev_orgs.GET, {}))["dev_org"]


async def _page(
    visit: Visit, found: Any, typed: Typed, errors: Errors, *, status: int = 200
) -> Response:
    return part(
        visit,
        "organisation",
        status=status,
        org=found,
        typed=typed,
        errors=errors,
        counts=[
            (name, (await visit.ask(method, request))["count"])
            for name, method, right, request in _COUNTED
            if visit.may(right)
        ],
        may_change=visit.may(dev_orgs.UPDATE),
    )
