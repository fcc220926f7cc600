"""Drives devrev-mcp-server, a command of devrev-Python-SDK: its tools for the families that the
server has.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from report import Check, report
from tools import Tools, started

# What there is already, made by plain HTTP: an account, its rev org, an opportunity, the caller and
# a colleague.
GIVEN = json.loads(os.environ["RAPPORT_GIVEN"])
FAMILIES = (
    "engagements",
    "accounts",
    "works",
    "tags",
    "links",
    "dev_users",
    "rev_users",
    "rev_orgs",
)
NOON = "2023-01-01T12:00:00Z"


async def tools(api: Tools) -> None:
    names = await api.names()
    for family in FAMILIES:
        assert {f"devrev_{family}_list", f"devrev_{family}_get"} <= names, family


async def engagements(api: Tools) -> None:
    least = {"members": [GIVEN["user"]], "scheduled_date": NOON}
    made = await api.ok(
        "devrev_engagements_create",
        title="Renewal call",
        engagement_type="CALL",
        description="Two years",
        parent=GIVEN["account"],
        **least,
    )
    assert (made["title"], made["engagement_type"], made["parent"]) == (
        "Renewal call",
        "call",
        GIVEN["account"],
    )
    assert await api.ok("devrev_engagements_get", id=made["id"]) == made
    assert await api.ok("devrev_engagements_get", id=made["display_id"]) == made
    visit = await api.ok(
        "devrev_engagements_create", title="Visit", engagement_type="OFFLINE", **least
    )
    page = await api.ok("devrev_engagements_list", limit=1)
    rest = await api.ok("devrev_engagements_list", limit=1, cursor=page["next_cursor"])
    assert (page["engagements"], rest["engagements"]) == ([visit], [made])
    found = await api.ok(
        "devrev_engagements_list", engagement_type=["CALL"], members=[GIVEN["user"]]
    )
    assert found["engagements"] == [made]
    assert await api.ok("devrev_engagements_count", engagement_type=["OFFLINE"]) == {"count": 1}
    changed = await api.ok(
        "devrev_engagements_update", id=made["id"], title="Renewed", engagement_type="EMAIL"
    )
    assert (changed["title"], changed["engagement_type"], changed["description"]) == (
        "Renewed",
        "email",
        "Two years",
    )
    await api.ok("devrev_engagements_delete", id=made["id"])
    await api.refused("devrev_engagements_get", "There is no engagement", id=made["id"])
    await api.refused(
        "devrev_engagements_create", "members", title="No members", engagement_type="CALL"
    )


async def accounts(api: Tools) -> None:
    made = await api.ok(
        "devrev_accounts_create", display_name="Acme", domains=["acme.example"], tier="gold"
    )
    assert await api.ok("devrev_accounts_get", id=made["id"]) == made
    assert (await api.ok("devrev_accounts_list", display_name=["Acme"]))["accounts"] == [made]
    changed = await api.ok("devrev_accounts_update", id=made["id"], tier="silver")
    assert (changed["tier"], changed["domains"]) == ("silver", ["acme.example"])
    await api.ok("devrev_accounts_delete", id=made["id"])
    await api.refused("devrev_accounts_get", "There is no account", id=made["id"])


async def works(api: Tools) -> None:
    found = await api.ok("devrev_works_get", id="OPP-1")
    assert (found["id"], found["type"], found["title"]) == (
        GIVEN["opportunity"],
        "opportunity",
        "Deal",
    )
    assert (await api.ok("devrev_works_list", type=["OPPORTUNITY"], sort_by=["-created_date"]))[
        "works"
    ] == [found]
    assert (await api.ok("devrev_works_list_modified_since", after=NOON))["works"] == [found]
    assert (await api.ok("devrev_works_list_created_since", after=NOON))["works"] == [found]
    assert await api.ok("devrev_works_count", owned_by=[GIVEN["user"]]) == {"count": 1}
    changed = await api.ok(
        "devrev_works_update", id="OPP-1", title="Bigger deal", owned_by=[GIVEN["other"]]
    )
    assert (changed["title"], changed["owned_by"][0]["id"]) == ("Bigger deal", GIVEN["other"])
    await api.ok("devrev_works_delete", id="OPP-1")
    assert await api.ok("devrev_works_count") == {"count": 0}


async def works_cannot(api: Tools) -> None:
    """It refuses an opportunity's full id itself, and has no field for the account that a new
    one needs.
    """
    await api.refused("devrev_works_get", "appears to be", id=GIVEN["opportunity"])
    deal = {"title": "Deal", "applies_to_part": "PROD-1", "owned_by": [GIVEN["user"]]}
    await api.refused("devrev_works_create", "account", type="OPPORTUNITY", **deal)
    await api.refused("devrev_works_create", "not kept here", type="TICKET", **deal)


async def timelines(api: Tools) -> None:
    comment = {"object_id": GIVEN["account"], "body": "They want two years."}
    made = await api.ok("devrev_timeline_create", **comment)
    assert (made["type"], made["body"]) == ("timeline_comment", "They want two years.")
    assert (
        made
        in (await api.ok("devrev_timeline_list", object_id=GIVEN["account"]))["timeline_entries"]
    )


async def timelines_cannot(api: Tools) -> None:
    """It takes a comment's id for that of something else, so that it finds, changes and deletes
    none.
    """
    made = await api.ok(
        "devrev_timeline_create", object_id=GIVEN["account"], body="They want two years."
    )
    for verb in ("get", "update", "delete"):
        await api.refused(f"devrev_timeline_{verb}", "appears to be", id=made["id"])


async def webhooks(api: Tools) -> None:
    url = "https://receiver.invalid/hook"  # a name that no resolver knows
    made = await api.ok("devrev_webhooks_create", url=url, event_types=["account_created"])
    assert (made["url"], made["status"]) == (url, "unverified")
    assert await api.ok("devrev_webhooks_get", id=made["id"]) == made
    assert (await api.ok("devrev_webhooks_list"))["webhooks"] == [made]
    await api.ok("devrev_webhooks_delete", id=made["id"])


async def tags(api: Tools) -> None:
    made = await api.ok("devrev_tags_create", name="size", description="How big")
    assert await api.ok("devrev_tags_get", id=made["id"]) == made
    assert made in (await api.ok("devrev_tags_list"))["tags"]
    assert (await api.ok("devrev_tags_update", id=made["id"], name="Size"))[
        "description"
    ] == "How big"
    await api.ok("devrev_tags_delete", id=made["id"])
    await api.refused("devrev_tags_get", "There is no tag", id=made["id"])


async def links(api: Tools) -> None:
    made = await api.ok(
        "devrev_links_create", link_type="serves", source=GIVEN["other"], target=GIVEN["account"]
    )
    assert (made["source"]["id"], made["target"]["id"]) == (GIVEN["other"], GIVEN["account"])
    assert await api.ok("devrev_links_get", id=made["id"]) == made
    assert (await api.ok("devrev_links_list", object_id=GIVEN["account"]))["links"] == [made]
    await api.ok("devrev_links_delete", id=made["id"])
    await api.refused("devrev_links_list", "object")


async def users(api: Tools) -> None:
    me = await api.ok("devrev_dev_users_get", id=GIVEN["user"])
    assert me in (await api.ok("devrev_dev_users_list", state=["ACTIVE"]))["dev_users"]
    rita = {"display_name": "Rita", "email": "rita@acme.example", "phone_numbers": ["+49301"]}
    made = await api.ok("devrev_rev_users_create", rev_org=GIVEN["rev_org"], **rita)
    assert await api.ok("devrev_rev_users_get", id=made["id"]) == made
    found = await api.ok(
        "devrev_rev_users_list", email=["rita@acme.example"], rev_org=[GIVEN["rev_org"]]
    )
    assert found["rev_users"] == [made]


async def rev_orgs(api: Tools) -> None:
    made = await api.ok(
        "devrev_rev_orgs_create", display_name="West", account=GIVEN["account"], tier="gold"
    )
    assert await api.ok("devrev_rev_orgs_get", id=made["id"]) == made
    assert (await api.ok("devrev_rev_orgs_list", display_name=["West"]))["rev_orgs"] == [made]
    changed = await api.ok("devrev_rev_orgs_update", id=made["id"], display_name="Far west")
    assert (changed["display_name"], changed["tier"]) == ("Far west", "gold")
    await api.ok("devrev_rev_orgs_delete", id=made["id"])
    await api.refused("devrev_rev_orgs_get", "There is no rev org", id=made["id"])


async def search(api: Tools) -> None:
    found = await api.text("devrev_search_core", query="Renewal", namespace="account")
    assert "results" in found, found


async def not_served(api: Tools) -> None:
    """Merge, export and the other families are unknown routes at the server; artifacts have no
    tools at all.
    """
    ends = {"primary_account": GIVEN["account"], "secondary_account": "ACC-99"}
    await api.refused("devrev_accounts_merge", "route not found", **ends)
    await api.refused("devrev_works_export", "route not found")
    assert not [name for name in await api.names() if "artifact" in name or "token" in name]


CHECKS: list[Check] = [
    tools, engagements, accounts, works, works_cannot, timelines, timelines_cannot, webhooks, tags, links, users, rev_orgs, search, not_served,
]  # fmt: skip


async def main() -> int:
    async with started(Path(sys.executable).with_name("devrev-mcp-server")) as api:
        return await report(CHECKS, api)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
