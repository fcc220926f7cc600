"""Rev orgs: make, find, change, delete."""

from collections.abc import Sequence

import msgspec

from rapport.contract import rev_orgs as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import MissingRequiredField, NotFound, ValueNotPermitted, raise_all
from rapport.contract.kit.fields import UNSET, Raw, UnsetType
from rapport.operations.kit.atoms import (
    artifact_summaries,
    atom,
    authors,
    find_artifacts,
    tags_with_values,
)
from rapport.operations.kit.changes import (
    changed,
    claim_artifacts,
    custom_fields,
    detach,
    disband,
    first_custom_fields,
    tell_created,
    tell_deleted,
)
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import found
from rapport.operations.kit.listing import (
    add_audit,
    add_custom_fields,
    cursors,
    own_ids,
    own_numbers,
    read_walk,
)
from rapport.operations.kit.optional import chosen, given, only_set, or_unset, sent
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.refusals import in_use
from rapport.operations.kit.showing import shows
from rapport.operations.kit.upserts import upserts
from rapport.store import rev_orgs as store
from rapport.store import summaries
from rapport.store.kit import numbers, query, terms
from rapport.store.kit.db import Tx, UniqueViolation
from rapport.store.kit.references import resolve
from rapport.store.rev_orgs import RevOrgRow


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a rev org's row keeps beside its columns; tags and artifacts are display ids."""

    artifacts: list[str] = []
    custom_fields: dict[str, Raw] | None = None
    description: str | None = None
    domain: str | None = None
    environment: contract.Environment | None = None
    fragments: list[str] = []
    tags: list[tuple[str, str | None]] = []
    tier: str | None = None


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.RevOrgsCreateRequest
) -> contract.RevOrgsCreateResponse:
    """Make one more rev org for an account."""
    everything = [
        request.account,
        *given(request.artifacts),
        *(tag.id for tag in given(request.tags)),
    ]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))
    references.one("account", request.account)
    document = Document(
        **sent(request, "description", "domain", "environment", "tier"),
        custom_fields=first_custom_fields(request.custom_fields),
        artifacts=references.artifacts("artifacts", request.artifacts, holder=None),
        fragments=list(given(request.custom_schema_fragments)),
        tags=references.tags("tags", request.tags),
    )
    raise_all(references.problems)
    row = RevOrgRow(
        org=ctx.org,
        number=await numbers.take_one(ctx.tx, ids.REV_ORG, ctx.org),
        account=request.account.number,
        is_default=0,
        display_name=request.display_name,
        external_ref=chosen(request.external_ref, None),
        **ctx.stamps._asdict(),
        document=msgspec.json.encode(document).decode(),
    )
    try:
        await store.insert(ctx.tx, row)
    except UniqueViolation as error:
        raise in_use("rev org", [row.external_ref or ""]) from error
    await _put_terms(ctx.tx, row, document)
    await claim_artifacts(ctx, document.artifacts, ids.REV_ORG.display_id(row.number))
    await tell_created(ctx, ids.REV_ORG.display_id(row.number))
    return contract.RevOrgsCreateResponse(rev_org=(await _rev_orgs(ctx.tx, [row]))[0])


async def _put_terms(tx: Tx, row: RevOrgRow, document: Document) -> None:
    fields = {
        "rev_orgs.custom_fields": terms.of_custom_fields(document.custom_fields),
        "rev_orgs.tags": [tag for tag, _ in document.tags],
    }
    await terms.put(tx, row.org, ids.REV_ORG.display_id(row.number), fields)


@handles(contract.GET)
async def get(ctx: Context, request: contract.RevOrgsGetRequest) -> contract.RevOrgsGetResponse:
    """Find a rev org: by its id, or the default one of an account; given both, it has to be of
    that account.
    """
    row = await _found(ctx, request)
    if row is None:
        sent_ids = [
            id_.text[:80] for id_ in (request.id, request.account) if not isinstance(id_, UnsetType)
        ]
        raise NotFound(
            f"There is no rev org {' of '.join(sent_ids)!r}.",
            detail="It never was, or it was deleted.",
        )
    return contract.RevOrgsGetResponse(rev_org=(await _rev_orgs(ctx.tx, [row]))[0])


async def _found(ctx: Context, request: contract.RevOrgsGetRequest) -> RevOrgRow | None:
    id_, account = request.id, request.account
    if any(not one.belongs_to(ctx.org) for one in (id_, account) if not isinstance(one, UnsetType)):
        return None
    if isinstance(id_, UnsetType):
        if isinstance(account, UnsetType):
            raise MissingRequiredField(
                "id is required.", detail="Send id, or account.", field_name="id"
            )
        return await store.default_of(ctx.tx, ctx.org, account.number)
    row = await store.get(ctx.tx, ctx.org, id_.number)
    other = row is not None and not isinstance(account, UnsetType) and row.account != account.number
    return None if other else row


@handles(contract.LIST)
async def list_(ctx: Context, request: contract.RevOrgsListRequest) -> contract.RevOrgsListResponse:
    """A page of rev orgs."""
    walk = read_walk("rev-orgs", request, store.SORTS)
    where = store.of_org(ctx.org)
    where.among("account", own_numbers(ctx.org, request.account))
    where.among("display_name", given(request.display_name))
    where.among("external_ref", given(request.external_ref))
    where.among("tags", own_ids(ctx.org, request.tags))
    add_custom_fields(where, request.custom_fields)
    for entry in given(request.custom_field_filter):
        name, _, value = entry.partition(":")
        where.among("custom_fields", list(terms.custom_field(name, value)))
    add_audit(where, ctx.org, request)
    page = await query.page(ctx.tx, where, walk)
    return contract.RevOrgsListResponse(
        rev_orgs=await _rev_orgs(ctx.tx, page.rows), **cursors("rev-orgs", walk, page)
    )


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.RevOrgsUpdateRequest
) -> contract.RevOrgsUpdateResponse:
    """Change a rev org, all fields or none. What changes nothing is no change."""
    row = await found(ctx, request.id, store.lock)
    artifacts = only_set(request.artifacts)
    homes = [] if isinstance(request.account, UnsetType) else [request.account]
    everything = [*homes, *given(artifacts), *(tag.id for tag in given(request.tags))]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))
    references.one("account", request.account)
    account = homes[0].number if homes else row.account
    if row.is_default and account != row.account:
        references.problems.append(_stays(row))
    attached = references.artifacts("artifacts.set", artifacts, holder=request.id.display_id)
    tags = references.tags("tags", request.tags)
    raise_all(references.problems)
    before = msgspec.json.decode(row.document, type=Document)
    document = msgspec.structs.replace(
        before,
        **sent(request, "description", "domain", "environment", "tier"),
        artifacts=before.artifacts if isinstance(artifacts, UnsetType) else attached,
        custom_fields=custom_fields(before.custom_fields, request.custom_fields),
        fragments=chosen(request.custom_schema_fragments, before.fragments),
        tags=before.tags if isinstance(request.tags, UnsetType) else tags,
    )
    after = row._replace(
        **sent(request, "display_name", "external_ref"),
        account=account,
        document=msgspec.json.encode(document).decode(),
    )

    async def write(row: RevOrgRow) -> None:
        try:
            await store.update(ctx.tx, row)
        except UniqueViolation as error:
            raise in_use("rev org", [row.external_ref or ""]) from error
        await _put_terms(ctx.tx, row, document)
        await claim_artifacts(ctx, document.artifacts, request.id.display_id)

    rev_org = await changed(ctx, row, after, write, _rev_orgs)
    return contract.RevOrgsUpdateResponse(rev_org=rev_org)


def _stays(row: RevOrgRow) -> ValueNotPermitted:
    """The refusal to move a default rev org."""
    return ValueNotPermitted(
        f"account: {ids.REV_ORG.display_id(row.number)} is the default rev org of "
        f"{ids.ACCOUNT.display_id(row.account)}.",
        detail="Move another rev org, or make a new one.",
        field_name="account",
        reason="a default rev org stays with its account",
    )


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.RevOrgsDeleteRequest
) -> contract.RevOrgsDeleteResponse:
    """Delete a rev org. Its users stay, without one."""
    id_ = request.id
    row = await found(ctx, id_, store.lock)
    await detach(ctx, id_.display_id)
    await disband(ctx, [id_.display_id])
    await tell_deleted(ctx, *await _rev_orgs(ctx.tx, [row]))
    await store.delete(ctx.tx, ctx.org, [id_.number])
    await terms.remove(ctx.tx, ctx.org, [id_.display_id])
    return contract.RevOrgsDeleteResponse()


upserts(ids.REV_ORG, contract.UPSERT, contract.CREATE, contract.UPDATE)


@shows(ids.REV_ORG)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, contract.RevOrg]:
    """Rev orgs by display id."""
    rows = await query.numbered(tx, store.of_org(org), numbers_)
    return {rev_org.display_id: rev_org for rev_org in await _rev_orgs(tx, rows)}


async def _rev_orgs(tx: Tx, rows: Sequence[RevOrgRow]) -> list[contract.RevOrg]:
    documents = [msgspec.json.decode(row.document, type=Document) for row in rows]
    people = await authors(tx, rows)
    org = rows[0].org if rows else ""
    accounts = await summaries.accounts(tx, org, [row.account for row in rows])
    tags = await summaries.tags(
        tx, org, [tag for document in documents for tag, _ in document.tags]
    )
    artifacts = await find_artifacts(tx, org, [document.artifacts for document in documents])
    return [
        contract.RevOrg(
            **atom(ids.REV_ORG, row, people),
            account=accounts.get(ids.ACCOUNT.display_id(row.account), UNSET),
            artifacts=or_unset(artifact_summaries(artifacts, document.artifacts)),
            custom_fields=or_unset(document.custom_fields),
            custom_schema_fragments=or_unset(document.fragments),
            description=or_unset(document.description),
            display_name=row.display_name,
            domain=or_unset(document.domain),
            environment=or_unset(document.environment),
            external_ref=or_unset(row.external_ref),
            tags=or_unset(tags_with_values(tags, document.tags)),
            tier=or_unset(document.tier),
        )
        for row, document in zip(rows, documents, strict=True)
    ]
