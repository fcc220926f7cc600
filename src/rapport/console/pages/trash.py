"""Trash: what was deleted, by whom and when, and the way back."""

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address
from rapport.console.guard import Visit
from rapport.console.touches import FAMILIES, list_page
from rapport.contract import engagements
from rapport.contract.kit.errors import NotFound

_ROWS = 40


async def show(visit: Visit) -> Response:
    """The page, from the cursor that its address has."""
    visit.need(engagements.RESTORE)
    query = visit.request.query_params
    found = await list_page(
        visit, {"deleted": True}, newest_first=True, limit=_ROWS, cursor=query.get("cursor", "")
    )
    of = visit.moments.of
    return visit.page(
        "trash",
        days=list(visit.moments.by_day((of(one.deleted), one) for one in found.touches)),
        more=address("/trash", {}, cursor=found.cursor) if found.cursor else "",
        restored=_path(query.get("restored", "")),
        without=[words.FIELDS.get(one, one) for one in query.getlist("without")],
    )


async def restore(visit: Visit) -> Response:
    """Take one out, and say what of it is gone since."""
    name, _, id_ = visit.form.one("path").strip("/").partition("/")
    family = next((one for one in FAMILIES if one.path == f"/{name}"), None)
    if family is None:
        raise NotFound("There is nothing of this kind in the trash.", detail="Load the page again.")
    answer = await visit.ask(family.restore, {"id": id_})
    without = list(dict.fromkeys(one["field_name"] for one in answer.get("missing", [])))
    return visit.moved(address("/trash", {"restored": [f"/{name}/{id_}"], "without": without}))


def _path(text: str) -> str:
    """Where the one is that was restored just now, if the address says a sane path."""
    return text if text.startswith(tuple(f"{one.path}/" for one in FAMILIES)) else ""
