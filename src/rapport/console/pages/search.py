"""Search: what has these words, with where it has them."""

from typing import Any, NamedTuple

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address
from rapport.console.guard import Visit
from rapport.console.marks import Piece, marked
from rapport.console.people import called
from rapport.console.refusals import said_of
from rapport.contract import search
from rapport.contract.kit.errors import FieldError

_ROWS = 20
# What each choice looks among; the kinds that have pages.
_NAMESPACES = {
    "": ["account", "dev_user", "engagement", "meeting", "opportunity", "rev_user", "tag"],
    "touches": ["engagement", "meeting"],
    "accounts": ["account"],
    "people": ["dev_user", "rev_user"],
    "opportunities": ["opportunity"],
    "tags": ["tag"],
}
# Of each kind of result: its field, the icon, and the way to its page, before its id.
_KINDS = {
    "account": ("account", "accounts", "/accounts/"),
    "engagement": ("engagement", "", "/engagements/"),
    "meeting": ("meeting", "meeting", "/meetings/"),
    "tag": ("tag", "tag", "/?tag="),
    "user": ("user", "people", "/people/"),
    "work": ("work", "opportunities", "/opportunities/"),
}


class Comment(NamedTuple):
    """A comment that has the words."""

    by: str
    snippet: list[Piece]


class Found(NamedTuple):
    """One that was found: what it is, the way to it, where it has the words."""

    icon: str
    kind: str
    title: list[Piece]
    way: str
    detail: str
    snippet: list[Piece]
    comments: list[Comment]


async def show(visit: Visit) -> Response:
    """The page, of the query that its address has."""
    visit.need(search.CORE)
    given = visit.request.query_params
    asked, among = given.get("q", "").strip(), given.get("among", "")
    among = among if among in _NAMESPACES else ""
    shown = {"rows": [], "more": "", "errors": {}}
    status = 200
    if asked:
        try:
            shown |= await _found(visit, asked, among, given.get("cursor", ""))
        except FieldError as error:
            shown["errors"], status = said_of(error, {"query": "q"}), error.status
    return visit.page(
        "search",
        status=status,
        asked=asked,
        among=among,
        ways={one: address("/search", {}, q=asked, among=one) for one in _NAMESPACES},
        **shown,
    )


async def _found(visit: Visit, asked: str, among: str, cursor: str) -> dict[str, Any]:
    request = {"query": asked, "namespaces": _NAMESPACES[among], "limit": _ROWS}
    found = await visit.ask(search.CORE, {**request, "cursor": cursor} if cursor else request)
    more = found.get("next_cursor", "")
    return {
        "rows": [_row(visit, one, asked) for one in found["results"]],
        "more": address("/search", {}, q=asked, among=among, cursor=more) if more else "",
    }


def _row(visit: Visit, result: Any, asked: str) -> Found:
    field, icon, way = _KINDS[result["type"]]
    one = result[field]
    title = str(one.get("title") or one.get("name") or called(one))
    snippet = result.get("snippet", "")
    return Found(
        icon or one["engagement_type"],
        words.RESULTS[result["type"]],
        marked(title, asked),
        f"{way}{one['display_id']}",
        _detail(visit, one),
        # What stands in the title stands there already.
        marked(snippet if snippet not in title else "", asked),
        [
            Comment(called(each["created_by"]), marked(each.get("snippet", ""), asked))
            for each in result.get("comments", [])
            if "created_by" in each
        ],
    )


def _detail(visit: Visit, one: Any) -> str:
    """What tells it from others of its name: its date, its address, its account."""
    if "scheduled_date" in one:
        return str(visit.moments.of(one["scheduled_date"]).day)
    if "account" in one:
        return called(one["account"])
    return str(one.get("email", ""))
