"""One engagement: all that is known of it, its comments and history; edit, delete, restore."""

import secrets
from typing import Any

from starlette.responses import Response

from rapport.console import words
from rapport.console.guard import Visit
from rapport.console.pages import log
from rapport.console.people import called
from rapport.contract import artifacts, engagements, timeline_entries
from rapport.contract.kit.errors import FieldError

_EXPAND = ["members", "parents", "tags", "artifacts"]
_ENTRIES = 50


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit)


async def comment(visit: Visit) -> Response:
    """Add a comment."""
    body = visit.form.one("body")
    if not body:
        return await _page(visit)
    request = {"object": _id(visit), "type": "timeline_comment", "body": body}
    await visit.ask(timeline_entries.CREATE, request, key=visit.form.one("key") or None)
    return visit.moved(f"/engagements/{_id(visit)}")


async def edit(visit: Visit) -> Response:
    """The form, filled with what is there."""
    found = await _find(visit)
    typed = {
        "kind": found.get("engagement_type", "default"),
        "about": found.get("title", ""),
        "when": visit.moments.of(found["scheduled_date"]).typed
        if "scheduled_date" in found
        else "",
        "who": ", ".join(_typed_person(one) for one in found.get("members", [])),
        "account": ", ".join(one["display_id"] for one in found.get("parents", [])),
        "notes": found.get("description", ""),
        "version": found["modified_date"],
    }
    return _form(visit, found, typed, {})


async def save(visit: Visit) -> Response:
    """Save what was edited, unless somebody else has meanwhile."""
    found, typed = await _find(visit), log.read(visit.form)
    errors: dict[str, str] = {}
    if typed["version"] != found["modified_date"]:
        errors["form"] = words.CHANGED_MEANWHILE
        return _form(visit, found, {**typed, "version": found["modified_date"]}, errors, status=409)
    request: dict[str, Any] = {}
    await log.fill(visit, typed, request, errors)
    if not typed["about"]:
        errors["about"] = words.NO_TITLE
    if errors:
        return _form(visit, found, typed, errors, status=400)
    change = {
        "id": _id(visit),
        "title": typed["about"],
        "engagement_type": typed["kind"] or "default",
        "description": request["description"],
        "scheduled_date": request["scheduled_date"],
        "members": {"set": request["members"]},
    }
    # Several parents are kept as they are: the form has room for one account.
    if len(found.get("parents", [])) < 2:  # noqa: PLR2004  # one
        change["parents"] = {"set": request["parents"]}
    try:
        await visit.ask(engagements.UPDATE, change)
    except FieldError as error:
        return _form(visit, found, typed, log.by_field(error), status=error.status)
    return visit.moved(f"/engagements/{_id(visit)}")


async def delete(visit: Visit) -> Response:
    """Delete it; the page after this one offers to undo that."""
    await visit.ask(engagements.DELETE, {"id": _id(visit)})
    return visit.moved(f"/?deleted={_id(visit)}")


async def restore(visit: Visit) -> Response:
    """Take a deletion back."""
    await visit.ask(engagements.RESTORE, {"id": _id(visit)})
    return visit.moved(f"/engagements/{_id(visit)}")


async def back(visit: Visit) -> Response:
    """To the page, from the address of a deed."""
    return visit.moved(f"/engagements/{_id(visit)}")


async def file(visit: Visit) -> Response:
    """On to a file's bytes, by an address that is good for a while."""
    found = await visit.ask(artifacts.LOCATE, {"id": visit.request.path_params["id"]})
    return Response(status_code=303, headers={"location": found["url"]})


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["id"])


async def _find(visit: Visit) -> Any:
    request = {"id": _id(visit), "expand": _EXPAND}
    return (await visit.ask(engagements.GET, request))["engagement"]


async def _page(visit: Visit) -> Response:
    found = await _find(visit)
    entries: list[Any] = []
    if visit.may(timeline_entries.LIST):
        answer = await visit.ask(
            timeline_entries.LIST, {"object": found["display_id"], "limit": _ENTRIES}
        )
        entries = answer["timeline_entries"]
    return visit.page(
        "engagement",
        engagement=found,
        entries=[(visit.moments.of(one["created_date"]), one) for one in entries],
        key=secrets.token_urlsafe(16),
        can={
            "edit": visit.may(engagements.UPDATE),
            "delete": visit.may(engagements.DELETE),
            "comment": visit.may(timeline_entries.CREATE),
        },
    )


def _form(
    visit: Visit,
    found: Any,
    typed: dict[str, str],
    errors: dict[str, str],
    *,
    status: int = 200,
) -> Response:
    return visit.page(
        "edit",
        status=status,
        engagement=found,
        typed={name: typed.get(name, "") for name in log.read(visit.form)},
        errors=errors,
    )


def _typed_person(person: Any) -> str:
    return str(person.get("email") or person["display_id"]) if called(person) else ""
