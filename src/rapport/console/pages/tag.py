"""One tag: its name, the values that it may have; gone from everything once deleted."""

from typing import Any

from starlette.responses import Response

from rapport.console.guard import Visit
from rapport.console.pages.tags import FIELDS, values_of
from rapport.console.refusals import Errors, Typed, said_of
from rapport.console.settings import part
from rapport.contract import tags
from rapport.contract.kit.errors import ApiError


async def show(visit: Visit) -> Response:
    """The page."""
    visit.need(tags.UPDATE)
    found = await _find(visit)
    typed = {
        "name": found["name"],
        "description": found.get("description", ""),
        "values": "\n".join(found.get("allowed_values", [])),
    }
    return _page(visit, found, typed, {})


async def save(visit: Visit) -> Response:
    """Save what was changed."""
    typed = {name: visit.form.one(name) for name in FIELDS.values()}
    found = await _find(visit)
    request = {"name": typed["name"], "allowed_values": {"set": values_of(typed)}}
    if typed["description"] != found.get("description", ""):
        request["description"] = typed["description"]
    try:
        await visit.ask(tags.UPDATE, {"id": found["id"], **request})
    except ApiError as error:
        return _page(visit, found, typed, said_of(error, FIELDS), status=error.status)
    return visit.moved(f"/settings/tags/{found['display_id']}?done")


async def delete(visit: Visit) -> Response:
    """Delete it for good."""
    await visit.ask(tags.DELETE, {"id": visit.request.path_params["id"]})
    return visit.moved("/settings/tags?done")


async def back(visit: Visit) -> Response:
    """To the page, from the address of a deed."""
    return visit.moved(f"/settings/tags/{visit.request.path_params['id']}")


async def _find(visit: Visit) -> Any:
    return (await visit.ask(tags.GET, {"id": visit.request.path_params["id"]}))["tag"]


def _page(visit: Visit, found: Any, typed: Typed, errors: Errors, *, status: int = 200) -> Response:
    may_delete = visit.may(tags.DELETE)
    return part(
        visit, "tag", status=status, tag=found, typed=typed, errors=errors, may_delete=may_delete
    )
