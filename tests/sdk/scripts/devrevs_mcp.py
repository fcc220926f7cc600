"""Drives devrev-mcp, DevRev's own MCP server: its tools for the families that the server has."""

import ast
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from report import Check, report
from tools import Tools, started

# What there is already, made by plain HTTP: an account, its rev org, an opportunity, the caller and
# a colleague.
GIVEN = json.loads(os.environ["RAPPORT_GIVEN"])
TODAY = {"after": "2023-01-01T00:00:00Z", "before": "2123-01-01T00:00:00Z"}
NOT_SERVED: dict[str, dict[str, Any]] = {
    "search": {"query": "renewal", "namespace": "account"},
    "get_vista": {"id": "VISTA-1"},
    "get_part": {"id": "PROD-1"},
    "create_part": {
        "type": "enhancement",
        "name": "x",
        "owned_by": [GIVEN["user"]],
        "parent_part": ["PROD-1"],
    },
    "update_part": {"type": "enhancement", "id": "ENH-1", "name": "x"},
    "list_parts": {"type": "enhancement"},
    "get_sprints": {"ancestor_part_id": "PROD-1"},
    "list_subtypes": {"leaf_type": "issue"},
}


def answered(text: str) -> Any:
    """The object at the end of a tool's sentence: as Python prints it, not as JSON."""
    return ast.literal_eval(text[text.index("{") :])


async def tools(api: Tools) -> None:
    assert {
        "get_current_user",
        "get_work",
        "create_work",
        "update_work",
        "list_works",
        *NOT_SERVED,
    } <= await api.names()


async def the_current_user(api: Tools) -> None:
    assert answered(await api.text("get_current_user"))["dev_user"]["id"] == GIVEN["user"]


async def an_opportunity_is_found(api: Tools) -> None:
    found = answered((await api.text("get_work", id="OPP-1")).partition("\n")[2])["work"]
    assert (found["id"], found["type"], found["title"]) == (
        GIVEN["opportunity"],
        "opportunity",
        "Deal",
    )
    assert "status 404" in await api.text("get_work", id="OPP-99")


async def works_are_listed_by_dates_owners_and_sort(api: Tools) -> None:
    filters = {
        "created_date": TODAY,
        "modified_date": TODAY,
        "owned_by": [GIVEN["user"]],
        "sort_by": ["created_date:desc"],
    }
    said = await api.text(
        "list_works", type=["issue", "ticket"], **filters, rev_orgs=[GIVEN["rev_org"]]
    )
    assert answered(said) == {"works": []}, said


async def meetings_are_listed_by_what_they_are(api: Tools) -> None:
    dates = {"created_date": TODAY, "modified_date": TODAY, "scheduled_date": TODAY}
    people = {"members": [GIVEN["user"]], "created_by": [GIVEN["user"]]}
    filters = {"channel": ["zoom"], "state": ["scheduled"], "sort_by": ["modified_date:desc"]}
    said = await api.text("list_meetings", **dates, **people, **filters, limit=5)
    (found,) = answered(said)["meetings"]
    assert (found["id"], found["title"]) == (GIVEN["meeting"], "Review")
    assert answered(await api.text("list_meetings", ended_date=TODAY)) == {"meetings": []}
    # It writes a state otherwise than the API does, and offers orders of works.
    for wrong in ({"state": ["cancelled"]}, {"sort_by": ["target_close_date:asc"]}):
        assert "status 400" in await api.text("list_meetings", **wrong)


async def works_cannot(api: Tools) -> None:
    """It knows issues and tickets alone: opportunities it neither lists nor changes, and the
    others are not kept here.
    """
    assert "'opportunity' is not one of" in await api.text("list_works", type=["opportunity"])
    assert "status 400" in await api.text(
        "create_work", type="ticket", title="x", applies_to_part="PROD-1"
    )
    assert "not kept here" in await api.text(
        "update_work", type="issue", id="OPP-1", title="Bigger deal"
    )
    assert "owned_by" in await api.text(
        "update_work", type="issue", id="OPP-1", owned_by=[GIVEN["other"]]
    )


async def a_comment_is_added(api: Tools) -> None:
    said = answered(
        await api.text("add_timeline_entry", id="OPP-1", timeline_entry="They want two years.")
    )
    assert said["timeline_entry"]["body"] == "They want two years."


async def engagements_cannot(api: Tools) -> None:
    """It has no tools for engagements, accounts, tags and people other than the caller."""
    words = ("engagement", "account", "tag", "rev_user", "artifact")
    assert not [
        name
        for name in await api.names()
        if any(word in name for word in words) and name != "valid_stage_transition"
    ]


async def not_served(api: Tools) -> None:
    """Search, parts, sprints and schemas are unknown routes at the server."""
    for name, arguments in NOT_SERVED.items():
        assert "status 404" in (said := await api.text(name, **arguments)), said


CHECKS: list[Check] = [
    tools, the_current_user, an_opportunity_is_found, works_are_listed_by_dates_owners_and_sort,
    meetings_are_listed_by_what_they_are, works_cannot, a_comment_is_added, engagements_cannot, not_served,
]  # fmt: skip


async def main() -> int:
    async with started(Path(sys.executable).with_name("devrev-mcp")) as api:
        return await report(CHECKS, api)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
