"""Change engagements."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.clock import MILLISECOND, format_rfc3339
from rapport.contract import engagements as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import raise_all
from rapport.contract.kit.fields import SetTagWithValue, UnsetType
from rapport.operations.engagements.documents import (
    LINK_FIELDS,
    Document,
    answers,
    decode,
    encode,
    kept_of,
    link_fields,
    ref_in_use,
)
from rapport.operations.kit.changes import custom_fields, tell_updated
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import found
from rapport.operations.kit.optional import given, only_set
from rapport.operations.kit.preconditions import check_unchanged
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.upserts import upserts
from rapport.store import engagement_links
from rapport.store import engagements as store
from rapport.store.engagement_links import Related
from rapport.store.engagements import EngagementRow
from rapport.store.kit import terms
from rapport.store.kit.db import NO_DATE
from rapport.store.kit.references import resolve


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.EngagementsUpdateRequest
) -> contract.EngagementsUpdateResponse:
    """Change one, all fields or none. What changes nothing is no change."""
    row = await found(ctx, request.id, store.lock)
    check_unchanged(row.modified_date, request.if_modified_date)
    before = decode(row.document)
    links = await _changed_links(ctx, request)
    after = _changed(before, request, link_fields(ctx.org, Related(**links)), links)
    (engagement,) = await answers(ctx.tx, ctx.org, [kept_of(row)])
    if after != before:
        was, old = engagement, row
        modified = max(ctx.now, row.modified_date + MILLISECOND)
        after.modified_date = format_rfc3339(modified)
        row = row._replace(
            title=after.title,
            engagement_type=after.engagement_type,
            external_ref=after.external_ref,
            scheduled_date=_scheduled(row, request),
            modified_by=ctx.caller.user_id,
            modified_date=modified,
            document=encode(after).decode(),
        )
        await store.update(ctx.tx, old, row)
        await write_links(ctx, row, links, before, after)
        (engagement,) = await answers(ctx.tx, ctx.org, [kept_of(row)])
        await tell_updated(ctx, was, engagement)
    if request.expand:
        (engagement,) = await answers(ctx.tx, ctx.org, [kept_of(row)], request.expand)
    return contract.EngagementsUpdateResponse(engagement=engagement)


async def _changed_links(
    ctx: Context, request: contract.EngagementsUpdateRequest
) -> dict[str, Any]:
    """The links that the request sets, checked, by kind.

    Raises:
        ApiError: a reference or the external_ref is refused.
    """
    members, parents, artifacts = (
        only_set(request.members),
        only_set(request.parents),
        only_set(request.artifacts),
    )
    tags: Sequence[SetTagWithValue] | UnsetType = only_set(request.tags)
    everything = [
        *given(members),
        *given(parents),
        *given(artifacts),
        *(tag.id for tag in given(tags)),
    ]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))
    holder = request.id.display_id
    checked = {"artifacts": references.artifacts("artifacts.set", artifacts, holder=holder)}
    if not isinstance(request.external_ref, UnsetType):
        used = await store.by_external_refs(ctx.tx, [(ctx.org, request.external_ref)])
        number = used.get((ctx.org, request.external_ref), request.id.number)
        if number != request.id.number:
            references.problems.append(ref_in_use(ctx.org, request.external_ref, number))
    checked["members"] = references.many("members.set", members)
    checked["parents"] = references.many("parents.set", parents)
    result: dict[str, Any] = {**checked, "tags": references.tags("tags.set", tags)}
    raise_all(references.problems)
    sent = {"members": members, "parents": parents, "artifacts": artifacts, "tags": tags}
    return {
        kind: result[kind]
        for kind in engagement_links.LINKS
        if not isinstance(sent[kind], UnsetType)
    }


def _changed(
    before: Document,
    request: contract.EngagementsUpdateRequest,
    link_fields: dict[str, Any],
    links: dict[str, Any],
) -> Document:
    """The document after the request."""
    changes: dict[str, Any] = {
        name: value
        for name in ("description", "external_ref", "external_url", "title", "engagement_type")
        if not isinstance(value := getattr(request, name), UnsetType)
    }
    if not isinstance(request.scheduled_date, UnsetType):
        changes["scheduled_date"] = (
            None if request.scheduled_date is None else format_rfc3339(request.scheduled_date)
        )
    for kind in links:
        for field in LINK_FIELDS[kind]:
            changes[field] = link_fields[field]
    changes["custom_fields"] = custom_fields(before.custom_fields, request.custom_fields)
    return msgspec.structs.replace(before, **changes)


def _scheduled(row: EngagementRow, request: contract.EngagementsUpdateRequest) -> int:
    if isinstance(request.scheduled_date, UnsetType):
        return row.scheduled_date
    return NO_DATE if request.scheduled_date is None else int(request.scheduled_date)


async def write_links(
    ctx: Context, row: EngagementRow, links: dict[str, Any], before: Document, after: Document
) -> None:
    """Write the links, and what custom fields are found by, that are others now."""
    for kind, values in links.items():
        if any(getattr(before, field) != getattr(after, field) for field in LINK_FIELDS[kind]):
            await engagement_links.set_links(ctx.tx, row.carried, kind, values)
    if before.custom_fields != after.custom_fields:
        found_by = terms.of_custom_fields(after.custom_fields)
        await engagement_links.set_custom_fields(ctx.tx, row.org, row.number, found_by)


def _as_update(fields: dict[str, Any]) -> dict[str, Any]:
    """A create's fields as an update has them: it has no first parent beside the others."""
    if "parent" in fields:
        fields["parents"] = [fields.pop("parent"), *fields.get("parents", ())]
    return fields


upserts(ids.ENGAGEMENT, contract.UPSERT, contract.CREATE, contract.UPDATE, sort_out=_as_update)
