"""One engagement or meeting: all that is known of it, its comments and history; its deeds."""

import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from rapport.console import words
from rapport.console.guard import Visit, Work
from rapport.console.pages import log
from rapport.console.people import called
from rapport.console.refusals import Errors, Typed, said_of
from rapport.console.touches import EXPAND, MEETINGS, Family, parents_of, touch_of
from rapport.contract import artifacts, timeline_entries
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ApiError

_ENTRIES = 50
# No object was changed then: of a form that does not say what it was made from.
_NEVER = "1970-01-01T00:00:00Z"
# A text beyond 4 KiB stands in history as its hash and length.
_HASHED = re.compile(r"sha256:[0-9a-f]{64}.*")


class Pages:
    """The pages of a family."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def all(self) -> list[tuple[str, Work, Work | None]]:
        """Each path, with what answers its GET and its POST."""
        one = f"{self._family.path}/{{id}}"
        return [
            (one, self.show, None),
            (f"{one}/edit", self.edit, self.save),
            (f"{one}/comments", self.back, self.comment),
            (f"{one}/delete", self.back, self.delete),
            (f"{one}/restore", self.back, self.restore),
        ]

    def _way(self, visit: Visit) -> str:
        return f"{self._family.path}/{_id(visit)}"

    async def _find(self, visit: Visit) -> Any:
        answer = await visit.ask(self._family.get, {"id": _id(visit), "expand": EXPAND})
        return answer[self._family.name]

    async def show(self, visit: Visit) -> Response:
        """The page."""
        return await self._page(visit)

    async def back(self, visit: Visit) -> Response:
        """To the page, from the address of a deed."""
        return visit.moved(self._way(visit))

    async def comment(self, visit: Visit) -> Response:
        """Add a comment."""
        body = visit.form.one("body")
        request = {"object": _id(visit), "type": "timeline_comment", "body": body}
        try:
            if not body:
                return await self._page(visit, error=words.NO_COMMENT, status=400)
            await visit.ask(timeline_entries.CREATE, request, key=visit.form.one("key") or None)
        except ApiError as error:
            return await self._page(visit, error=error.message, status=error.status)
        return visit.moved(self._way(visit))

    async def delete(self, visit: Visit) -> Response:
        """Delete it; the page after this one offers to undo that."""
        await visit.ask(self._family.delete, {"id": _id(visit)})
        return visit.moved(f"/?deleted={_id(visit)}")

    async def restore(self, visit: Visit) -> Response:
        """Take a deletion back."""
        await visit.ask(self._family.restore, {"id": _id(visit)})
        return visit.moved(self._way(visit))

    async def edit(self, visit: Visit) -> Response:
        """The form, filled with what is there."""
        visit.need(self._family.update)
        found = await self._find(visit)
        visit.form.fill(
            tag=[one["tag"]["id"] for one in found.get("tags", []) if "tag" in one],
            file=[one["id"] for one in found.get("artifacts", []) if "id" in one],
        )
        return await self._form(visit, found, _typed(visit, found), {})

    async def save(self, visit: Visit) -> Response:
        """Save what was edited, unless somebody else has meanwhile."""
        found, typed = await self._find(visit), log.read(visit.form)
        request, errors = await log.requested(visit, typed)
        if errors:
            return await self._form(visit, found, typed, errors, status=400)
        change = self._change(visit, found, request)
        try:
            await visit.ask(
                self._family.update, {**change, "if_modified_date": typed["version"] or _NEVER}
            )
        except ApiError as error:
            errors = said_of(error, log.FIELDS)
            if "version" in errors:
                return await self._compare(visit, typed)
            return await self._form(visit, found, typed, errors, status=error.status)
        return visit.moved(self._way(visit))

    async def _compare(self, visit: Visit, typed: Typed) -> Response:
        """Show what was typed beside what somebody else saved; the next save is over that."""
        found = await self._find(visit)
        typed["version"] = found["modified_date"]
        errors = {"form": words.CHANGED_MEANWHILE}
        return await self._form(visit, found, typed, errors, status=409, theirs=True)

    def _change(self, visit: Visit, found: Any, request: dict[str, Any]) -> dict[str, Any]:
        """The update that a form stands for; what the form has no room for stays as it is."""
        change = {"id": _id(visit), "description": "", **request}
        if not change["description"] and "description" not in found:
            del change["description"]
        values = {one["tag"]["id"]: one["value"] for one in found.get("tags", []) if "value" in one}
        for tag in change["tags"]:
            if tag["id"] in values:
                tag["value"] = values[tag["id"]]
        for name in ("state", "channel", "parent"):
            change.pop(name, None)
        # A meeting keeps the parent that it was made with.
        if self._family is MEETINGS:
            change.pop("parents", None)
        return {
            name: {"set": value} if isinstance(value, list) else value
            for name, value in change.items()
        }

    async def _form(
        self,
        visit: Visit,
        found: Any,
        typed: Typed,
        errors: Errors,
        *,
        status: int = 200,
        theirs: bool = False,
    ) -> Response:
        return visit.page(
            "edit",
            status=status,
            engagement=found,
            way=self._way(visit),
            theirs=_shown(_typed(visit, found)) if theirs else [],
            **await log.fields(visit, typed, errors, self._family),
        )

    async def _page(self, visit: Visit, *, error: str = "", status: int = 200) -> Response:
        found = await self._find(visit)
        entries = await _entries(visit, found["display_id"], "discussions")
        changes = await _entries(
            visit, found["display_id"], "events", visit.request.query_params.get("history", "")
        )
        family, of = self._family, visit.moments.of
        return visit.page(
            "engagement",
            status=status,
            touch=touch_of(family, found),
            engagement=found,
            way=self._way(visit),
            moment=of(found["scheduled_date"]) if "scheduled_date" in found else None,
            ends=of(found["ended_date"]) if "ended_date" in found else None,
            files=[one for one in found.get("artifacts", []) if isinstance(one, dict)],
            comments=[
                (of(one["created_date"]), one) for one in reversed(entries["timeline_entries"])
            ],
            history=_history(visit, found, changes["timeline_entries"]),
            more_history=changes.get("next_cursor", ""),
            key=secrets.token_urlsafe(16),
            comment_error=error,
            comment_typed=visit.form.one("body"),
            saved="saved" in visit.request.query_params,
            can={
                "edit": visit.may(family.update),
                "delete": visit.may(family.delete),
                "comment": visit.may(timeline_entries.CREATE),
                "download": visit.may(artifacts.LOCATE),
            },
        )


async def file(visit: Visit) -> Response:
    """On to a file's bytes, by an address that is good for a while."""
    found = await visit.ask(artifacts.LOCATE, {"id": _id(visit)})
    parts = urlsplit(found["url"])
    return visit.moved(f"{parts.path}?{parts.query}")


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["id"])


async def _entries(visit: Visit, object_id: str, collection: str, cursor: str = "") -> Any:
    if not visit.may(timeline_entries.LIST):
        return {"timeline_entries": []}
    request = {"object": object_id, "collections": [collection], "limit": _ENTRIES}
    return await visit.ask(
        timeline_entries.LIST, {**request, "cursor": cursor} if cursor else request
    )


def _typed(visit: Visit, found: Any) -> Typed:
    """What a form would have to say for what is there."""
    of = visit.moments.of
    typed = {
        name: of(found[field]).typed
        for name, field in {"when": "scheduled_date", "ends": "ended_date"}.items()
        if field in found
    }
    return {
        "kind": "meeting" if "channel" in found else found.get("engagement_type", "default"),
        "about": found.get("title", ""),
        "who": ", ".join(_named(one) for one in found.get("members", [])),
        "account": ", ".join(_account(one) for one in parents_of(found)),
        "notes": found.get("description", ""),
        "version": found["modified_date"],
        **typed,
    }


def _named(person: Any) -> str:
    return str(person if isinstance(person, str) else person.get("email") or person["display_id"])


def _account(parent: Any) -> str:
    return str(parent if isinstance(parent, str) else parent["display_id"])


def _shown(typed: Typed) -> list[tuple[str, str]]:
    return [(words.TYPED[name], typed[name]) for name in words.TYPED if typed.get(name)]


def _history(visit: Visit, found: Any, changes: list[Any]) -> list[Any]:
    """Each change: when, who, what they did, and every field before and after."""
    names = {
        one["id"]: str(one.get("title") or one.get("name") or called(one))
        for one in _summaries(found)
    }
    return [
        (
            visit.moments.of(one["created_date"]),
            one["created_by"],
            words.ACTIONS[one["event"]["type"]],
            [
                (
                    words.FIELDS.get(delta["name"], delta["name"]),
                    _said(visit, names, delta.get("old_value")),
                    _said(visit, names, delta.get("new_value")),
                )
                for delta in one["event"].get("updated", {}).get("field_deltas", [])
            ],
        )
        for one in changes
    ]


def _summaries(found: Any) -> list[Any]:
    tagged = [one["tag"] for one in found.get("tags", []) if "tag" in one]
    rest = [*found.get("members", []), *parents_of(found), *found.get("artifacts", [])]
    return [*tagged, *(one for one in rest if isinstance(one, dict))]


def _said(visit: Visit, names: dict[str, str], value: Any) -> str:
    """A field's value in words; empty for what was absent."""
    if value is None:
        return ""
    if value["type"] == "date_time":
        return str(visit.moments.of(value["value"]).whole)
    if "values" in value:
        return ", ".join(_one(names, one) for one in value["values"])
    if "fields" in value:
        return ", ".join(f"{name}: {one}" for name, one in value["fields"].items())
    return _one(names, value.get("value", ""))


def _one(names: dict[str, str], value: Any) -> str:
    """An item of a list: a name for an id, a tag with its value."""
    if isinstance(value, dict):
        tag = value.get("tag", value)
        said = _one(names, tag.get("id") or tag.get("name", "") if isinstance(tag, dict) else tag)
        return f"{said}: {value['value']}" if value.get("value") else said
    text = str(value)
    if _HASHED.fullmatch(text):
        return words.LONG_TEXT
    if ids.is_don(text):
        return names.get(text, text.rpartition("/")[2])
    return words.KINDS_BY_NAME.get(text, text)
