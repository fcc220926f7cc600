"""Drives every family that devrev-Python-SDK offers and the server has: `sdk.py sync` or `sdk.py
async`.

The two clients have the same methods, so that one script serves both.
"""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from typing import Any

import httpx
import pydantic
from devrev import APIVersion, AsyncDevRevClient, DevRevClient, DevRevConfig
from devrev import exceptions as errors
from devrev.models import artifacts as files
from devrev.models import links, tags
from devrev.models import timeline_entries as timeline
from devrev.models import webhooks as hooks
from devrev.models.engagements import EngagementType
from devrev.models.works import WorkType
from report import Check, done, refused, report

NOON = datetime(2023, 1, 1, 12, tzinfo=UTC)
# What there is already, made by plain HTTP: an account, its rev org, an opportunity, the caller and
# a colleague.
GIVEN = json.loads(os.environ["RAPPORT_GIVEN"])
Api = Any


def configured(token: str = os.environ["RAPPORT_TOKEN"], **options: Any) -> DevRevConfig:
    return DevRevConfig(
        api_token=token, base_url=os.environ["RAPPORT_URL"], api_version=APIVersion.BETA, **options
    )


async def engagements(api: Api) -> None:
    tag = await done(api.tags.create(tags.TagsCreateRequest(name="renewal")))
    made = await done(
        api.engagements.create(
            "Renewal call",
            EngagementType.CALL,
            description="Two years",
            members=[GIVEN["user"]],
            parent=GIVEN["account"],
            scheduled_date=NOON,
            tags=[tag.id],
        )
    )
    assert (made.title, made.engagement_type, made.scheduled_date) == ("Renewal call", "call", NOON)
    assert (made.parent, made.tags, len(made.members)) == (GIVEN["account"], [tag.id], 1)
    assert await done(api.engagements.get(made.display_id)) == made
    visit = await done(
        api.engagements.create(
            "Visit", EngagementType.OFFLINE, members=[GIVEN["other"]], scheduled_date=NOON
        )
    )
    page = await done(api.engagements.list(limit=1))
    rest = await done(api.engagements.list(limit=1, cursor=page.next_cursor))
    assert (page.engagements, rest.engagements, rest.next_cursor) == ([visit], [made], None)
    for filters, found in (
        ({"engagement_type": [EngagementType.CALL]}, [made]),
        ({"members": [GIVEN["other"]]}, [visit]),
        ({"parent": GIVEN["account"]}, [made]),
    ):
        assert (await done(api.engagements.list(**filters))).engagements == found
    assert (
        await done(
            api.engagements.count(
                engagement_type=[EngagementType.OFFLINE], members=[GIVEN["other"]]
            )
        )
        == 1
    )
    changed = await done(
        api.engagements.update(made.id, title="Renewed", engagement_type=EngagementType.EMAIL)
    )
    assert (changed.title, changed.engagement_type, changed.description) == (
        "Renewed",
        "email",
        "Two years",
    )
    await done(api.engagements.delete(made.id))
    await refused(errors.NotFoundError, api.engagements.get, made.id)


async def engagements_cannot(api: Api) -> None:
    """It leaves out what the API requires; the types that DevRev's filters know can be written
    here.
    """
    await refused(errors.ValidationError, api.engagements.create, "No members", EngagementType.CALL)
    complete = {"members": [GIVEN["user"]], "scheduled_date": NOON}
    for type_ in (EngagementType.MEETING, EngagementType.SURVEY):
        made = await done(api.engagements.create("x", type_, **complete))
        assert (await done(api.engagements.list(engagement_type=[type_]))).engagements == [made]


async def accounts(api: Api) -> None:
    made = await done(
        api.accounts.create(
            "Acme",
            description="Ships",
            domains=["acme.example"],
            external_refs=["crm-1"],
            owned_by=[GIVEN["user"]],
            tier="gold",
            custom_fields={"tnt__size": 5},
        )
    )
    assert (made.display_name, made.domains, made.tier) == ("Acme", ["acme.example"], "gold")
    assert (made.owned_by[0].id, made.custom_fields) == (GIVEN["user"], {"tnt__size": 5})
    assert await done(api.accounts.get(made.id)) == made
    assert (
        await done(api.accounts.list(display_name=["Acme"], owned_by=[GIVEN["user"]]))
    ).accounts == [made]
    changed = await done(api.accounts.update(made.id, description="Ships all", tier="silver"))
    assert (changed.description, changed.tier, changed.display_name) == (
        "Ships all",
        "silver",
        "Acme",
    )
    refusal = await refused(
        errors.ConflictError, api.accounts.create, "Twin", external_refs=["crm-1"]
    )
    assert "crm-1" in refusal.message
    await done(api.accounts.delete(made.id))
    await refused(errors.NotFoundError, api.accounts.get, made.id)


async def accounts_cannot(api: Api) -> None:
    """Merge and export are unknown routes at the server."""
    await refused(errors.NotFoundError, api.accounts.export)
    await refused(errors.NotFoundError, api.accounts.merge, GIVEN["account"], "ACC-99")


async def works(api: Api) -> None:
    found = await done(api.works.get(GIVEN["opportunity"]))
    assert (found.type, found.title, found.applies_to_part.id) == ("opportunity", "Deal", "PROD-1")
    page = await done(
        api.works.list(
            type=[WorkType.OPPORTUNITY], owned_by=[GIVEN["user"]], sort_by=["-modified_date"]
        )
    )
    assert page.works == [found]
    assert (
        await done(api.works.list_created_since(NOON))
        == await done(api.works.list_modified_since(NOON))
        == [found]
    )
    assert await done(api.works.count(type=[WorkType.OPPORTUNITY])) == 1
    changed = await done(api.works.update(found.id, title="Bigger deal", owned_by=[GIVEN["other"]]))
    assert (changed.title, changed.owned_by[0].id) == ("Bigger deal", GIVEN["other"])
    await done(api.works.delete(found.id))
    await refused(errors.NotFoundError, api.works.get, found.id)


async def works_cannot(api: Api) -> None:
    """An opportunity needs an account, which the SDK has no field for; export is an unknown
    route.
    """
    refusal = await refused(
        errors.ValidationError,
        api.works.create,
        "Deal",
        "PROD-1",
        WorkType.OPPORTUNITY,
        [GIVEN["user"]],
    )
    assert (refusal.response_body["type"], refusal.response_body["field_name"]) == (
        "missing_required_field",
        "account",
    )
    await refused(errors.NotFoundError, api.works.export)


async def tag_families(api: Api) -> None:
    made = await done(api.tags.create(tags.TagsCreateRequest(name="size", description="How big")))
    assert await done(api.tags.get(tags.TagsGetRequest(id=made.id))) == made
    assert made in await done(api.tags.list(tags.TagsListRequest(limit=100)))
    changed = await done(api.tags.update(tags.TagsUpdateRequest(id=made.id, name="Size")))
    assert (changed.name, changed.description) == ("Size", "How big")
    await done(api.tags.delete(tags.TagsDeleteRequest(id=made.id)))
    await refused(errors.NotFoundError, api.tags.get, tags.TagsGetRequest(id=made.id))


async def dev_users(api: Api) -> None:
    me = await done(api.dev_users.self())
    assert (me.id, me.state) == (GIVEN["user"], "active")
    assert (
        await done(api.dev_users.self_update(full_name="Alice Adams"))
    ).full_name == "Alice Adams"
    made = await done(
        api.dev_users.create("dora@example.com", full_name="Dora Doe", display_name="dora")
    )
    assert (made.email, made.state, made.display_name) == ("dora@example.com", "shadow", "dora")
    assert await done(api.dev_users.get(made.id)) == made
    assert (await done(api.dev_users.list(email=["dora@example.com"]))).dev_users == [made]
    assert (await done(api.dev_users.update(made.id, full_name="Dora D."))).full_name == "Dora D."
    assert (await done(api.dev_users.activate(made.id))).state == "active"
    await done(api.dev_users.deactivate(made.id))
    assert (await done(api.dev_users.get(made.id))).state == "deactivated"


async def dev_users_cannot(api: Api) -> None:
    """Identities and merge are unknown routes at the server."""
    identity = {"dev_user": GIVEN["other"], "id": "1", "issuer": "https://idp.example"}
    await refused(errors.NotFoundError, api.dev_users.identities_link, **identity)
    await refused(errors.NotFoundError, api.dev_users.merge, GIVEN["user"], GIVEN["other"])


async def rev_users(api: Api) -> None:
    rita = {
        "display_name": "Rita",
        "email": "rita@acme.example",
        "external_ref": "crm-r1",
        "phone_numbers": ["+49301"],
    }
    made = await done(api.rev_users.create(GIVEN["rev_org"], **rita))
    assert (made.display_name, made.phone_numbers, made.rev_org.id) == (
        "Rita",
        ["+49301"],
        GIVEN["rev_org"],
    )
    assert await done(api.rev_users.get(made.id)) == made
    page = await done(api.rev_users.list(email=["rita@acme.example"], rev_org=[GIVEN["rev_org"]]))
    assert page.rev_users == [made]
    changed = await done(api.rev_users.update(made.id, display_name="Rita R."))
    assert (changed.display_name, changed.email) == ("Rita R.", "rita@acme.example")
    await done(api.rev_users.delete(made.id))
    await refused(errors.NotFoundError, api.rev_users.get, made.id)


async def rev_users_cannot(api: Api) -> None:
    """Merge, associations, links and personal data are unknown routes at the server."""
    await refused(errors.NotFoundError, api.rev_users.merge, "REVU-1", "REVU-2")
    await refused(errors.NotFoundError, api.rev_users.associations_list, "REVU-1")
    await refused(errors.NotFoundError, api.rev_users.link, "REVU-1", GIVEN["rev_org"])
    await refused(errors.NotFoundError, api.rev_users.get_personal_data, "REVU-1")


async def rev_users_with_a_picture_cannot(api: Api) -> None:
    """It can't read them: it takes a picture for text, and the API answers an object."""
    prepared = await done(api.artifacts.prepare(files.ArtifactPrepareRequest(file_name="rita.png")))
    changes = {"display_picture": await done(api.artifacts.upload(prepared, b"a picture"))}
    pictured = (await done(api.rev_users.create(GIVEN["rev_org"], display_name="Rita"))).id
    headers = {"authorization": os.environ["RAPPORT_TOKEN"]}
    url = f"{os.environ['RAPPORT_URL']}/rev-users.update"
    httpx.post(url, json={"id": pictured, **changes}, headers=headers).raise_for_status()  # noqa: ASYNC210  # once
    await refused(pydantic.ValidationError, api.rev_users.get, pictured)


async def rev_orgs(api: Api) -> None:
    made = await done(
        api.rev_orgs.create("West", GIVEN["account"], external_ref="crm-w", tier="gold")
    )
    assert (made.display_name, made.account.id, made.tier) == ("West", GIVEN["account"], "gold")
    assert await done(api.rev_orgs.get(made.id)) == made
    assert (
        await done(api.rev_orgs.list(account=[GIVEN["account"]], display_name=["West"]))
    ).rev_orgs == [made]
    assert (
        await done(api.rev_orgs.update(made.id, display_name="Far west"))
    ).display_name == "Far west"
    await done(api.rev_orgs.delete(made.id))
    await refused(errors.NotFoundError, api.rev_orgs.get, made.id)


async def rev_orgs_cannot(api: Api) -> None:
    """It filters by fields that the API does not have."""
    for field in ("domains", "external_refs", "owned_by"):
        await refused(errors.ValidationError, api.rev_orgs.list, **{field: ["x"]})


async def link_families(api: Api) -> None:
    ends = {"source": GIVEN["other"], "target": GIVEN["account"]}
    made = await done(
        api.links.create(links.LinksCreateRequest(link_type=links.LinkType.SERVES, **ends))
    )
    assert (made.link_type, made.source.id, made.target.type) == (
        "serves",
        GIVEN["other"],
        "account",
    )
    assert await done(api.links.get(links.LinksGetRequest(id=made.id))) == made
    assert await done(api.links.list(links.LinksListRequest(object=GIVEN["account"], limit=5))) == [
        made
    ]
    await done(api.links.delete(links.LinksDeleteRequest(id=made.id)))
    await refused(errors.NotFoundError, api.links.get, links.LinksGetRequest(id=made.id))


async def links_cannot(api: Api) -> None:
    """It can list without an object and make types of links, neither of which the API has."""
    await refused(errors.ValidationError, api.links.list)
    blocked = links.LinksCreateRequest(
        link_type="is_blocked_by", source=GIVEN["other"], target=GIVEN["account"]
    )
    await refused(errors.ValidationError, api.links.create, blocked)


async def webhooks(api: Api) -> None:
    # A name that no resolver knows: what is told to it goes nowhere.
    url = "https://receiver.invalid/hook"
    made = await done(
        api.webhooks.create(hooks.WebhooksCreateRequest(url=url, event_types=["account_created"]))
    )
    assert (made.url, made.event_types, made.status) == (url, ["account_created"], "unverified")
    assert made.secret
    assert await done(api.webhooks.get(hooks.WebhooksGetRequest(id=made.id))) == made
    assert list(await done(api.webhooks.list())) == [made]
    # A plain array is what is set, as its model has it.
    request = hooks.WebhooksUpdateRequest(id=made.id, event_types=["tag_created"])
    assert (await done(api.webhooks.update(request))).event_types == ["tag_created"]
    await done(api.webhooks.delete(hooks.WebhooksDeleteRequest(id=made.id)))
    await refused(errors.NotFoundError, api.webhooks.get, hooks.WebhooksGetRequest(id=made.id))


async def webhooks_cannot(api: Api) -> None:
    """It names no object to fetch, and sets a status where the API takes an action."""
    made = await done(
        api.webhooks.create(hooks.WebhooksCreateRequest(url="https://receiver.invalid/other"))
    )
    await refused(errors.ValidationError, api.webhooks.fetch, made.id)
    request = hooks.WebhooksUpdateRequest(id=made.id, status=hooks.WebhookStatus.INACTIVE)
    await refused(errors.ValidationError, api.webhooks.update, request)
    await done(api.webhooks.delete(hooks.WebhooksDeleteRequest(id=made.id)))


async def artifacts(api: Api) -> None:
    prepared = await done(
        api.artifacts.prepare(
            files.ArtifactPrepareRequest(file_name="notes.txt", file_type="text/plain")
        )
    )
    artifact = await done(api.artifacts.upload(prepared, "zwei Jahre, 二年"))
    assert await done(api.artifacts.download(artifact)) == "zwei Jahre, 二年".encode()
    assert (await done(api.artifacts.locate(files.ArtifactLocateRequest(id=artifact)))).startswith(
        "https://"
    )
    await refused(errors.DevRevError, api.artifacts.upload, prepared, b"used up")
    second = await done(
        api.artifacts.prepare_version(files.ArtifactVersionsPrepareRequest(id=artifact))
    )
    assert await done(api.artifacts.upload(second, b"three")) == artifact
    assert await done(api.artifacts.download(artifact)) == b"three"
    assert await done(api.artifacts.download(artifact, version="1")) == "zwei Jahre, 二年".encode()
    await done(
        api.artifacts.delete_version(files.ArtifactVersionsDeleteRequest(id=artifact, version="1"))
    )
    await refused(errors.NotFoundError, api.artifacts.download, artifact, version="1")
    found = await done(api.artifacts.get(files.ArtifactGetRequest(id=artifact)))
    assert (found.id, found.created_by["id"]) == (artifact, GIVEN["user"])
    assert await done(api.artifacts.list_for_parent(GIVEN["account"])) == []


async def timelines(api: Api) -> None:
    comment = timeline.TimelineEntriesCreateRequest(
        object=GIVEN["account"],
        type=timeline.TimelineEntryType.COMMENT,
        body="They want two years.",
    )
    made = await done(api.timeline_entries.create(comment))
    assert (made.type, made.body, made.object) == (
        "timeline_comment",
        "They want two years.",
        GIVEN["account"],
    )
    assert (
        await done(api.timeline_entries.get(timeline.TimelineEntriesGetRequest(id=made.id))) == made
    )
    request = timeline.TimelineEntriesListRequest(object=GIVEN["account"], limit=50)
    entries = await done(api.timeline_entries.list(request))
    assert made in entries
    assert "timeline_change_event" in {entry.type for entry in entries}
    request = timeline.TimelineEntriesUpdateRequest(id=made.id, body="They want three.")
    assert (await done(api.timeline_entries.update(request))).body == "They want three."
    await done(api.timeline_entries.delete(timeline.TimelineEntriesDeleteRequest(id=made.id)))
    gone = timeline.TimelineEntriesGetRequest(id=made.id)
    await refused(errors.NotFoundError, api.timeline_entries.get, gone)


async def timelines_cannot(api: Api) -> None:
    """It offers notes, which can't be written, and shows of a change only that there was one."""
    note = timeline.TimelineEntriesCreateRequest(
        object=GIVEN["account"], type=timeline.TimelineEntryType.NOTE, body="x"
    )
    await refused(errors.ValidationError, api.timeline_entries.create, note)
    assert "event" not in timeline.TimelineEntry.model_fields


async def artifacts_cannot(api: Api) -> None:
    """It looks for name, type and size beside `id`, and the API answers them within `file`."""
    prepared = await done(
        api.artifacts.prepare(files.ArtifactPrepareRequest(file_name="notes.txt"))
    )
    artifact = await done(api.artifacts.upload(prepared, b"notes"))
    found = await done(api.artifacts.get(files.ArtifactGetRequest(id=artifact)))
    assert (found.file_name, found.file_type, found.file_size) == (None, None, None)


async def five_refusals_cut_it_off(api: Api) -> None:
    """It takes refusals for outages: after five in a row it asks nothing more for half a minute."""
    careless = type(api)(config=configured())
    for _ in range(5):
        await refused(errors.NotFoundError, careless.accounts.get, "ACC-99")
    await refused(errors.CircuitBreakerError, careless.accounts.list)
    await done(careless.close())


async def unauthenticated(api: Api) -> None:
    stranger = type(api)(config=configured(token="rpt_wrong"))
    refusal = await refused(errors.AuthenticationError, stranger.accounts.list)
    assert refusal.response_body["type"] == "unauthenticated"
    assert refusal.request_id
    await done(stranger.close())


async def not_offered(api: Api) -> None:
    """It has nothing for meetings, tokens, service accounts and the org."""
    families = ("meetings", "auth_tokens", "service_accounts", "dev_orgs")
    assert not [name for name in families if hasattr(api, name)]


CHECKS: list[Check] = [
    engagements, engagements_cannot, accounts, accounts_cannot, works, works_cannot, tag_families, dev_users,
    dev_users_cannot, rev_users, rev_users_cannot, rev_users_with_a_picture_cannot, rev_orgs, rev_orgs_cannot, link_families, links_cannot, timelines, timelines_cannot,
    webhooks, webhooks_cannot, artifacts, artifacts_cannot, five_refusals_cut_it_off, unauthenticated, not_offered,
]  # fmt: skip


async def main(mode: str) -> int:
    client = {"sync": DevRevClient, "async": AsyncDevRevClient}[mode]
    api = client(config=configured(circuit_breaker_enabled=False))
    code = await report(CHECKS, api)
    await done(api.close())
    return code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
