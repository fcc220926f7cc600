"""Log an engagement: who, what kind, about what, when."""

import secrets
from typing import Any

from starlette.responses import Response

from rapport.console import words
from rapport.console.guard import Form, Visit
from rapport.console.people import CannotTell, find_account, find_people
from rapport.contract import engagements, tags
from rapport.contract.kit.errors import ApiError, FieldError

_FIELDS = {
    "engagement_type": "kind",
    "title": "about",
    "scheduled_date": "when",
    "description": "notes",
    "members": "who",
    "parents": "account",
}


async def show(visit: Visit) -> Response:
    """The form, with now as its time; the address may say who and of which account."""
    query = visit.request.query_params
    typed = {
        "kind": "call",
        "when": visit.moments.at_present().typed,
        "who": query.get("who", ""),
        "account": query.get("account", ""),
        "key": secrets.token_urlsafe(16),
    }
    return await _form(visit, typed, {})


async def do(visit: Visit) -> Response:
    """Save it. The form has its idempotency key: sent twice, it makes one."""
    typed, errors, request = read(visit.form), dict[str, str](), dict[str, Any]()
    request["engagement_type"] = typed["kind"] or "default"
    request["title"] = typed["about"]
    if not typed["about"]:
        errors["about"] = words.NO_TITLE
    await fill(visit, typed, request, errors)
    if errors:
        return await _form(visit, typed, errors, status=400)
    request["tags"] = [{"id": one} for one in visit.form.many("tag")]
    try:
        made = await visit.ask(engagements.CREATE, request, key=typed["key"] or None)
    except FieldError as error:
        return await _form(visit, typed, by_field(error), status=error.status)
    return visit.moved(f"/engagements/{made['engagement']['display_id']}")


def read(form: Form) -> dict[str, str]:
    """What was typed, by the names of the form's fields."""
    return {
        name: form.one(name)
        for name in ("kind", "about", "when", "who", "account", "notes", "key", "version")
    }


async def fill(
    visit: Visit, typed: dict[str, str], request: dict[str, Any], errors: dict[str, str]
) -> None:
    """Turn what was typed into the fields of a request; what can't be told goes to `errors`."""
    try:
        request["members"] = await find_people(visit, typed["who"])
        if not request["members"]:
            errors["who"] = words.NOBODY
    except CannotTell as error:
        errors["who"] = str(error)
    try:
        request["parents"] = await find_account(visit, typed["account"])
    except CannotTell as error:
        errors["account"] = str(error)
    try:
        request["scheduled_date"] = visit.moments.typed(typed["when"]).isoformat()
    except ValueError as error:
        errors["when"] = str(error) if "clocks" in str(error) else words.NO_TIME
    request["description"] = typed["notes"]


def by_field(error: ApiError) -> dict[str, str]:
    """A refusal's violations, by the form's fields."""
    told = getattr(error, "violations", None) or [error]
    return {
        _FIELDS.get(one.field_name.partition(".")[0].partition("[")[0], "form"): one.message
        for one in told
    }


async def _form(
    visit: Visit, typed: dict[str, str], errors: dict[str, str], *, status: int = 200
) -> Response:
    known = (await visit.ask(tags.LIST, {"limit": 100}))["tags"] if visit.may(tags.LIST) else []
    return visit.page(
        "log",
        status=status,
        typed={name: typed.get(name, "") for name in read(visit.form)},
        errors=errors,
        tags=known,
        tagged=visit.form.many("tag"),
    )
