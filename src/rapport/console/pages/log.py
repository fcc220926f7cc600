"""Log an engagement: who, what kind, about what, when."""

import secrets
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

from rapport.console import newcomer, words
from rapport.console.guard import Form, Visit
from rapport.console.moments import NoSuchTime
from rapport.console.people import CannotTell, find_account, find_people
from rapport.console.refusals import Errors, Typed, said_of
from rapport.console.touches import ENGAGEMENTS, MEETING, MEETINGS, Family
from rapport.console.view import address
from rapport.contract import artifacts, meetings, tags
from rapport.contract.engagements import CREATE
from rapport.contract.kit.errors import ApiError, FieldError, NotFound

# The form's fields, by the API's.
FIELDS = {
    "engagement_type": "kind",
    "title": "about",
    "scheduled_date": "when",
    "ended_date": "ends",
    "description": "notes",
    "members": "who",
    "parent": "account",
    "parents": "account",
    "tags": "tags",
    "artifacts": "files",
    "if_modified_date": "version",
}
_TYPED = ("kind", "about", "when", "ends", "who", "account", "notes", "key", "version")


async def show(visit: Visit) -> Response:
    """The form, with now as its time; the address may say who and of which account."""
    visit.need(CREATE)
    query = visit.request.query_params
    typed = {
        "kind": query.get("kind", "call"),
        "when": visit.moments.at_present().typed,
        "who": query.get("who", ""),
        "account": query.get("account", ""),
        "key": secrets.token_urlsafe(16),
    }
    return await _form(visit, typed, {})


async def do(visit: Visit) -> Response:
    """Save it. The form has its idempotency key: sent twice, it makes one."""
    typed = read(visit.form)
    request, errors = await requested(visit, typed)
    if errors:
        return await _form(visit, typed, errors, status=400)
    family = MEETINGS if typed["kind"] == MEETING else ENGAGEMENTS
    try:
        made = await visit.ask(family.create, request, key=typed["key"] or None)
    except ApiError as error:
        return await _form(visit, typed, said_of(error, FIELDS), status=error.status)
    return visit.moved(f"{family.path}/{made[family.name]['display_id']}?saved")


async def upload(visit: Visit) -> Response:
    """Where a file's bytes go, for the script that sends them as soon as it is chosen."""
    request = {"file_name": visit.form.one("name") or words.FILE}
    if kind := visit.form.one("type"):
        request["file_type"] = kind
    made = await visit.ask(artifacts.PREPARE, request)
    # The path alone: pages send to nobody but the host that they came from.
    made["url"] = address(visit.request, urlsplit(made["url"]).path)
    return JSONResponse(made)


def read(form: Form) -> Typed:
    """What was typed, by the names of the form's fields."""
    return {name: form.one(name) for name in _TYPED}


async def requested(visit: Visit, typed: Typed) -> tuple[dict[str, Any], Errors]:
    """The request that a form stands for, and what of it can't be told, by field."""
    request: dict[str, Any] = {"title": typed["about"]}
    errors: Errors = {} if typed["about"] else {"about": words.NO_TITLE}
    await _find_account(visit, typed, request, errors)
    _read_times(visit, typed, request, errors)
    # Last, so that nobody is added by a form that is refused.
    errors |= {} if errors else await newcomer.add(visit, typed)
    await _find_people(visit, typed, request, errors)
    if typed["notes"]:
        request["description"] = typed["notes"]
    request["tags"] = [{"id": one} for one in visit.form.many("tag")]
    request["artifacts"] = visit.form.many("file")
    if typed["kind"] == MEETING:
        _make_meeting(visit, request)
    else:
        request["engagement_type"] = typed["kind"] or "default"
    return request, errors


async def _find_people(visit: Visit, typed: Typed, request: dict[str, Any], errors: Errors) -> None:
    try:
        request["members"] = await find_people(visit, typed["who"])
        if not request["members"]:
            errors["who"] = words.NOBODY
    except CannotTell as error:
        errors["who"], errors["unknown"] = str(error), error.unknown


async def _find_account(
    visit: Visit, typed: Typed, request: dict[str, Any], errors: Errors
) -> None:
    try:
        request["parents"] = await find_account(visit, typed["account"])
    except CannotTell as error:
        errors["account"] = str(error)


def _read_times(visit: Visit, typed: Typed, request: dict[str, Any], errors: Errors) -> None:
    fields = {"when": "scheduled_date"}
    if typed["kind"] == MEETING and typed["ends"]:
        fields["ends"] = "ended_date"
    for name, field in fields.items():
        try:
            request[field] = visit.moments.typed(typed[name]).isoformat()
        except NoSuchTime as error:
            errors[name] = str(error)
        except ValueError:
            errors[name] = words.NO_TIME


def _make_meeting(visit: Visit, request: dict[str, Any]) -> None:
    """Give a meeting what only meetings have: a channel, a state, and one parent."""
    for parent in request.pop("parents", [])[:1]:
        request["parent"] = parent
    request["channel"] = "other"
    begins = request.get("scheduled_date", "")
    is_past = begins and visit.moments.typed(begins) <= visit.moments.now
    request["state"] = "completed" if is_past else "scheduled"


async def _form(visit: Visit, typed: Typed, errors: Errors, *, status: int = 200) -> Response:
    if status == 400 and "form" in errors:  # noqa: PLR2004  # a key that stands for another text
        typed["key"] = secrets.token_urlsafe(16)
    return visit.page("log", status=status, **await fields(visit, typed, errors))


async def fields(
    visit: Visit, typed: Typed, errors: Errors, family: Family | None = None
) -> dict[str, Any]:
    """What the template of the fields shows; an object that is there keeps its family."""
    known = (await visit.ask(tags.LIST, {"limit": 100}))["tags"] if visit.may(tags.LIST) else []
    kinds = [
        one
        for one in words.LOGGED
        if (one == MEETING and family is not ENGAGEMENTS and visit.may(meetings.CREATE))
        or (one != MEETING and family is not MEETINGS)
    ]
    return {
        "typed": {name: typed.get(name, "") for name in _TYPED},
        "errors": errors,
        "newcomer": newcomer.offered(visit, errors.get("unknown", "")),
        "kinds": kinds,
        "tags": known,
        "tagged": visit.form.many("tag"),
        "files": [await _named(visit, one) for one in visit.form.many("file")],
        "can_upload": visit.may(artifacts.PREPARE),
    }


async def _named(visit: Visit, file: str) -> tuple[str, str]:
    """A file that went up already, with its name."""
    if not visit.may(artifacts.GET):
        return file, words.FILE
    try:
        found = await visit.ask(artifacts.GET, {"id": file})
    except (NotFound, FieldError):
        return file, words.FILE
    return file, str(found["artifact"]["file"]["name"])
