"""Record engagements, a batch at once."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapport.clock import format_rfc3339
from rapport.contract import engagements as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ApiError, raise_all
from rapport.contract.kit.fields import Raw, Response, UnsetType
from rapport.contract.kit.ids import Id
from rapport.events import log as events
from rapport.operations.engagements.documents import (
    Document,
    encode,
    kept_of,
    link_fields,
    ref_in_use,
    with_users,
)
from rapport.operations.kit.changes import first_custom_fields
from rapport.operations.kit.context import Call, handles_batch
from rapport.operations.kit.expansion import expanded
from rapport.operations.kit.optional import chosen, given
from rapport.operations.kit.references import References, wanted
from rapport.store import engagements as store
from rapport.store import summaries
from rapport.store.engagement_links import Related
from rapport.store.engagements import EngagementRow
from rapport.store.kit import numbers, terms
from rapport.store.kit.db import Tx
from rapport.store.kit.references import Found, ReferenceKey, resolve


class _Accepted(NamedTuple):
    """A create that passed every check, and its place in the batch."""

    position: int
    call: Call[contract.EngagementsCreateRequest]
    links: Related


@handles_batch(contract.CREATE)
async def create(
    tx: Tx, calls: Sequence[Call[contract.EngagementsCreateRequest]]
) -> Sequence[Response | Exception]:
    """Record engagements. A call that wants what another of its batch takes waits for that one
    and is then refused.
    """
    found = await resolve(tx, {key for call in calls for key in _wanted(call)})
    refs = {
        (call.caller.org, ref)
        for call in calls
        if not isinstance(ref := call.request.external_ref, UnsetType)
    }
    in_use = await store.by_external_refs(tx, refs) if refs else {}
    results: dict[int, Response | Exception] = {}
    accepted: list[_Accepted] = []
    waiting: list[int] = []
    taken: set[tuple[str, str, str]] = set()
    for position, call in enumerate(calls):
        try:
            links = _check(call, found, in_use)
        except ApiError as error:
            results[position] = error
            continue
        takes = _exclusive(call, links)
        if taken.isdisjoint(takes):
            taken.update(takes)
            accepted.append(_Accepted(position, call, links))
        else:
            waiting.append(position)
    if accepted:
        results.update(await _record(tx, accepted))
    if waiting:
        results.update(
            zip(waiting, await create(tx, [calls[position] for position in waiting]), strict=True)
        )
    return [results[position] for position in range(len(calls))]


def _wanted(call: Call[contract.EngagementsCreateRequest]) -> set[ReferenceKey]:
    request = call.request
    parent = [] if isinstance(request.parent, UnsetType) else [request.parent]
    everything: Iterable[Id] = [
        *request.members,
        *given(request.artifacts),
        *parent,
        *given(request.parents),
        *(tag.id for tag in given(request.tags)),
    ]
    return wanted(call.caller.org, everything)


def _check(
    call: Call[contract.EngagementsCreateRequest],
    found: dict[ReferenceKey, Found],
    in_use: dict[tuple[str, str], int],
) -> Related:
    """Check all references of a call.

    Raises:
        ApiError: the first problem, with all of them as its violations.
    """
    org, request = call.caller.org, call.request
    references = References(org, found)
    members = references.many("members", request.members)
    artifacts = references.artifacts("artifacts", request.artifacts, holder=None)
    if not isinstance(request.external_ref, UnsetType) and (org, request.external_ref) in in_use:
        references.problems.append(
            ref_in_use(org, request.external_ref, in_use[org, request.external_ref])
        )
    parent = references.one("parent", request.parent)
    parents = references.many("parents", request.parents)
    tags = references.tags("tags", request.tags)
    raise_all(references.problems)
    return Related(
        members,
        list(dict.fromkeys([parent, *parents] if parent else parents)),
        tags,
        artifacts,
        terms.of_custom_fields(chosen(request.custom_fields, None)),
    )


def _exclusive(
    call: Call[contract.EngagementsCreateRequest], links: Related
) -> set[tuple[str, str, str]]:
    """What only one engagement can have."""
    org, external_ref = call.caller.org, call.request.external_ref
    takes = {(org, "artifact", artifact) for artifact in links.artifacts}
    if not isinstance(external_ref, UnsetType):
        takes.add((org, "external_ref", external_ref))
    return takes


async def _record(
    tx: Tx, accepted: Sequence[_Accepted]
) -> dict[int, contract.EngagementsCreateResponse]:
    per_org: dict[str, int] = {}
    for _, call, _ in accepted:
        per_org[call.caller.org] = per_org.get(call.caller.org, 0) + 1
    next_number = await numbers.take(tx, ids.ENGAGEMENT, per_org)
    rows: list[EngagementRow] = []
    for _, call, links in accepted:
        org = call.caller.org
        rows.append(_new_row(call, links, next_number[org]))
        next_number[org] += 1
    await store.insert(tx, rows, [links for _, _, links in accepted])
    people = await summaries.users(
        tx,
        {
            (call.caller.org, user)
            for _, call, _ in accepted
            for user in (call.stamps.created_by, call.stamps.modified_by)
        },
    )
    responses, happened = {}, []
    for (position, call, _), row in zip(accepted, rows, strict=True):
        documents = [with_users(call.caller.org, kept_of(row), people)]
        org, user_id = call.caller.org, call.caller.user_id
        happened.append(
            events.created(
                org,
                user_id,
                call.now,
                Raw(documents[0]),
                ids.ENGAGEMENT.display_id(row.number),
                imported=call.own is not None,
            )
        )
        if call.request.expand:
            documents = await expanded(tx, call.caller.org, documents, call.request.expand)
        responses[position] = contract.EngagementsCreateResponse(engagement=Raw(documents[0]))
    await events.record(tx, happened)
    return responses


def _new_row(
    call: Call[contract.EngagementsCreateRequest], links: Related, number: int
) -> EngagementRow:
    request, org, stamps = call.request, call.caller.org, call.stamps
    document = Document(
        created_date=format_rfc3339(stamps.created_date),
        custom_fields=first_custom_fields(request.custom_fields),
        description=None if isinstance(request.description, UnsetType) else request.description,
        display_id=ids.ENGAGEMENT.display_id(number),
        engagement_type=request.engagement_type or "default",
        external_ref=request.external_ref or None,
        external_url=request.external_url or None,
        id=ids.don(ids.ENGAGEMENT, org, number),
        modified_date=format_rfc3339(stamps.modified_date),
        scheduled_date=format_rfc3339(request.scheduled_date),
        title=request.title,
        **link_fields(org, links),
    )
    return EngagementRow(
        org=org,
        number=number,
        title=document.title,
        engagement_type=document.engagement_type,
        external_ref=document.external_ref,
        scheduled_date=int(request.scheduled_date),
        **stamps._asdict(),
        document=encode(document).decode(),
    )
